# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of the daemon's parts share."""

from __future__ import annotations

import itertools
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon import (
    _files,
    _gate,
)
from ansible_collections.barehost.monitoring.tests.unit.plugins.module_utils.daemon.fakes import (
    Clock,
    World,
)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Replace the gate's clock."""
    clock = Clock()
    monkeypatch.setattr(_gate, "time", clock)
    return clock


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: Clock) -> Iterator[World]:
    """Return a fresh host on which everything belongs to root, whoever runs the tests."""
    letters = itertools.cycle("abcdefgh")
    monkeypatch.setattr(_files, "ids", lambda *_names: (os.getuid(), os.getgid()))
    monkeypatch.setattr(_files, "_user", lambda _uid: "root")
    monkeypatch.setattr(_files, "_group", lambda _gid: "root")
    monkeypatch.setattr(secrets, "choice", lambda _alphabet: next(letters))
    monkeypatch.setattr(os, "fsync", lambda _fd: None)  # nobody pulls the plug here
    yield World(tmp_path / "host")
