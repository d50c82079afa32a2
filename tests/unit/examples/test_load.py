# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The load is bounded, repeatable, and given back."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest
from ansible_collections.barehost.monitoring.tests.unit.examples.support import EXAMPLE

from ai_assistant.load import TooMuch, disk, memory
from ai_assistant.load.__main__ import main
from ai_assistant.load.plan import Shares, plan

NONE = Shares()


def test_the_same_seed_sends_the_same() -> None:
    assert plan(1, 200, NONE, [1, 2], 2) == plan(1, 200, NONE, [1, 2], 2)
    assert plan(1, 200, NONE, [1, 2], 2) != plan(2, 200, NONE, [1, 2], 2)


def test_every_endpoint_gets_its_share() -> None:
    ordinary = Counter(step.endpoint for step in plan(1, 2000, NONE, [1], 2))
    assert not any(endpoint.startswith("/faults") for endpoint in ordinary)
    assert len(ordinary) == 5
    shares = Shares(errors=0.2, slowness=0.1, tool_failures=0.3)
    mixed = Counter(step.endpoint for step in plan(1, 2000, shares, [1], 2))
    wanted = {"/faults/errors": 400, "/faults/slowness": 200, "/faults/tools/{tool_name}": 600}
    for endpoint, count in wanted.items():
        assert mixed[endpoint] == pytest.approx(count, rel=0.2)


@pytest.mark.parametrize(
    "words",
    [
        "traffic --rate 100000",
        "traffic --duration 99999",
        "traffic --errors 1.1",
        "traffic --slow 31",
        "memory --megabytes 1 --duration 99999",
        "memory",
        "disk --megabytes 1",
        "",
    ],
)
def test_what_has_no_bounds_is_refused(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(words.split())
    assert stopped.value.code == 2
    assert "error: " in capsys.readouterr().err


def test_an_application_that_is_away_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    words = "traffic --url http://127.0.0.1:1 --duration 0.2 --rate 50"
    assert main(words.split()) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["sent"], report["answered"]) == (13, 0)
    assert report["without_answer"] == {"ConnectError": 13}


def test_more_memory_than_there_is_is_refused(tmp_path: Path) -> None:
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal: 4096000 kB\nMemAvailable:     1048576 kB\n")
    with pytest.raises(
        TooMuch, match="1000 MB is more than the 1024 MB that are available less 256"
    ):
        memory.take(1000, meminfo)


def test_more_disk_than_there_is_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TooMuch, match="MB that are free"), disk.taken(tmp_path, 10**9):
        pytest.fail("it was taken")


def run(*words: str) -> subprocess.Popen[str]:
    """Start the load generator in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "ai_assistant.load", *words],
        env={"PYTHONPATH": str(EXAMPLE / "src")},
        stdout=subprocess.PIPE,
        text=True,
    )


def used(pid: int) -> tuple[int, int]:
    """Return the megabytes of memory and of open, nameless files that a process holds."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    files = 0
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            if "deleted" in os.readlink(link):
                files += link.stat().st_blocks * 512
    return pages * os.sysconf("SC_PAGE_SIZE") // memory.MEGABYTE, files // disk.MEGABYTE


def wait_for(process: subprocess.Popen[str], kind: int, megabytes: int) -> None:
    """Wait until a process holds that much."""
    limit = time.monotonic() + 20
    while used(process.pid)[kind] < megabytes:
        assert process.poll() is None
        assert time.monotonic() < limit
        time.sleep(0.02)


def test_memory_is_really_used_and_a_signal_ends_it() -> None:
    process = run("memory", "--megabytes", "80", "--duration", "60")
    wait_for(process, 0, 80)
    process.send_signal(signal.SIGTERM)
    output, _error = process.communicate(timeout=20)
    assert json.loads(output) == {"megabytes": 80, "interrupted": True}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_disk_is_given_back_however_it_ends(number: signal.Signals, tmp_path: Path) -> None:
    words = ("--directory", str(tmp_path), "--megabytes", "16", "--duration", "60")
    process = run("disk", *words)
    wait_for(process, 1, 16)
    assert list(tmp_path.iterdir()) == []  # nothing that could be left behind
    process.send_signal(number)
    process.communicate(timeout=20)
    assert process.returncode == (0 if number == signal.SIGTERM else -number)


def test_it_ends_by_itself(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(f"disk --directory {tmp_path} --megabytes 1 --duration 0.05".split()) == 0
    assert json.loads(capsys.readouterr().out) == {"megabytes": 1, "interrupted": False}
