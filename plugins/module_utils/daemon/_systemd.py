# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only place that talks to systemd: state, control, verification, transient checks, journal."""

from __future__ import annotations

import os
import pwd
import re
import socket
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ._errors import DaemonError

MINIMUM_VERSION = 247  # LoadCredential=, ProtectProc=, ProcSubset=
_BUS = "/run/dbus/system_bus_socket"

_PROPERTIES = (
    "LoadState,ActiveState,SubState,Result,MainPID,NRestarts,UnitFileState,NeedDaemonReload,"
    "ControlGroup,ExecMainStatus"
)


@dataclass(frozen=True)
class Status:
    """The unit as systemd sees it, and the environment of its main process."""

    load: str = "not-found"
    active: str = "inactive"
    sub: str = "dead"
    result: str = "success"
    main_pid: int = 0
    restarts: int = 0
    enabled: bool = False
    needs_reload: bool = False
    control_group: str = ""
    exit_status: int = 0
    timer: bool = False  # it has no process of its own

    @property
    def running(self) -> bool:
        """Whether the main process is up, or the timer waits."""
        return self.active in ("active", "reloading") and (self.main_pid > 0 or self.timer)


class Systemd:
    """Runs systemctl and its relatives; every failure is a sentence with their own words."""

    def preflight(self) -> None:
        """Refuse a host on which nothing of this can work."""
        if os.geteuid() != 0:
            raise DaemonError("this needs root: set 'become: true' on the play")
        if not os.path.isdir("/run/systemd/system"):
            raise DaemonError("this host was not booted with systemd, which runs the daemons")

    def check_version(self) -> None:
        """Refuse a systemd that would ignore parts of the unit."""
        text = self._run(["systemctl", "--version"]).split()
        version = int(re.sub(r"\D.*", "", text[1]) or 0) if len(text) > 1 else 0
        if version < MINIMUM_VERSION:
            raise DaemonError(
                f"this host has systemd {version}; needed is {MINIMUM_VERSION} or later"
            )

    def check_bus(self) -> None:
        """Refuse a host on which no check can be run: systemd-run talks over the system bus."""
        if not os.path.exists(_BUS):
            raise DaemonError("the system bus is missing on this host: install the package dbus")
        try:
            with socket.socket(socket.AF_UNIX) as bus:
                bus.connect(_BUS)
        except OSError as exc:
            raise DaemonError(
                f"the system bus of this host does not answer ({exc.strerror}); start it: "
                "systemctl start dbus.socket"
            ) from None

    def status(self, unit: str) -> Status:
        """Ask for the unit's state: one call of systemctl."""
        output = self._run(["systemctl", "show", "--property", _PROPERTIES, "--", unit])
        values = dict(line.split("=", 1) for line in output.splitlines() if "=" in line)
        return Status(
            load=values.get("LoadState", ""),
            active=values.get("ActiveState", ""),
            sub=values.get("SubState", ""),
            result=values.get("Result", ""),
            main_pid=int(values.get("MainPID") or 0),
            restarts=int(values.get("NRestarts") or 0),
            # Others (static, linked, generated ...) can not or need not be enabled.
            enabled=values.get("UnitFileState") not in ("", "disabled", "masked", None),
            needs_reload=values.get("NeedDaemonReload") == "yes",
            control_group=values.get("ControlGroup", ""),
            exit_status=int(values.get("ExecMainStatus") or 0),
            timer=unit.endswith(".timer"),
        )

    def control(self, *arguments: str) -> None:
        """Run a systemctl verb (daemon-reload, enable, restart, reload, stop ...)."""
        self._run(["systemctl", *arguments], timeout=900)

    def verify(self, unit_file: str) -> list[str]:
        """What systemd-analyze has to say about a unit file: any word about it is a fault.

        (It returns 0 for directives that it ignores. Words about other units are not ours.)
        """
        name = os.path.basename(unit_file)
        result = self._call(["systemd-analyze", "verify", "--man=no", unit_file])
        lines = (result.stdout + result.stderr).splitlines()
        return [line.replace(unit_file, name) for line in lines if name in line]

    def exposure(self, unit: str) -> float | None:
        """How open the sandbox of a unit is, from 0 to 10; nothing where systemd does not tell."""
        result = self._call(["systemd-analyze", "security", "--no-pager", unit])
        found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", result.stdout)
        return float(found[1]) if found else None

    def sysusers(self, file: str) -> None:
        """Make the account that the file describes."""
        self._run(["systemd-sysusers", file])

    def run_as(
        self,
        argv: Sequence[str],
        user: str,
        group: str,
        binds: Mapping[str, str],
        directory: str,
        environment: Mapping[str, str],
        timeout: float = 300,
    ) -> tuple[int, str]:
        """Run a command as a user, with staged directories mounted over the live ones.

        binds: live path -> staged path. The command sees the staged set where it will be, so
        absolute and relative paths in a configuration are both judged as they will work.
        Returns the exit code and what it printed.
        """
        properties = [f"User={user}", f"Group={group}", f"WorkingDirectory={directory}"]
        properties += ["ProtectSystem=strict", "PrivateTmp=yes", "NoNewPrivileges=yes"]
        properties += [f"BindReadOnlyPaths={staged}:{live}" for live, staged in binds.items()]
        properties += [f"RuntimeMaxSec={int(timeout)}"]
        command = ["systemd-run", "--pipe", "--wait", "--collect", "--quiet"]
        command += [f"--property={p}" for p in properties]
        command += [f"--setenv={key}={value}" for key, value in environment.items()]
        # systemd would replace variables in the arguments, as it does in ExecStart=.
        words = [arg.replace("$", "$$") for arg in argv]
        result = self._call([*command, "--", *words], timeout=timeout + 30)
        return result.returncode, (result.stdout + result.stderr).strip()

    def run(
        self, argv: Sequence[str], stdin: str, user: str, held: Sequence[int] = ()
    ) -> tuple[int, str]:
        """Run a command as root or as user; secrets go in on standard input only.

        held: descriptors that it keeps open.
        """
        command = list(argv)
        if user:
            group = _primary_group(user, os.path.basename(argv[0]))
            command = ["setpriv", f"--reuid={user}", f"--regid={group}", "--init-groups", *command]
        result = self._call(command, stdin=stdin, timeout=600, held=held)
        return result.returncode, (result.stdout + result.stderr).strip()

    def journal(self, unit: str, since: float, lines: int = 20) -> list[str]:
        """The unit's last words since a time (seconds since the epoch)."""
        # Together with --since, --lines alone would count from the oldest line.
        command = ["journalctl", "--unit", unit, "--since", f"@{int(since)}", "--reverse"]
        command += ["--lines", str(lines), "--no-pager", "--output", "cat", "--quiet"]
        try:
            # What the daemon said last may still be on its way into the journal.
            self._call(["journalctl", "--sync"], timeout=30)
            result = self._call(command, timeout=30)
        except DaemonError:
            return []
        return result.stdout.splitlines()[::-1]

    def _run(self, argv: Sequence[str], timeout: float = 120) -> str:
        result = self._call(argv, timeout=timeout)
        if result.returncode != 0:
            words = (result.stderr or result.stdout).strip()
            raise DaemonError(f"{' '.join(argv[:3])} failed (exit {result.returncode}): {words}")
        return result.stdout

    def _call(
        self,
        argv: Sequence[str],
        stdin: str = "",
        timeout: float = 120,
        held: Sequence[int] = (),
    ) -> subprocess.CompletedProcess[str]:
        try:
            return subprocess.run(
                argv,
                input=stdin,
                capture_output=True,
                check=False,
                encoding="utf-8",
                errors="replace",
                env={**os.environ, "LC_ALL": "C.UTF-8", "SYSTEMD_COLORS": "0"},
                timeout=timeout,
                pass_fds=held,
            )
        except FileNotFoundError:
            raise DaemonError(f"{argv[0]} is missing on this host") from None
        except subprocess.TimeoutExpired:
            raise DaemonError(f"{argv[0]} did not finish within {timeout:g} s") from None


def _primary_group(user: str, program: str) -> int:
    """The user's own group: it need not bear the user's name."""
    try:
        return (pwd.getpwuid(int(user)) if user.isdecimal() else pwd.getpwnam(user)).pw_gid
    except (KeyError, OverflowError):
        raise DaemonError(
            f"the user {user}, who is to run {program}, is missing on this host"
        ) from None


def process_variable(pid: int, name: str) -> str:
    """A variable of a process' environment, as it was started; empty when there is none."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            pairs = file.read().split(b"\0")
    except OSError:
        return ""
    prefix = name.encode() + b"="
    return next((p[len(prefix) :].decode() for p in pairs if p.startswith(prefix)), "")
