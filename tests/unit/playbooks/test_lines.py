# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""verify.yml asks for new lines where the inventory has somebody who sends them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

CHECKOUT = Path(__file__).parents[3]
ROLE = CHECKOUT / "roles" / "elk" / "vars" / "main" / "elasticsearch.yml"


@pytest.mark.parametrize(
    ("groups", "newest"),
    [
        ({"elk": {"h": {}}}, 0),
        ({"elk": {"h": {}}, "filebeat": {}}, 0),
        ({"elk": {"h": {}}, "filebeat": {"other": {}}}, 900),
    ],
)
def test_without_filebeat_no_line_is_asked_for(
    tmp_path: Path, groups: dict[str, Any], newest: int
) -> None:
    (given,) = [
        p for p in yaml.safe_load((CHECKOUT / "playbooks/verify.yml").read_text()) if "vars" in p
    ]
    shown = {"ansible.builtin.copy": {
        "content": "{{ __elk_elasticsearch_verify['elasticsearch']['newest'] }}", "dest": f"{tmp_path}/newest",
    }}  # fmt: skip
    play = {"hosts": "elk", "gather_facts": False, "vars_files": [str(ROLE)], "tasks": [shown]}
    (tmp_path / "play.json").write_text(json.dumps([{**play, "vars": given["vars"]}]))
    local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    children = {name: {"hosts": hosts} for name, hosts in groups.items()}
    inventory = {"all": {"children": children, "vars": local}}
    (tmp_path / "hosts.json").write_text(json.dumps(inventory))
    done = subprocess.run(
        [Path(sys.executable).with_name("ansible-playbook"), "play.json", "-i", "hosts.json"],
        cwd=tmp_path, env=os.environ, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "newest").read_text() == str(newest)
