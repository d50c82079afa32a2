# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host in a temporary directory: systemd, a mirror and a daemon that reads its files.

The daemon's health follows the words in its configuration, as it was last loaded:
"broken" is refused by its checker, "crash" ends it, "sick" makes it answer 503,
"stubborn" makes it ignore reloads, "warn" breaks an optional condition.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
import tarfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from ansible_collections.barehost.monitoring.plugins.module_utils.daemon import (
    _absent,
    _parse,
    _transaction,
)
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._health import (
    Baseline,
    Report,
)
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._host import Host
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._sockets import Listener
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._spec import (
    Health,
    Layout,
    Spec,
)
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._systemd import (
    Status,
    Systemd,
)
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._transaction import (
    Outcome,
)

URL = "http://mirror/v{version}/web-{version}.linux-{arch}.tar.gz"
MARKER = "/.barehost-release.json"  # of a complete release; holds times


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        """Tell the time."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds


class Killed(BaseException):
    """The end of a run that nothing can catch, as kill -9."""


@dataclass
class Process:
    """The main process, with what it read at its start or last reload."""

    pid: int
    state: str
    loaded: str


@dataclass
class FakeSystemd(Systemd):
    """One unit. Every call that changes something is logged in words."""

    root: Path
    log: list[str] = field(default_factory=list)
    asked: int = 0
    process: Process | None = None
    unit: str = ""  # as of the last daemon-reload
    enabled: bool = False
    failed: bool = False
    pids: int = 100
    checks: list[tuple[str, ...]] = field(default_factory=list)
    commands: list[tuple[tuple[str, ...], str]] = field(default_factory=list)
    verdicts: list[str] = field(default_factory=list)
    on_call: Callable[[str], None] = lambda words: None
    on_command: Callable[[Sequence[str]], int] = lambda argv: 0
    sick_for_ever: bool = False
    packaged: bool = False  # a package brings a unit of the same name

    @property
    def unit_path(self) -> Path:
        """The unit's file."""
        return self.root / "units/web.service"

    @property
    def config(self) -> str:
        """What a daemon that starts now would read."""
        files = sorted(p for p in (self.root / "etc/web").rglob("*") if p.is_file())
        return "".join(f"{path.name}: {path.read_text()}\n" for path in files)

    def preflight(self) -> None:
        """Every host is fit."""

    def check_version(self) -> None:
        """Every host is new enough."""

    def check_bus(self) -> None:
        """Every host has a bus."""

    def status(self, unit: str) -> Status:
        """Tell the unit's state."""
        self.asked += 1
        file = self.unit_path.exists() or self.packaged
        known = file or self.process is not None or self.failed
        disk = self.unit_path.read_text() if self.unit_path.exists() else ""
        active = "active" if self.process else "failed" if self.failed else "inactive"
        return Status(
            load="loaded" if known else "not-found",
            active=active,
            sub="running" if self.process else "dead",
            result="exit-code" if self.failed else "success",
            main_pid=self.process.pid if self.process else 0,
            enabled=self.enabled and file,
            needs_reload=known and disk != self.unit,
            exit_status=1 if self.failed else 0,
        )

    def control(self, *arguments: str) -> None:
        """Do what systemctl would do."""
        words = [a for a in arguments if not a.startswith("-") and a != "web.service"]
        self.on_call(words[0])
        self.log.append(words[0])
        getattr(self, "_" + words[0].replace("-", "_"))()
        if "--now" in arguments:
            self._stop()

    def _daemon_reload(self) -> None:
        self.unit = self.unit_path.read_text() if self.unit_path.exists() else ""

    def _enable(self) -> None:
        self.enabled = True

    def _disable(self) -> None:
        self.enabled = False

    def _stop(self) -> None:
        self.process = None

    def _reset_failed(self) -> None:
        self.failed = False

    def _try_restart(self) -> None:
        if self.process:
            self._restart()

    def _restart(self) -> None:
        config, match = self.config, re.search(r"BAREHOST_STATE=(\w*)", self.unit)
        self.pids += 1
        self.failed = "crash" in config
        state = match.group(1) if match else ""
        self.process = None if self.failed else Process(self.pids, state, config)

    def _reload(self) -> None:
        assert self.process
        if "stubborn" not in self.config:
            self.process.loaded = self.config

    def verify(self, unit_file: str) -> list[str]:
        """Return the verdicts that the test has ordered."""
        return self.verdicts

    def exposure(self, unit: str) -> float | None:
        """Return the score of a good sandbox."""
        return 1.0

    def sysusers(self, file: str) -> None:
        """Log it."""
        self.on_call("sysusers")
        self.log.append("sysusers")

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
        """Be the checker, or the shell that looks for required files, in the staged set."""
        self.checks.append(tuple(argv))
        staged = {live: Path(path) for live, path in binds.items()}[directory]

        def at(path: str) -> Path:
            return staged / os.path.relpath(path, directory)

        if argv[0] == "/bin/sh":
            return 0, "\n".join(path for path in argv[4:] if not at(path).exists())
        for path in sorted(p for p in staged.rglob("*") if p.is_file()):
            if "broken" in path.read_text():
                return 1, f"{path.name}:1: broken"
        return 0, "SUCCESS"

    def run(
        self, argv: Sequence[str], stdin: str, user: str, held: Sequence[int] = ()
    ) -> tuple[int, str]:
        """Run a step of the product."""
        self.on_call("command")
        self.commands.append((tuple(argv), stdin))
        code = self.on_command(argv)
        return code, "the step failed" if code else ""

    def journal(self, unit: str, since: float, lines: int = 20) -> list[str]:
        """Tell last words."""
        return ["last words"]


