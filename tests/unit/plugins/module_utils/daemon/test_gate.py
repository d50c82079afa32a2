# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Activation and the gate behind it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon import _gate, _parse
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._errors import DaemonError
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._health import Report
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._host import Host
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._spec import Health
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._systemd import (
    Status,
    Systemd,
)
from ansible_collections.barehost.monitoring.tests.unit.plugins.module_utils.daemon.fakes import (
    Clock,
)

UP = Status(load="loaded", active="active", sub="running", main_pid=7)
STARTING = replace(UP, active="activating", sub="start", main_pid=0)
FAILED = replace(UP, active="failed", sub="failed", main_pid=0, result="exit-code", exit_status=2)
FINE, SICK = Report(), Report(("answers 503",))


class Script(Systemd):
    """Tells one status after the other; the last one for ever."""

    def __init__(self, statuses: Iterable[Status]) -> None:
        self.statuses = list(statuses)
        self.calls: list[str] = []

    def status(self, unit: str) -> Status:
        """Tell the next status."""
        return self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]

    def control(self, *arguments: str) -> None:
        """Log the verb."""
        self.calls.append(arguments[0])


def host(statuses: Iterable[Status], reports: Iterable[Report] = (), unowned: Any = ()) -> Host:
    answers = [*reports] or [FINE]

    def probe(_health: Health, _baseline: object) -> Report:
        return answers.pop(0) if len(answers) > 1 else answers[0]

    held = list(unowned)
    return Host(
        open_url=pytest.fail,
        systemd=Script(statuses),
        probe=probe,
        unowned=lambda *_args: held.pop(0) if held else [],
    )


def health(timeout: float = 10, settle: float = 1) -> Health:
    return _parse.health({"timeout": timeout, "settle": settle}, [])


@pytest.mark.parametrize(
    ("verb", "status", "calls", "baseline"),
    [
        ("restart", UP, ["restart"], {}),
        ("restart", FAILED, ["reset-failed", "restart"], {}),
        ("restart", Status(), ["restart"], {}),
        ("reload", UP, ["reload"], {"m": 1.0}),
    ],
)
def test_a_unit_is_activated(
    verb: str, status: Status, calls: list[str], baseline: dict[str, float]
) -> None:
    one = host([status], [Report(readings={"m": 1.0})])
    assert _gate.activate(one, "web.service", verb, health()) == baseline
    assert isinstance(one.systemd, Script) and one.systemd.calls == calls


PROVED: list[tuple[str, Host, float]] = [
    ("at once", host([UP]), 1),
    ("slow start", host([UP, *[STARTING] * 5, UP]), 1),
    ("slow health", host([UP], [*[SICK] * 9, FINE]), 1),
    ("late socket", host([UP], unowned=[["held by nobody"], ["held by nobody"]]), 1),
    ("other pid while it starts", host([STARTING, STARTING, UP]), 1),
    ("reloading", host([UP, replace(UP, active="reloading"), UP]), 1),
]


@pytest.mark.parametrize(("proved", "settle"), [p[1:] for p in PROVED], ids=[p[0] for p in PROVED])
def test_a_healthy_unit_is_proved(clock: Clock, proved: Host, settle: float) -> None:
    assert _gate.prove(proved, "web.service", health(settle=settle), {}) == ()
    assert settle <= clock.now < 10


@pytest.mark.parametrize("settle", [0.0, 0.7, 3.0])
def test_a_healthy_unit_is_watched_until_it_has_settled_and_no_longer(
    clock: Clock, settle: float
) -> None:
    warnings = ("redis_up is 0",)
    found = _gate.prove(host([UP], [Report((), warnings)]), "web.service", health(10, settle), {})
    assert found == warnings
    assert settle <= clock.now < settle + 0.1


def test_settling_may_take_longer_than_the_time_limit(clock: Clock) -> None:
    assert _gate.prove(host([UP]), "web.service", health(0.5, 1), {}) == ()
    assert clock.now >= 1


HOPELESS: list[tuple[str, Host, str, float]] = [
    ("failed", host([UP, FAILED]), "web.service died: exit-code, exit status 2", 0),
    (
        "restarting",
        host([UP, replace(STARTING, sub="auto-restart", result="signal")]),
        "web.service died: signal",
        0,
    ),
    (
        "restarting, new systemd",
        host([UP, replace(STARTING, sub="auto-restart-queued")]),
        "web.service died",
        0,
    ),
    (
        "ended",
        host([UP, Status(load="loaded")]),
        "web.service ended by itself: success, exit status 0",
        0,
    ),
    (
        "restarted",
        host([UP, UP, replace(UP, restarts=1)]),
        "does not stay up: systemd had to restart it",
        0.1,
    ),
    ("other pid", host([UP, UP, replace(UP, main_pid=8)]), "does not stay up", 0.1),
    ("dies while it settles", host([UP, UP, UP, FAILED]), "died", 0.5),
    ("untrusted", host([UP], [replace(SICK, final=True)]), "not healthy: answers 503", 0),
    ("sick", host([UP], [SICK]), "not healthy after 10 s: answers 503", 10.6),
    (
        "never up",
        host([STARTING]),
        "not healthy after 10 s: web.service is activating (start)",
        10.6,
    ),
    (
        "foreign",
        host([UP], unowned=[["held by nginx"]] * 999),
        "not healthy after 10 s: held by nginx",
        10.6,
    ),
]


@pytest.mark.parametrize(
    ("hopeless", "message", "until"), [h[1:] for h in HOPELESS], ids=[h[0] for h in HOPELESS]
)
def test_an_unhealthy_unit_is_told_as_soon_as_it_is_hopeless(
    clock: Clock, hopeless: Host, message: str, until: float
) -> None:
    with pytest.raises(DaemonError) as caught:
        _gate.prove(hopeless, "web.service", health(), {})
    assert message in str(caught.value)
    assert clock.now <= until
