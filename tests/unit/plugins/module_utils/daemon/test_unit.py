# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Units: what systemd reads is what was described. A reader of systemd's syntax is the oracle."""

from __future__ import annotations

import random
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon import _parse, _unit
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._spec import Spec

# Nothing in here comes from the module: these are the rules of systemd.syntax(7), systemd.unit(5)
# and systemd.service(5), as systemd's own reader follows them.


def logical_lines(text: str) -> Iterator[str]:
    """Lines as systemd sees them: comments are dropped, also amid a continuation."""
    held = ""
    for line in re.split(r"\r\n|\n|\r|\0", text):
        bare = line.lstrip(" \t")
        if bare.startswith(("#", ";")):
            continue
        held += bare if held else line
        if line.endswith("\\") and (len(line) - len(line.rstrip("\\"))) % 2:
            held = held[:-1] + " "
            continue
        if held.strip():
            yield held.strip()
        held = ""


def read(text: str) -> dict[str, dict[str, list[str]]]:
    """Sections, directives and their values."""
    found: dict[str, dict[str, list[str]]] = {}
    for line in logical_lines(text):
        if line.startswith("["):
            section = found.setdefault(line[1:-1], {})
        else:
            key, _sign, value = line.partition("=")
            section.setdefault(key, []).append(value)
    return found


def words(text: str) -> list[str]:
    """Split as extract_first_word() does: blanks, both quotes, C escapes."""
    escapes = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", '"': '"', "'": "'", "s": " "}
    escapes |= {"a": "\a", "b": "\b", "f": "\f", "v": "\v"}
    found: list[bytes] = []
    word: bytearray | None = None
    quote, i = "", 0
    while i < len(text):
        char = text[i]
        if char == "\\":
            i += 1
            if text[i] == "x":
                word = (word or bytearray()) + bytes([int(text[i + 1 : i + 3], 16)])
                i += 2
            else:
                word = (word or bytearray()) + escapes[text[i]].encode()
        elif quote:
            word = word if word is not None else bytearray()
            if char == quote:
                quote = ""
            else:
                word += char.encode()
        elif char in "\"'" and word is None:
            quote, word = char, bytearray()
        elif char in " \t\n\r":
            if word is not None:
                found.append(bytes(word))
            word = None
        else:
            word = (word or bytearray()) + char.encode()
        i += 1
    assert not quote, f"a quote is open: {text!r}"
    if word is not None:
        found.append(bytes(word))
    return [each.decode() for each in found]


def specifiers(text: str) -> str:
    assert re.fullmatch(r"(?:[^%]|%%)*", text, re.DOTALL), f"a specifier: {text!r}"
    return text.replace("%%", "%")


def variables(text: str) -> str:
    """Replace $$ and ${X}; any other use of $ would be lost."""
    rest = re.sub(r"\$\$|\$\{CREDENTIALS_DIRECTORY\}", "", text)
    assert "$" not in rest, f"a variable: {text!r}"
    return text.replace("${CREDENTIALS_DIRECTORY}", "\0").replace("$$", "$").replace("\0", "/run/c")


def exec_start(value: str) -> list[str]:
    raw = re.split(r"\s+", value)
    assert ";" not in raw, "a second command begins"
    return [variables(specifiers(word)) for word in words(value)]


# -- escaping -----------------------------------------------------------------


def unit(**params: Any) -> dict[str, dict[str, list[str]]]:
    return read(_unit.render(spec(**params), "0123456789abcdef", "/opt/web/current"))


def spec(**params: Any) -> Spec:
    return _parse.parse({"name": "web", "command": ["/bin/web"], **params})


ARGUMENTS = [
    "--a=b", "", " ", "a b", "%n %% %", "$HOME", "${HOME} $$", '"', "'", "\\", "\\n", 'a"b', "it's",
    "#no comment", ";", ";x", "a;b", "# x", "tab\there", "line\nbreak", "a\r[Service]\rUser=root",
    "\x0b\x0c", "trailing\\", "trailing ", "\\x41", "ä€𝄞", "[a-z]{2}", "{}", "@", "-", "!", "|",
    "%d", "\x01\x7f", "\u2028", "\u00a0",
]  # fmt: skip


@pytest.mark.parametrize("argument", ARGUMENTS)
@pytest.mark.parametrize("last", [True, False], ids=["last", "amid"])
def test_an_argument_arrives_as_given(argument: str, last: bool) -> None:
    argv = ["/bin/web", argument] if last else ["/bin/web", argument, "last"]
    service = unit(command=argv)["Service"]
    assert [exec_start(line) for line in service["ExecStart"]] == [argv]
    assert service["User"] == ["web"]


