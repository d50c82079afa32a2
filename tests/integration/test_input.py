# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad input and hosts that cannot be deployed to: one clear sentence each, nothing changed."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from hosts.images import image
from integration.support.claims import nothing_written
from integration.support.fake import Fake
from integration.support.host import Host, install_tools

WRONG: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "unknown option": ({"relaese": {}}, ("relaese", "release")),
    "unknown key in a file": (
        {"files": [{"path": "x", "paht": "x", "content": ""}]},
        ("paht", "path"),
    ),
    "unknown key in a probe": (
        {"health": {"probes": [{"url": "http://x/", "statsu": 200}]}},
        ("statsu", "status"),
    ),
    "file without content": ({"files": [{"path": "x"}]}, ("content",)),
    "bad trigger": (
        {"files": [{"path": "x", "content": "", "on_change": "rel"}]},
        ("on_change", "reload"),
    ),
    "bad mode": (
        {"files": [{"path": "x", "content": "", "mode": "rw"}]},
        ("files[1].mode", "0640"),
    ),
    "number wanted": ({"health": {"timeout": "soon"}}, ("timeout", "float")),
    "bad name": ({"name": "../etc"}, ("name", "../etc")),
    "upper case name": ({"name": "Prometheus"}, ("name", "Prometheus")),
    "empty command": ({"command": []}, ("command",)),
    "path out of the directory": (
        {"files": [{"path": "../shadow", "content": ""}]},
        ("files[1]", "../shadow"),
    ),
    "a file twice": ({"files": [{"path": "x", "content": ""}] * 2}, ("/x", "twice")),
    "file and directory": (
        {"files": [{"path": "x", "content": ""}, {"path": "x/y", "content": ""}]},
        ("/x", "directory"),
    ),
    "unit section": ({"unit": {"Servise": {"Type": "exec"}}}, ("Servise", "Service")),
    "directive with a line break": ({"unit": {"Service": {"Nice": "1\nUser=root"}}}, ("Nice",)),
    "variable name": ({"environment": {"A B": "1"}}, ("environment", "A B")),
    "bad address": ({"release": {"url": "gopher://x/{version}"}}, ("release.url", "gopher://")),
    "bad version": ({"release": {"version": "../../1"}}, ("release.version", "../../1")),
    "colon in the comment": ({"account": {"comment": "a: b"}}, ("account.comment", "colon")),
    "bad pattern": ({"checks": [{"argv": ["true"], "refuse": "("}]}, ("checks[0].refuse",)),
    "probe address": (
        {"health": {"probes": [{"url": "127.0.0.1:9090"}]}},
        ("health.probes[0].url", "127.0.0.1:9090"),
    ),
    "bad state": ({"state": "latest"}, ("latest", "present")),
    "rendered without destination": ({"state": "rendered"}, ("destination",)),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_input_is_named_with_its_place(fake: Fake, case: str) -> None:
    """The error names the option and what it takes; nothing is written or run, in check mode too."""
    change, words = WRONG[case]
    with nothing_written(fake.host):
        results = [fake.refuse(fake.args(**change), check=check) for check in (True, False)]
    for result in results:
        for word in words:
            assert word in result.msg, result.msg
        assert result.points == []


def test_all_faults_are_told_at_once(fake: Fake) -> None:
    """Nobody mends one fault per run."""
    result = fake.refuse(
        fake.args(
            files=[{"path": "../a", "content": ""}, {"path": "b", "content": "", "mode": "9"}],
            environment={"A B": "1"},
            unit={"Servise": {}},
        )
    )
    for words in ("../a", "files[2].mode", "A B", "Servise"):
        assert words in result.msg, result.msg


@pytest.mark.suites("bookworm", "bullseye")
def test_without_root_one_sentence_is_the_answer(fake: Fake) -> None:
    """Also in check mode: what an ordinary user sees would not be the truth."""
    with nothing_written(fake.host):
        result = fake.refuse(fake.args(), user="nobody")
    assert "root" in result.msg
    assert "become" in result.msg
    assert len(result.msg.splitlines()) == 1


@pytest.fixture
def bare() -> Iterator[Host]:
    """Return a container in which no systemd runs."""
    name = "barehost-it-no-systemd"
    subprocess.run(["docker", "rm", "--force", name], check=False, capture_output=True)
    run = [
        "docker",
        "run",
        "--detach",
        "--init",
        f"--name={name}",
        image("bookworm"),
        "sleep",
        "600",
    ]
    subprocess.run(run, check=True, capture_output=True)
    try:
        host = Host(name, "bookworm")
        install_tools(host)
        yield host
    finally:
        subprocess.run(["docker", "rm", "--force", name], check=False, capture_output=True)


@pytest.mark.parametrize("check", [False, True], ids=["run", "check mode"])
def test_without_systemd_one_sentence_is_the_answer(bare: Host, check: bool) -> None:
    """A container without an init system is told so, not met with a traceback."""
    fake = Fake(bare, "fake", 20000)
    with nothing_written(bare):
        result = fake.refuse(fake.args(), check=check)
    assert "systemd" in result.msg
    assert len(result.msg.splitlines()) == 1


@pytest.mark.suites("bookworm", "trixie", "bullseye")
def test_a_minimal_host_is_enough(fake: Fake) -> None:
    """No sudo, no python3-apt, no curl, no unzip: what the deployment needs is systemd and Python."""
    absent = fake.host.sh("for p in sudo curl wget unzip gpg; do command -v $p || true; done")
    assert absent == "", "the test host is not minimal"
    assert fake.host.run("python3", "-c", "import apt", check=False).returncode
    fake.deploy()
    assert fake.healthy()
