# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where facts are cached, a run tells of what it has seen itself, and of nothing else."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

CHECKOUT = Path(__file__).parents[3]
REPORT = "barehost.monitoring.verify_report"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Facts outlast a run, by a file a host."""
    return {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(CHECKOUT / ".ac"),
        "ANSIBLE_CACHE_PLUGIN": "jsonfile",
        "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(tmp_path / "cache"),
        "ANSIBLE_INJECT_FACT_VARS": "false",
        "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml",
    }


def play(
    folder: Path, environment: dict[str, str], playbook: Path, *options: str, **groups: Any
) -> subprocess.CompletedProcess[str]:
    """Run a playbook for the host h, a member of the groups."""
    python = {"ansible_python_interpreter": sys.executable, "ansible_connection": "local"}
    children = {name: {"hosts": {"h": {}}} for name in groups or {"some": {}}}
    hosts = folder / "hosts.json"
    hosts.write_text(json.dumps({"all": {"vars": python, "children": children}}))
    command = [Path(sys.executable).with_name("ansible-playbook"), playbook, "-i", hosts]
    return subprocess.run(
        [*command, *options],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


def verified(folder: Path, environment: dict[str, str], *names: str) -> Any:
    """Look at daemons, which are not there, in one play; report in another one."""
    looks = [
        {
            "barehost.monitoring.daemon": {
                "name": name,
                "state": "verified",
                "command": ["/bin/true"],
            }
        }
        for name in names
    ]
    report = [{REPORT: {"path": str(folder / "report.json")}}]
    play_of = {"hosts": "all", "gather_facts": False}
    playbook = folder / "play.json"
    playbook.write_text(json.dumps([{**play_of, "tasks": tasks} for tasks in (looks, report)]))
    return play(folder, environment, playbook)


def test_the_report_is_of_this_run(tmp_path: Path, environment: dict[str, str]) -> None:
    verified(tmp_path, environment, "one", "two")
    report = json.loads((tmp_path / "report.json").read_text())
    assert list(report["hosts"]["h"]) == ["one", "two"]
    assert set(report["hosts"]["h"]["one"]) == {"verdict", "findings", "seen"}
    (cached,) = (tmp_path / "cache").iterdir()
    assert "barehost_verified_one" in cached.read_text(), "this test stands on a cache"
    verified(tmp_path, environment, "two")
    report = json.loads((tmp_path / "report.json").read_text())
    assert list(report["hosts"]["h"]) == ["two"]
    done = verified(tmp_path, environment)
    assert done.returncode == 2
    assert "nothing was verified" in done.stdout + done.stderr


def test_the_mirror_holds_what_the_inventory_wants_now(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    def wanted(group: str) -> set[str]:
        options = ("--check", "--diff", f"-ebarehost_mirror_directory={tmp_path}/mirror")
        done = play(
            tmp_path, environment, CHECKOUT / "playbooks/mirror.yml", *options, **{group: {}}
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return set(re.findall(r"^\+ get \S+/(\w+_exporter)/", done.stdout, re.MULTILINE))

    assert wanted("node_exporter") == {"node_exporter"}
    assert wanted("redis") == {"redis_exporter"}
