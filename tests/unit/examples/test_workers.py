# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scrapes of several Prometheus servers come at the same time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ai_assistant.instrumentation import workers


def test_a_dead_worker_may_be_buried_by_two_scrapes_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    left = tmp_path / f"gauge_livesum_{ended.pid}.db"
    left.touch()
    bury = workers.mark_process_dead
    monkeypatch.setenv(workers.VARIABLE, str(tmp_path))
    seen: list[int] = []

    def late(pid: int, path: str) -> None:
        bury(pid, path)
        seen.append(pid)
        raise FileNotFoundError(left)

    monkeypatch.setattr(workers, "mark_process_dead", late)
    workers.registry()
    assert seen == [ended.pid]
    assert not left.exists()
