# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a description to the wanted state."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon import _desired, _parse
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._desired import Desired

RELEASE = {"version": "1.0", "url": "http://m/x", "checksum": "c", "binaries": ["bin/web", "tool"]}
SECRET = {"path": "key", "content": "hidden"}
FLAGS = {"path": "flags", "content": "f"}
RULES = {"path": "rules", "content": "r", "on_change": "reload"}
NOTES = {"path": "notes", "content": "n", "on_change": "none"}
UNIT = {"Service": {"ExecReload": "/bin/kill -HUP $MAINPID"}}


def build(salt: bytes = b"salt", **params: Any) -> Desired:
    files = params.pop("files", [FLAGS, RULES, NOTES])
    given = {"name": "web", "command": ["/bin/web"], "unit": UNIT, "files": files, **params}
    health = params.get("health", {})
    return _desired.build(_parse.parse(given), salt, {"/etc/web/made": b"m"}, health)


def test_every_path_is_there() -> None:
    wanted = build(release=RELEASE, secrets=[SECRET, {"path": "made", "generate": {}}])
    assert sorted(wanted.state.entries) == [
        "/etc/systemd/system/web.service",
        "/etc/sysusers.d/barehost-web.conf",
        *(f"/etc/web/{name}" for name in ("flags", "key", "made", "notes", "rules")),
        "/opt/web/current",
        "/usr/local/bin/tool",
        "/usr/local/bin/web",
    ]
    entries = wanted.state.entries
    assert entries["/opt/web/current"].target == "1.0"
    assert entries["/usr/local/bin/web"].target == "/opt/web/current/bin/web"
    assert entries["/usr/local/bin/web"].on_change == "none"
    assert wanted.contents[entries["/etc/web/made"].digest] == b"m"
    assert [path for path, e in entries.items() if e.secret] == ["/etc/web/key", "/etc/web/made"]
    assert all(e.is_link or e.digest in wanted.contents for e in entries.values())


def test_a_second_instance_has_no_tools_for_people() -> None:
    wanted = build(release={**RELEASE, "name": "nginx"})
    assert "/opt/nginx/current-web" in wanted.state.entries
    assert not [path for path in wanted.state.entries if path.startswith("/usr/local")]


def test_root_needs_no_account() -> None:
    assert not [p for p in build(account={"user": "root"}).state.entries if "sysusers" in p]


def test_the_account_is_described_to_sysusers() -> None:
    account = {"groups": ["adm", "tls"], "home": "/srv/w", "comment": 'The "web"'}
    wanted = build(account=account)
    entry = wanted.state.entries["/etc/sysusers.d/barehost-web.conf"]
    assert wanted.contents[entry.digest].decode() == (
        'g web -\nu web -:web "The web" /srv/w\nm web adm\nm web tls\n'
    )


BOTH, ACTIVATION, RELOADABLE, NEITHER = (True, True), (True, False), (False, True), (False, False)
CHANGES: list[tuple[str, dict[str, Any], tuple[bool, bool]]] = [
    ("restart file", {"files": [{**FLAGS, "content": "g"}, RULES, NOTES]}, ACTIVATION),
    ("mode", {"files": [{**FLAGS, "mode": "0600"}, RULES, NOTES]}, ACTIVATION),
    ("reload file", {"files": [FLAGS, {**RULES, "content": "s"}, NOTES]}, RELOADABLE),
    ("no reload file", {"files": [FLAGS, NOTES]}, RELOADABLE),
    ("other file", {"files": [FLAGS, RULES, {**NOTES, "content": "o"}]}, NEITHER),
    ("secret", {"secrets": [{**SECRET, "content": "x"}]}, ACTIVATION),
    ("version", {"release": {**RELEASE, "version": "2.0"}}, ACTIVATION),
    ("command", {"command": ["/bin/web", "-v"]}, ACTIVATION),
    ("environment", {"environment": {"A": "b"}}, ACTIVATION),
    ("directive", {"unit": {"Service": {**UNIT["Service"], "Nice": 5}}}, ACTIVATION),
    ("health", {"health": {"timeout": 5}}, NEITHER),
    ("salt", {"salt": b"other"}, BOTH),
]


@pytest.mark.parametrize(
    ("params", "changes"), [c[1:] for c in CHANGES], ids=[c[0] for c in CHANGES]
)
def test_a_digest_changes_with_what_it_stands_for(
    params: dict[str, Any], changes: tuple[bool, bool]
) -> None:
    base: dict[str, Any] = {"release": RELEASE, "secrets": [SECRET]}
    one, other = build(**base).state, build(**{**base, **params}).state
    found = (one.activation != other.activation, one.reloadable != other.reloadable)
    assert found == changes


def test_the_unit_tells_its_process_the_state() -> None:
    wanted = build()
    unit = wanted.contents[wanted.state.entries["/etc/systemd/system/web.service"].digest]
    assert f"Environment=BAREHOST_STATE={wanted.state.activation}\n" in unit.decode()


STEP = {"name": "s", "argv": ["x"], "stdin": "i", "depends": ["release", "flags", "absent"]}


@pytest.mark.parametrize(
    ("params", "due"),
    [
        ({}, False),
        ({"files": [FLAGS, {**RULES, "content": "other"}]}, False),
        ({"command": ["/bin/other"]}, False),
        ({"release": {**RELEASE, "version": "2.0"}}, True),
        ({"files": [{**FLAGS, "content": "other"}]}, True),
        ({"files": [FLAGS, {**FLAGS, "path": "absent"}]}, True),
        ({"prepare": [{**STEP, "stdin": "other"}]}, True),
        ({"prepare": [{**STEP, "argv": ["y"]}]}, True),
        ({"prepare": [{**STEP, "user": "web"}]}, True),
    ],
)
def test_a_step_is_due_when_its_cause_changes(params: dict[str, Any], due: bool) -> None:
    base: dict[str, Any] = {"release": RELEASE, "prepare": [STEP]}
    one, other = build(**base).state.prepared, build(**{**base, **params}).state.prepared
    assert (one != other) is due
