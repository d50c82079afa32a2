# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What runbooks tell people to type at night: it is a shell's, and works where there are passwords, too."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from alerts.shipped import ROOT

ASKS = re.compile(r"^(?:AS=\w+ )?es '", re.MULTILINE)
FUNCTION = re.compile(r"^es\(\) \{\n.*?^\}$", re.MULTILINE | re.DOTALL)


def script(alert: str, shipped: dict[str, Any]) -> str:
    """Put the commands of an alert together; what people fill in is filled in."""
    commands = shipped["prometheus_alerts"][alert].get("commands", [])
    return re.sub(r"<[a-z]\w*>", "x", "\n".join(commands))


def bash(text: str, *options: str, **variables: str) -> str:
    """Run a script; it must succeed and say nothing beside."""
    done = subprocess.run(
        ["bash", *options, "-c", text],
        env=os.environ | variables, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_commands_are_those_of_a_shell(alert: str, shipped: dict[str, Any]) -> None:
    bash(script(alert, shipped), "-n")


def test_nobody_is_asked_at_a_name_that_need_not_be_known(
    alert: str, shipped: dict[str, Any]
) -> None:
    """The label instance has the inventory's name; 9200 may want TLS and a password."""
    for command in shipped["prometheus_alerts"][alert].get("commands", []):
        assert not re.search(r"curl [^|]*<instance>", command)
        assert ":9200" not in command or FUNCTION.search(command)


def test_elasticsearch_is_asked_by_a_function_that_is_there(
    alert: str, shipped: dict[str, Any]
) -> None:
    text = script(alert, shipped)
    asked, told = ASKS.search(text), FUNCTION.search(text)
    assert bool(asked) is bool(told)
    if asked and told:
        assert told.end() < asked.start()
        assert told[0] in (ROOT / "docs/logs.md").read_text()


@pytest.mark.parametrize(
    ("files", "who", "asked"),
    [
        ((), "", "-sS -K http://127.0.0.1:9200/x -X DELETE\n\n"),
        (("ca",), "", "-sS --cacert {0}/certs/ca.crt -K https://127.0.0.1:9200/x -X DELETE\n\n"),
        (
            ("ca", "password"), "",
            "-sS --cacert {0}/certs/ca.crt -K https://127.0.0.1:9200/x -X DELETE\n"
            r'user = "barehost:a\"b\\c"' "\n",
        ),
        (
            ("ca", "password"), "AS=ada ",
            "-sS --cacert {0}/certs/ca.crt -K https://127.0.0.1:9200/x -X DELETE\n"
            'user = "ada"\n',
        ),
    ],
    ids=["open", "TLS alone", "the user that deploys", "another user"],
)  # fmt: skip
def test_the_function_asks_as_elasticsearch_wants_it(
    tmp_path: Path, shipped: dict[str, Any], files: tuple[str, ...], who: str, asked: str
) -> None:
    """A password is in no argument: curl reads it from a pipe."""
    found = FUNCTION.search(script("ElasticsearchDown", shipped))
    assert found
    place, programs = tmp_path / "elasticsearch", tmp_path / "bin"
    for name, text in {"ca": "CA", "password": 'a"b\\c'}.items():
        path = place / {"ca": "certs/ca.crt", "password": "secrets/deploy_password"}[name]
        path.parent.mkdir(parents=True)
        if name in files:
            path.write_text(text)
    programs.mkdir()
    curl = programs / "curl"
    curl.write_text(
        '#!/bin/bash\necho "${@/#\\/dev\\/fd\\/*/}" | tr -s " "\nwhile [ "$1" != -K ]; do shift; done\ncat "$2"\n'
    )
    curl.chmod(0o755)
    text = found[0].replace("/etc/elasticsearch", str(place))
    said = bash(f"{text}\n{who}es /x -X DELETE", PATH=f"{programs}:{os.environ['PATH']}")
    assert said == asked.format(place)
