# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The benchmark can be run, and who is compared in it ends in the same state."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[2]
# A role costs two tasks a daemon: its arguments are validated, and the daemon is deployed.
TASKS = 6


def test_one_round_without_the_peer(tmp_path: Path) -> None:
    """No time is judged here: other tests run beside it."""
    path = os.pathsep.join((str(CHECKOUT), str(CHECKOUT / "tests")))
    given = {
        "PYTHONPATH": path,
        "BENCH_ROUNDS": "1",
        "BENCH_REPORT": str(tmp_path),
        "HOME": str(tmp_path),
    }
    without = {key: value for key, value in os.environ.items() if not key.startswith("BENCH_")}
    done = subprocess.run(
        [sys.executable, "-m", "bench"],
        cwd=CHECKOUT, env=without | given, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    runs: dict[str, Any] = json.loads((tmp_path / "benchmark.json").read_text())["runs"]
    for key in ("collection", "shell", "careful"):
        assert runs[key]["reason"] == "", runs[key]["reason"]
        assert len(runs[key]["cold"]) == 1
    ours = runs["collection"]
    assert [run["changed"] for run in ours["noop"]] == [0, 0]
    assert {(run["tasks"], run["skipped"]) for run in (*ours["cold"], *ours["noop"])} == {
        (TASKS, 0)
    }
    assert (tmp_path / "benchmark.md").read_text().startswith("# Benchmark")
