# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One test host: boot it, talk to it, remove it."""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass

from hosts.images import image
from hosts.shell import CACHE, give_up, run, succeeds

PREFIX = "barehost-"
MIRROR = "/srv/mirror"
# Not --privileged: that fails where the controller itself lacks CAP_SYS_RESOURCE.
CAPABILITIES = (
    "SYS_ADMIN",
    "NET_ADMIN",
    "SYS_PTRACE",
    "DAC_READ_SEARCH",
    "LINUX_IMMUTABLE",
    "SYS_NICE",
)


@dataclass(frozen=True)
class Host:
    """A container named `barehost-...` in which systemd runs as PID 1."""

    name: str

    def boot(self, suite: str, *extra: str) -> Host:
        """Start the host anew and wait until systemd reports that it runs."""
        self.remove()
        # In another's network it has that one's name too.
        inside = any(option.startswith("--network=container:") for option in extra)
        name = () if inside else (f"--hostname={self.name.removeprefix(PREFIX)}",)
        run("docker", "run", "--detach", *self._options(), *name, *extra, image(suite))
        state = self._settled()
        if state != "running":
            failed = self.output("systemctl", "list-units", "--failed", check=False)
            give_up(f"{self.name} is {state or 'not answering'}: {failed}")
        return self

    def _settled(self) -> str:
        """Wait until systemd has started everything; it cannot be asked in its first moments."""
        limit = time.monotonic() + 60
        while time.monotonic() < limit:
            state = self.output("systemctl", "is-system-running", "--wait", check=False)
            if state not in ("", "offline"):
                return state
            time.sleep(0.1)
        return ""

    def _options(self) -> list[str]:
        (CACHE / "mirror").mkdir(parents=True, exist_ok=True)
        return [
            f"--name={self.name}",
            *(f"--cap-add={capability}" for capability in CAPABILITIES),
            "--security-opt=seccomp=unconfined",
            "--security-opt=apparmor=unconfined",
            "--cgroupns=private",
            f"--volume={CACHE / 'mirror'}:{MIRROR}:ro",
            *(f"--tmpfs={path}:exec" for path in ("/run", "/run/lock", "/tmp")),
        ]

    def run(self, *argv: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command on the host as root."""
        command = ("docker", "exec", "--interactive", self.name, *argv)
        return subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)

    def output(self, *argv: str, check: bool = True) -> str:
        """Run a command on the host and return what it prints."""
        return run("docker", "exec", self.name, *argv, check=check).strip()

    def serves(self, unit: str) -> bool:
        """Tell whether a unit is active on the host."""
        return self.run("systemctl", "is-active", "--quiet", unit).returncode == 0

    def address(self) -> str:
        """Return the address at which this machine reaches the host."""
        form = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
        return run("docker", "inspect", "--format", form, self.name).strip()

    def exists(self) -> bool:
        """Tell whether the container is there, running or not."""
        return succeeds("docker", "container", "inspect", self.name)

    def runs(self) -> bool:
        """Tell whether the host is there and up."""
        if not self.exists():
            return False
        return run("docker", "inspect", "--format", "{{.State.Running}}", self.name) == "true\n"

    def remove(self) -> None:
        """Remove the host with everything on it."""
        if self.exists():
            run("docker", "rm", "--force", "--volumes", self.name)


def all_hosts() -> list[Host]:
    """List every host of this project, running or not."""
    names = run("docker", "ps", "--all", "--format", "{{.Names}}").split()
    return [Host(name) for name in sorted(names) if name.startswith(PREFIX)]


def ensure_network(name: str) -> None:
    """Make a network on which hosts know each other by name."""
    if not succeeds("docker", "network", "inspect", name):
        run("docker", "network", "create", name)


def remove_networks() -> None:
    """Remove every network of this project."""
    names = run("docker", "network", "ls", "--format", "{{.Name}}").split()
    for name in names:
        if name.startswith(PREFIX):
            run("docker", "network", "rm", name)
