# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role prometheus saves and restores, as far as no daemon is asked."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest

from hosts.shell import CHECKOUT
from unit.roles.test_exporters import run

AGENTS: dict[str, dict[str, Any]] = {
    "flag": {"prometheus_flags": {"agent": True}},
    "feature": {"prometheus_flags": {"enable-feature": ["agent"]}},
}


def play(folder: Path, playbook: str, hosts: dict[str, dict[str, Any]], **given: Any) -> str:
    """Run a playbook of the collection on this machine; returns what it says, in one line."""
    shared = {
        **{"ansible_connection": "local", "ansible_python_interpreter": sys.executable},
        **{"ansible_become": False, "prometheus_name": "nobody", **given},
    }
    inventory = {"all": {"children": {"prometheus": {"hosts": hosts, "vars": shared}}}}
    return " ".join(run(folder, CHECKOUT / "playbooks" / playbook, inventory).split())


@pytest.mark.parametrize(("playbook", "what"), [("backup.yml", "save"), ("restore.yml", "restore")])
def test_an_agent_is_skipped_and_told_why(tmp_path: Path, playbook: str, what: str) -> None:
    elsewhere = {"barehost_backup_fetch": str(tmp_path), "barehost_restore_source": str(tmp_path)}
    said = play(tmp_path, playbook, AGENTS, **elsewhere)
    for host in AGENTS:
        assert f"skipping: [{host}]" in said
    assert f"there is nothing to {what}" in said and "runs as an agent" in said
    clean = "ok=1 changed=0 unreachable=0 failed=0 skipped=X rescued=0"
    assert len(re.findall(clean.replace("X", r"\d+"), said)) == len(AGENTS), said


@pytest.mark.parametrize("playbook", ["backup.yml", "restore.yml"])
def test_a_relative_directory_is_refused_before_anything_is_done(
    tmp_path: Path, playbook: str
) -> None:
    said = play(tmp_path, playbook, {"monitor": {}}, barehost_backup_directory="backups")
    assert "fatal: [monitor]" in said
    assert 'nobody: directory: "backups" is no absolute path' in said
    assert "on monitor" in said and "barehost_backup_directory" in said
    assert "Nothing was touched" in said