class World:
    """A host below a directory, and runs of the module on it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.layout = Layout(
            **{
                name: str(root / name)
                for name in ("etc", "opt", "data", "state", "binaries", "units", "sysusers")
            }
        )
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.foreign: list[str] = []
        self.unowned: list[str] = []
        self.held: list[Listener] = []
        self.certificate_end: Callable[[str, Health], float] = lambda _place, _health: 4e9
        self.sick: set[str] = set()  # configurations with which the daemon is not well (any more)
        self.has_account = True
        self.groups = {"root": True}  # name -> whether no account is in it
        self.owns_account = True
        for version in ("1.0", "2.0", "3.0"):
            self._publish(version)
        self.fresh()

    def fresh(self) -> None:
        """Make the host new, with the same salt each time."""
        shutil.rmtree(self.root, ignore_errors=True)
        for name in ("etc", "opt", "data", "binaries", "units", "sysusers"):
            (self.root / name).mkdir(parents=True)
        self.systemd = FakeSystemd(self.root)

    def salted(self) -> None:
        """Fix the salt, so that two hosts can be compared."""
        (self.root / "state/web").mkdir(parents=True)
        (self.root / "state/web/salt").write_bytes(b"salt")

    def _publish(self, version: str) -> None:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz") as pack:
            content = b"\x7fELF" + version.encode()
            info = tarfile.TarInfo(f"web-{version}/web")
            info.size = len(content)
            pack.addfile(info, io.BytesIO(content))
        address = URL.format(version=version, arch="amd64")
        digest = hashlib.sha256(buffer.getvalue()).hexdigest()
        self.files[address] = buffer.getvalue()
        sums = f"{digest}  {os.path.basename(address)}\n"
        self.files[f"http://mirror/v{version}/sums"] = sums.encode()

    def open_url(self, url: str) -> IO[bytes]:
        """Download."""
        self.asked.append(url)
        return io.BytesIO(self.files[url])

    def probe(self, health: Health, baseline: Baseline) -> Report:
        """Ask the daemon."""
        process = self.systemd.process
        if process is None:
            return Report(("http://web: refused",))
        if (
            "sick" in process.loaded
            or self.sick & set(process.loaded.split())
            or self.systemd.sick_for_ever
        ):
            return Report(("http://web: answers 503",))
        if "stubborn" in self.systemd.config and baseline:
            return Report(("http://web: did not change",))
        warnings = ("http://web: redis_up is 0",) if "warn" in process.loaded else ()
        return Report((), warnings, {"loaded": 1.0})

    def process_variable(self, pid: int, name: str) -> str:
        """Read the process' environment."""
        process = self.systemd.process
        return process.state if process and process.pid == pid else ""

    @property
    def host(self) -> Host:
        """What the module sees."""
        return Host(
            open_url=self.open_url,
            systemd=self.systemd,
            machine="x86_64",
            probe=self.probe,
            foreign_holders=lambda *_args: self.foreign,
            unowned=lambda *_args: self.unowned,
            held=lambda _status: self.held,
            certificate_end=self.certificate_end,
            process_variable=self.process_variable,
            has_account=lambda _user: self.has_account,
            has_group=lambda group: group in self.groups,
            group_is_empty=lambda group: self.groups[group],
            owns_account=lambda _account: self.owns_account,
        )

    def params(self, config: str = "one", version: str = "1.0", **more: Any) -> dict[str, Any]:
        """Describe the daemon."""
        return {
            "name": "web",
            "release": {
                "version": version,
                "url": URL,
                "checksum": "http://mirror/v{version}/sums",
                "binaries": ["web"],
                **more.pop("release", {}),
            },
            "account": {"group": "root"},
            "files": [
                {"path": "web.conf", "content": config, "on_change": "reload"},
                *more.pop("files", []),
            ],
            "checks": [{"argv": ["{release}/web", "check", "{config}/web.conf"]}],
            "command": ["{release}/web", "--config={config}/web.conf"],
            "unit": {"Service": {"ExecReload": "/bin/kill -HUP $MAINPID"}},
            "health": {"timeout": 5, "settle": 0, "probes": [{"url": "http://127.0.0.1:80/"}]},
            **more,
        }

    def spec(self, **params: Any) -> Spec:
        """Parse a description."""
        return _parse.parse(self.params(**params), self.layout)

    def deploy(
        self,
        *,
        check: bool = False,
        observe: Callable[[str], None] = lambda point: None,
        lock_timeout: float = 5,
        **params: Any,
    ) -> Outcome:
        """Run state: present."""
        given = self.params(**params)
        spec = _parse.parse(given, self.layout)
        return _transaction.run(spec, self.host, given["health"], check, lock_timeout, observe)

    def go_back(
        self,
        *,
        check: bool = False,
        observe: Callable[[str], None] = lambda point: None,
        **params: Any,
    ) -> Outcome:
        """Run state: previous."""
        given = self.params(**params)
        spec = _parse.parse(given, self.layout)
        return _transaction.run(spec, self.host, given["health"], check, 5, observe, back=True)

    def remove(self, *, purge: bool = False, check: bool = False, **params: Any) -> tuple[str, ...]:
        """Run state: absent."""
        spec = _parse.parse({**self.params(**params), "state": "absent"}, self.layout)
        return _absent.remove(spec, self.host, purge, check, 5).actions

    def path(self, name: str) -> Path:
        """A path below the root."""
        return self.root / name

    def tree(self, times: bool = True) -> dict[str, tuple[Any, ...]]:
        """Everything on the disk."""
        return {str(p.relative_to(self.root)): _look(p, times) for p in self.root.rglob("*")}

    def state(self) -> tuple[Any, ...]:
        """The host as it ended up, in a form that two runs can be compared by."""
        systemd, tree = self.systemd, self.tree(times=False)
        for path in tree:
            if path.endswith(MARKER):
                tree[path] = ()
        process = systemd.process
        running = (process.state, process.loaded) if process else None
        return tree, systemd.enabled, systemd.unit, systemd.failed, running

    def differences(self, wanted: tuple[Any, ...]) -> list[str]:
        """What is not as in another state; paths by name."""
        found = self.state()
        trees: tuple[dict[str, Any], dict[str, Any]] = (found[0], wanted[0])
        paths = [p for p in sorted({*trees[0], *trees[1]}) if trees[0].get(p) != trees[1].get(p)]
        return paths + [
            str(pair) for pair in zip(found[1:], wanted[1:], strict=True) if pair[0] != pair[1]
        ]

    def record(self) -> dict[str, Any]:
        """The recorded state."""
        found: dict[str, Any] = json.loads(self.path("state/web/record.json").read_text())
        return found


def _look(path: Path, times: bool) -> tuple[Any, ...]:
    info = path.lstat()
    when = (info.st_mtime_ns, info.st_ctime_ns, info.st_ino) if times else ()
    if path.is_symlink():
        return ("link", os.readlink(path), *when)
    if path.is_dir():
        return ("directory", oct(info.st_mode), *when)
    return ("file", oct(info.st_mode), path.read_bytes(), *when)
