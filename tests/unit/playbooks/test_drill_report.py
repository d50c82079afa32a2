# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of a drill lies where the run was started, or where an absolute path says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[3]


@pytest.mark.parametrize("given", ["reports/drill.json", "{folder}/reports/drill.json"])
def test_a_relative_path_begins_at_the_working_directory(tmp_path: Path, given: str) -> None:
    (tmp_path / "reports").mkdir()
    local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    drilled = {"__fire_drill_done": {"passed": True, "report": {"drill": "d1"}, "table": []}}
    host = {**local, **drilled, "fire_drill_report": given.format(folder=tmp_path)}
    inventory = {"all": {"children": {"fire_drill": {"hosts": {"h": host}}}}}
    (tmp_path / "hosts.json").write_text(json.dumps(inventory))
    playbook, task = CHECKOUT / "playbooks" / "fire_drill.yml", "drill | Write the report"
    done = subprocess.run(
        [Path(sys.executable).with_name("ansible-playbook"), playbook, "-i", "hosts.json", "--start-at-task", task],
        cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(CHECKOUT / ".ac"), "PWD": str(tmp_path)},
    )  # fmt: skip
    report = tmp_path / "reports" / "drill.json"
    assert report.exists(), done.stdout + done.stderr
    assert json.loads(report.read_text()) == {"drill": "d1"}
