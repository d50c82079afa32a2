# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The faults that the documented alerts are about, really caused on the application's host."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass

from demo.stack import LOAD, QUICK, Stack
from hosts.container import Host
from hosts.shell import CHECKOUT

LONGEST = 300  # seconds after which a fault ends by itself
SCRATCH, SCRATCH_SIZE = "/srv/scratch", 64  # MB; a file system in memory, to be filled
TRAFFIC = ("traffic", "--rate=4", f"--duration={LONGEST}")
# Part of the machine's memory: the threshold lies half of it above what is in use before.
MEMORY_SHARE = 0.04
IN_USE = '1 - node_memory_MemAvailable_bytes{host="%s"} / node_memory_MemTotal_bytes'


@dataclass(frozen=True)
class Fault:
    """A fault, and the alert that must tell of it."""

    alert: str
    load: tuple[str, ...]

    @property
    def unit(self) -> str:
        """Return the transient unit that causes it."""
        return f"barehost-fault-{self.alert.lower()}"

    def cause(self, host: Host) -> None:
        """Begin."""
        bounds = (f"--property=RuntimeMaxSec={LONGEST}", "--collect", "--quiet")
        host.output("systemd-run", f"--unit={self.unit}", *bounds, *LOAD, *self.load)

    def lasts(self, host: Host) -> bool:
        """Tell whether it is being caused."""
        return host.serves(self.unit)

    def words(self, host: Host) -> str:
        """Return the last thing it said."""
        unit = ("journalctl", f"--unit={self.unit}", "--no-pager", "--output=cat")
        return host.output(*unit, "--identifier=ai-assistant", "--lines=1", check=False)

    def end(self, host: Host) -> None:
        """End it; what it took is given back."""
        host.run("systemctl", "stop", self.unit)


def documented(stack: Stack) -> tuple[Fault, ...]:
    """Return the faults of the five documented alerts, of a size that suits this machine."""
    total = stack.prometheus.value(f'node_memory_MemTotal_bytes{{host="{stack.app_name}"}}')
    memory, disk = int(total * MEMORY_SHARE / 2**20), int(SCRATCH_SIZE * 0.95)
    return (
        Fault("HighErrorRate", (*TRAFFIC, "--seed=11", "--errors=0.8")),
        Fault("HighResponseTime", (*TRAFFIC, "--seed=12", "--slowness=0.5", "--slow=2")),
        Fault("ToolExecutionFailure", (*TRAFFIC, "--seed=13", "--tool-failures=0.6")),
        Fault("HighMemoryUsage", ("memory", f"--megabytes={memory}", f"--duration={LONGEST}")),
        Fault(
            "DiskSpaceLow",
            ("disk", f"--directory={SCRATCH}", f"--megabytes={disk}", f"--duration={LONGEST}"),
        ),
    )


def prepare(stack: Stack) -> subprocess.CompletedProcess[str]:
    """Deploy short times, and for the application's host a threshold just above its memory in use."""
    if stack.app.run("mountpoint", "--quiet", SCRATCH).returncode:
        size = f"size={SCRATCH_SIZE}m"
        stack.app.output("mount", "--mkdir", "-t", "tmpfs", "-o", size, "scratch", SCRATCH)
    in_use = stack.prometheus.value(IN_USE % stack.app_name)
    threshold = f"demo_memory_threshold={in_use + MEMORY_SHARE / 2:.3f}"
    command = stack.play(
        ("site.yml",),
        "--tags=alertmanager,prometheus",
        f"--extra-vars=@{QUICK}",
        f"--extra-vars={threshold}",
    )
    return subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
