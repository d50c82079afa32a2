# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Roles run on test hosts by Ansible, and what they leave there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from integration.support.host import PROJECT, Host

VERSIONS = PROJECT / ".cache/mirror/versions.yml"
CONNECTION = {
    "ansible_connection": "community.docker.docker",
    "ansible_python_interpreter": "/usr/bin/python3",
    "barehost_mirror": "file:///srv/mirror",
}
"""How a test host is reached, and where it finds releases; its container is its ansible_host."""


def run_role(
    folder: Path,
    play: Mapping[str, Any],
    inventory: Mapping[str, Any],
    *options: str,
    **environment: str,
) -> subprocess.CompletedProcess[str]:
    """Run a play. folder: where it and its inventory are written. options: of ansible-playbook."""
    places = {"hosts.json": {"all": inventory}, "play.json": [{"gather_facts": False, **play}]}
    for name, content in places.items():
        (folder / name).write_text(json.dumps(content))
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    plain = {"ANSIBLE_FORCE_COLOR": "0", "ANSIBLE_NOCOLOR": "1"}
    settings = {**plain, "ANSIBLE_CONFIG": "ansible.cfg", "ANSIBLE_PIPELINING": "true"}
    return subprocess.run(
        [program, *options, f"--inventory={folder / 'hosts.json'}", str(folder / "play.json")],
        cwd=PROJECT, env={**os.environ, **settings, **environment}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip


def changed(done: subprocess.CompletedProcess[str]) -> bool:
    """Tell whether a run that must be good changed anything on its host."""
    assert done.returncode == 0, done.stdout + done.stderr
    return "changed=0" not in done.stdout


def refusal(done: subprocess.CompletedProcess[str]) -> str:
    """Return what a run said that must have been refused."""
    assert done.returncode == 2, done.stdout
    text = done.stdout + done.stderr
    assert "Traceback" not in text
    return text


def state(host: Host, unit: str) -> tuple[int, str]:
    """Return the process of a service and the digests of all its files."""
    script = f"find /etc/{unit} -type f -exec sha256sum {{}} + | sort"
    return host.main_pid(f"{unit}.service"), host.sh(script)
