# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Under which circumstances it was measured."""

from __future__ import annotations

import datetime
import json
import os
import platform
import re
from pathlib import Path

from ansible.release import __version__ as ansible_core

from bench.contenders import MIRROR
from bench.results import Result
from bench.rounds import REPETITIONS, SUITE


def machine() -> dict[str, str]:
    """Describe this machine before the first run."""
    cpu = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return {
        "Date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "Command": _command(),
        "Controller": (
            f"{os.cpu_count()} CPUs ({cpu[1] if cpu else platform.machine()}), "
            f"load {os.getloadavg()[0]:.1f} before the first run, "
            f"ansible-core {ansible_core}, Python {platform.python_version()}"
        ),
    }


def method(results: dict[str, Result], versions: dict[str, str]) -> dict[str, str]:
    """Describe the hosts, the order, and what does not count."""
    source = json.loads((MIRROR / "lock.json").read_text())["source"]
    releases = ", ".join(f"{product} {number}" for product, number in versions.items())
    return {
        "Hosts": (
            f"containers with systemd (Debian, {SUITE}) on the same machine, by the docker connection, "
            "with the pipelining of the checkout's ansible.cfg for all"
        ),
        "Releases": f"{releases} (from {source}) in .cache/mirror",
        "Rounds": (
            f"{len(results['collection'].cold)}; in each, one contender after the other gets a host "
            f"that was just booted, deploys (cold run) and repeats that {REPETITIONS} times (no-op runs). "
            "Shown are medians of the wall time (least..most)"
        ),
        "Equality": (
            "all targets up, the same versions, retention, targets, rules and receivers, "
            "asked of the running services after every turn; a no-op run that changes anything does not count"
        ),
        "In favour of the script": "the mirror is a folder on its host; it has no second run without work",
        "In favour of the peer": (
            "python3-apt, which it needs on every host, is installed beforehand; "
            "jobs without targets are left out of its variables; it downloads from a server on loopback"
        ),
        "Tasks": "what the recap of a no-op run counts as ok, and as skipped",
    }


def _command() -> str:
    """Write down the command with the variables that steer it, without the paths of this machine."""
    names = [name for name in sorted(os.environ) if name.startswith("BENCH_")]
    given = [f"{name}={'...' if 'PEER' in name else os.environ[name]}" for name in names]
    return f"`{' '.join([*given, 'make bench'])}`"
