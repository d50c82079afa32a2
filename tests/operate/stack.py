# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole chain of the demo on two hosts of its own, for playbooks that operate it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from demo.stack import LOAD, Stack
from hosts.container import Host, ensure_network
from hosts.shell import CHECKOUT
from receivers.control import Receivers
from receivers.places import OnHost

PREFIX = os.environ.get("BAREHOST_INTEGRATION", "barehost") + "-operate"
DEPLOYMENT = (
    "examples/ai_assistant/databases.yml",
    "examples/ai_assistant/deploy.yml",
    "site.yml",
)
SUITES = {"monitor": "trixie", "app": "bookworm"}


def boot(folder: Path) -> Stack:
    """Boot the two hosts, with test receivers on the one that watches. folder: for their inventory.

    The inventory is the demo's; a second one says which containers its hosts are.
    """
    ensure_network(PREFIX)
    hosts = {name: Host(f"{PREFIX}-{name}") for name in SUITES}
    for name, host in hosts.items():
        host.boot(SUITES[name], f"--network={PREFIX}")
    Receivers.start(OnHost(hosts["monitor"]))
    known = {name: {"ansible_host": host.name} for name, host in hosts.items()}
    containers = folder / "containers.json"
    containers.write_text(json.dumps({"all": {"hosts": known}}))
    return Stack(
        monitor=hosts["monitor"],
        app=hosts["app"],
        monitor_name="monitor",
        app_name="app",
        inventory=f"inventories/demo,{containers}",
    )


def play(
    stack: Stack, playbooks: tuple[str, ...], *options: str
) -> subprocess.CompletedProcess[str]:
    """Run playbooks against the stack, and return what they said."""
    plain = {"ANSIBLE_FORCE_COLOR": "0", "ANSIBLE_NOCOLOR": "1"}
    programs = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    return subprocess.run(
        stack.play(playbooks, *options), cwd=CHECKOUT, env={**os.environ, **plain, **programs},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def send(stack: Stack) -> None:
    """Send two requests a second for at most an hour, so that there is something to see."""
    unit = ("--unit=barehost-load", "--collect", "--quiet")
    stack.app.output("systemd-run", *unit, *LOAD, "traffic", "--rate=2", "--duration=3600")


def remove(stack: Stack) -> None:
    """Remove the hosts with everything on them."""
    for host in (stack.monitor, stack.app):
        host.remove()