def test_any_arguments_arrive_as_given() -> None:
    dice = random.Random(20)
    pieces = [*ARGUMENTS, "a", "=", ",", "/"]
    for _turn in range(1500):
        argv = ["".join(dice.choices(pieces, k=dice.randint(0, 4))) for _argument in range(4)]
        found = unit(command=["/bin/web", *argv])["Service"]["ExecStart"]
        assert [exec_start(line) for line in found] == [["/bin/web", *argv]]


@pytest.mark.parametrize("value", [a for a in ARGUMENTS if a != "{}"])
def test_a_variable_arrives_as_given(value: str) -> None:
    service = unit(environment={"A": value})["Service"]
    found = [specifiers(word) for line in service["Environment"] for word in words(line)]
    assert found == [f"A={value}", "BAREHOST_STATE=0123456789abcdef"]
    assert service["User"] == ["web"]


@pytest.mark.parametrize("value", ["{data}", "{config}/x", "{release}"])
def test_a_variable_has_no_placeholders(value: str) -> None:
    assert f"A={value}" in unit(environment={"A": value})["Service"]["Environment"]


def test_placeholders_of_the_command_are_replaced() -> None:
    argv = ["{release}/web", "--file={config}/a b", "--data={data}", "--key={credentials}/key$"]
    assert exec_start(unit(command=argv)["Service"]["ExecStart"][0]) == [
        "/opt/web/current/web",
        "--file=/etc/web/a b",
        "--data=/var/lib/web",
        "--key=/run/c/key$",
    ]


def test_a_comment_is_no_specifier() -> None:
    assert unit(account={"comment": "100%n"})["Unit"]["Description"] == ["100%%n"]


# -- directives ---------------------------------------------------------------

DIRECTIVES: list[tuple[dict[str, Any], str, list[str] | None]] = [
    ({}, "NoNewPrivileges", ["yes"]),
    ({}, "CapabilityBoundingSet", [""]),
    ({}, "SystemCallFilter", ["@system-service", "~@privileged @resources"]),
    ({}, "SupplementaryGroups", None),
    ({}, "LoadCredential", None),
    ({"PrivateUsers": False}, "PrivateUsers", ["no"]),
    ({"PrivateUsers": None}, "PrivateUsers", None),
    ({"ReadWritePaths": ["/a", "/b"]}, "ReadWritePaths", ["/a", "/b"]),
    ({"ReadWritePaths": []}, "ReadWritePaths", None),
    ({"TimeoutStopSec": 600}, "TimeoutStopSec", ["600"]),
    ({"ReadOnlyPaths": "{config}"}, "ReadOnlyPaths", ["/etc/web"]),
    ({"ExecReload": "/bin/kill -HUP $MAINPID"}, "ExecReload", ["/bin/kill -HUP $MAINPID"]),
    ({"Environment": "A=b"}, "Environment", ["BAREHOST_STATE=0123456789abcdef", "A=b"]),
    ({"LoadCredential": ["a:/b"]}, "LoadCredential", ["a:/b"]),
]


@pytest.mark.parametrize(("service", "directive", "lines"), DIRECTIVES)
def test_a_directive_is_set_repeated_or_removed(
    service: dict[str, Any], directive: str, lines: list[str] | None
) -> None:
    assert unit(unit={"Service": service})["Service"].get(directive) == lines


def test_other_sections_take_directives_too() -> None:
    found = unit(unit={"Unit": {"After": ["a", "b"]}, "Install": {"WantedBy": None}})
    assert found["Unit"]["After"] == ["a", "b"]
    assert found["Install"] == {}


def test_credentials_and_groups_are_named() -> None:
    secret = {"credential": "key", "content": "hidden"}
    found = unit(
        secrets=[secret],
        account={"groups": ["a", "b"]},
        unit={"Service": {"LoadCredential": "x:/y"}},
    )
    assert found["Service"]["LoadCredential"] == ["key:/etc/web/credentials/key", "x:/y"]
    assert found["Service"]["SupplementaryGroups"] == ["a b"]
    assert "hidden" not in str(found)


@pytest.mark.parametrize(
    ("value", "found"), [("a  b", ["a", "b"]), (["a", "b c"], ["a", "b", "c"]), (None, [])]
)
def test_the_words_of_a_directive_are_found(value: Any, found: list[str]) -> None:
    assert _unit.directives({"Service": {"LogsDirectory": value}}, "LogsDirectory") == found
    assert _unit.directives({}, "LogsDirectory") == []


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")
def test_systemd_has_nothing_to_say_about_it(tmp_path: Path) -> None:
    described = spec(
        command=["/bin/sh", *ARGUMENTS],
        environment={f"A{i}": value for i, value in enumerate(ARGUMENTS)},
        account={"user": "root", "comment": "100% $HOME"},
        secrets=[{"credential": "key", "content": "x"}],
    )
    path = tmp_path / "web.service"
    path.write_text(_unit.render(described, "0", "/opt/web/current"))
    command = ["systemd-analyze", "verify", "--man=no", str(path)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert [line for line in result.stderr.splitlines() if "web.service" in line] == []
