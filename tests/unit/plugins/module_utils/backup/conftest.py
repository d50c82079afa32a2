# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A daemon on a host in a temporary directory."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.barehost.monitoring.plugins.module_utils.backup import _copies
from ansible_collections.barehost.monitoring.plugins.module_utils.backup._product import (
    Daemon,
)
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon import _files, _gate
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._errors import DaemonError
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._host import Host
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._spec import Health
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._state import State
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._store import Store
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._systemd import Status

HEALTH = Health(1, 0, True, "", "", "", ())


@dataclass
class Machine:
    """What systemd was told, and how often the daemon starts healthy."""

    calls: list[str] = field(default_factory=list)
    active: str = "active"
    sick: int = 0  # starts that fail
    warned: list[str] = field(default_factory=list)

    def preflight(self) -> None:
        """All is well."""

    def status(self, _unit: str) -> Status:
        """Tell."""
        return Status(active=self.active, main_pid=7 if self.active == "active" else 0)

    def control(self, *words: str) -> None:
        """Note."""
        self.calls.append(words[0])
        self.active = "inactive" if words[0] == "stop" else "active"

    def journal(self, _unit: str, _since: float) -> list[str]:
        """Remember nothing."""
        return []


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Return a host on which everything belongs to who runs the tests."""
    machine = Machine()

    def prove(*_arguments: Any) -> tuple[str, ...]:
        if machine.sick:
            machine.sick -= 1
            raise DaemonError("not healthy")
        return ()

    monkeypatch.setattr(_gate, "prove", prove)
    monkeypatch.setattr(_files, "ids", lambda *_names: (os.getuid(), os.getgid()))
    monkeypatch.setattr(_copies, "ROOT", (os.getuid(), os.getgid()))
    monkeypatch.setattr(os, "fsync", lambda _fd: None)
    return machine


@pytest.fixture
def daemon(machine: Machine, tmp_path: Path) -> Callable[..., Daemon]:
    """Return what makes the daemon `web` 1.5, as it was deployed."""

    def made(replaced: bool = False, **entries: Any) -> Daemon:
        store = Store(str(tmp_path / "state/web"))
        if store.record() is None:
            store.create()
            store.save_record(State("1.5", "a", "r", entries))
        host = replace(Host(lambda _url: None), systemd=machine)  # type: ignore[arg-type]
        return Daemon("web", HEALTH, host, store, replaced, machine.warned.append)

    return made
