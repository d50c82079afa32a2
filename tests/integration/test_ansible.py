# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module called by Ansible itself: arguments, check mode, diff, masking, delegation."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from integration.support.claims import nothing_written
from integration.support.fake import Fake
from integration.support.host import PROJECT

MARK = "S3kret"
SECRET = f"{MARK}-given % $HOME \" ' \\ ü"


class Controller:
    """Runs plays of one task against the host of a deployment."""

    def __init__(self, folder: Path, fake: Fake) -> None:
        self.folder, self.fake = folder, fake
        connection = {
            "ansible_connection": "community.docker.docker",
            "ansible_host": fake.host.container,
            "ansible_python_interpreter": "/usr/bin/python3",
        }
        hosts = {
            "target": connection,
            "unreachable": {**connection, "ansible_host": "barehost-it-none"},
        }
        (folder / "hosts.json").write_text(json.dumps({"all": {"hosts": hosts}}))

    def play(
        self, args: dict[str, Any], *options: str, limit: str = "target", **task: Any
    ) -> subprocess.CompletedProcess[str]:
        """Run the module in a play; secrets come from a variable, as from a vault."""
        play = {
            "hosts": limit,
            "gather_facts": False,
            "tasks": [{"name": "Deploy", "barehost.monitoring.daemon": args, **task}],
        }
        (self.folder / "play.json").write_text(json.dumps([play]))
        (self.folder / "secrets.json").write_text(json.dumps({"secret": SECRET}))
        command = [
            str(Path(sys.executable).with_name("ansible-playbook")),
            f"--inventory={self.folder / 'hosts.json'}",
            f"--extra-vars=@{self.folder / 'secrets.json'}",
            *options,
            str(self.folder / "play.json"),
        ]
        environment = {**os.environ, "ANSIBLE_FORCE_COLOR": "0", "ANSIBLE_NOCOLOR": "1"}
        environment |= {
            "ANSIBLE_LOCAL_TEMP": str(self.folder / "tmp"),
            "ANSIBLE_CONFIG": "ansible.cfg",
        }
        return subprocess.run(
            command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False
        )


@pytest.fixture
def controller(tmp_path: Path, fake: Fake) -> Controller:
    """Return Ansible with an inventory that holds the test host."""
    return Controller(tmp_path, fake)


def described(fake: Fake, config: str = "greeting = hello\n", **more: Any) -> dict[str, Any]:
    """Describe a deployment with a secret."""
    secrets = [{"path": "secrets/given", "content": "{{ secret }}"}]
    return fake.args(config + "secret_file = secrets/given\n", secrets=secrets, **more)


@pytest.mark.suites("bookworm", "trixie", "bullseye")
def test_a_play_deploys_and_the_second_changes_nothing(controller: Controller, fake: Fake) -> None:
    """Check mode on the fresh host first; then once changed, once not."""
    args = described(fake, environment={"PERCENT": "100% {{ '$HOME' }}"})
    with nothing_written(fake.host, "/tmp"):  # Ansible unpacks the module there
        check = controller.play(args, "--check", "--diff")
    assert check.returncode == 0, check.stdout + check.stderr
    assert "changed=1 " in check.stdout
    assert "+greeting = hello" in check.stdout
    first = controller.play(args)
    assert "changed=1 " in first.stdout, first.stdout + first.stderr
    assert fake.ask("/environ")["PERCENT"] == "100% $HOME"
    second = controller.play(args, "--diff")
    assert "changed=0 " in second.stdout, second.stdout


def test_secrets_are_masked_at_the_highest_verbosity(controller: Controller, fake: Fake) -> None:
    """-vvv --diff prints invocation and diff: of a deployment, of a change and of a failure."""
    runs = [
        described(fake),
        described(fake, "greeting = changed\n"),
        described(fake, "greeting = broken\n", version="2.0.0-crash"),
        described(fake, "colour = red\n"),
    ]
    for number, args in enumerate(runs):
        done = controller.play(args, "-vvv", "--diff")
        assert (done.returncode == 0) is (number < 2), done.stdout
        text = done.stdout + done.stderr
        assert "secrets/given" in text
        assert MARK not in text
    assert "unknown key 'colour'" in text


def test_a_failure_is_readable(controller: Controller, fake: Fake) -> None:
    """The checker's words stand in Ansible's output, and no traceback."""
    done = controller.play(fake.args("colour = red\n"))
    assert done.returncode == 2
    assert f"{fake.etc}/fakehost.conf:1: unknown key 'colour'" in done.stdout.replace("\n", " ")
    assert "Traceback" not in done.stdout + done.stderr


def test_rendering_is_delegated_and_contacts_no_host(controller: Controller, fake: Fake) -> None:
    """For a host that cannot be reached, on the controller."""
    destination = controller.folder / "rendered"
    args = {
        **described(fake),
        "state": "rendered",
        "destination": f"{destination}/{{{{ inventory_hostname }}}}",
    }
    variables = {
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
    }
    done = controller.play(args, limit="unreachable", delegate_to="localhost", vars=variables)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "changed=1 " in done.stdout
    config = destination / f"unreachable/etc/{fake.name}/fakehost.conf"
    assert config.read_text() == "greeting = hello\nsecret_file = secrets/given\n"
    assert not [
        path for path in destination.rglob("*") if path.is_file() and MARK in path.read_text()
    ]
    again = controller.play(args, limit="unreachable", delegate_to="localhost", vars=variables)
    assert "changed=0 " in again.stdout


def test_an_unknown_option_is_refused_by_name(controller: Controller, fake: Fake) -> None:
    """Ansible's own words name the option and the ones that exist."""
    done = controller.play({**fake.args(), "relaese": {}})
    assert done.returncode == 2
    assert "relaese" in done.stdout
    assert not fake.host.exists(fake.etc)
