# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Let the contenders take turns, each on a host that was just booted."""

from __future__ import annotations

import time
from collections.abc import Sequence

from bench.contenders import Contender
from bench.playbook import RunFailed
from bench.results import Result
from bench.state import State, observe
from hosts.container import Host
from hosts.shell import say

SUITE = "trixie"
REPETITIONS = 2


def compare(contenders: Sequence[Contender], rounds: int, seconds: float) -> dict[str, Result]:
    """Measure round by round; begin none that would not end within the given time."""
    results = {contender.key: Result() for contender in contenders}
    states: dict[str, State] = {}
    start = time.monotonic()
    for number in range(1, rounds + 1):
        begun = time.monotonic()
        for contender in contenders:
            result = results[contender.key]
            if not result.reason:
                say(f"round {number} of {rounds}: {contender.key}")
                try:
                    states[contender.key] = _turn(contender, result, number)
                    _same(contender, states)
                except RunFailed as exc:
                    result.reason = str(exc)
                    say(f"{contender.key} failed: {exc}")
        now = time.monotonic()
        if now - start + (now - begun) > seconds:
            break
    return results


def _turn(contender: Contender, result: Result, number: int) -> State:
    host = Host(f"barehost-bench-{contender.key}").boot(SUITE)
    try:
        contender.fresh(host)
        result.cold.append(contender.deploy(host, f"{contender.key}-{number}-cold"))
        for repetition in range(1, REPETITIONS + 1 if contender.repeats else 1):
            run = contender.deploy(host, f"{contender.key}-{number}-noop-{repetition}")
            if run.changed:
                raise RunFailed(f"its repeated run changed {run.changed} things")
            result.noop.append(run)
        return observe(host)
    finally:
        host.remove()


def _same(contender: Contender, states: dict[str, State]) -> None:
    first, state = next(iter(states.items())), states[contender.key]
    if down := [target for target in state.targets if not target.endswith(" up")]:
        raise RunFailed(f"it ends with targets that are not up: {', '.join(down)}")
    for name, wanted in vars(first[1]).items():
        if (found := getattr(state, name)) != wanted:
            raise RunFailed(f"it ends with other {name} than {first[0]}: {found}, not {wanted}")
