# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run ansible-playbook against the clock and read its recap."""

from __future__ import annotations

import os
import re
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from hosts.shell import CACHE, CHECKOUT

WORK = CACHE / "bench"
INVENTORY = "bench/inventory"
RECAP = re.compile(r"^bench\s+: (.+)$", re.MULTILINE)


class RunFailed(Exception):
    """A deployment did not come to its end."""


@dataclass(frozen=True)
class Run:
    """One deployment: how long it took, and what Ansible says that it did."""

    seconds: float
    tasks: int = 0
    skipped: int = 0
    changed: int = 0


def play(playbook: str, container: str, *options: str, log: str, **environment: str) -> Run:
    """Run a playbook on a container and keep its output in a file."""
    command = (
        "ansible-playbook",
        f"--inventory={INVENTORY}",
        f"--extra-vars=bench_container={container}",
        *options,
        playbook,
    )
    output = WORK / f"{log}.log"
    start = time.monotonic()
    with output.open("w") as stream:
        code = subprocess.run(
            command,
            cwd=CHECKOUT,
            env=os.environ | environment,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            check=False,
        ).returncode
    seconds = time.monotonic() - start
    if code:
        raise RunFailed(f"{playbook}: ansible-playbook returned {code}, see {shown(output)}")
    return recap(output.read_text(), seconds)


def recap(output: str, seconds: float) -> Run:
    """Read the tasks from the last lines of a run."""
    line = RECAP.search(output)
    if not line:
        raise RunFailed("ansible-playbook ended without a recap")
    counts = {name: int(count) for name, count in re.findall(r"(\w+)=(\d+)", line[1])}
    return Run(seconds, counts["ok"], counts["skipped"], counts["changed"])


def shown(path: Path) -> str:
    """Write a path as it is seen from the checkout."""
    return str(path.relative_to(CHECKOUT))
