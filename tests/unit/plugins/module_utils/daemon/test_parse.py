# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From parameters to a description; every fault is named."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon import _parse
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._errors import SpecError
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._spec import (
    Account,
    FileSpec,
    Spec,
)

Params = dict[str, Any]
COMMAND: Params = {"name": "web", "command": ["/bin/web"]}


def parse(**params: Any) -> Spec:
    return _parse.parse({**COMMAND, **params})


def file(**fields: Any) -> Params:
    return {"path": "a", "content": "x", **fields}


def test_little_has_to_be_said() -> None:
    spec = parse()
    assert spec.account == Account("web", "web", (), "/var/lib/web", "web")
    assert (spec.config_directory, spec.unit_path) == (
        "/etc/web",
        "/etc/systemd/system/web.service",
    )
    assert (spec.release, spec.release_link, spec.release_directory) == (None, "", "")
    assert (spec.health.timeout, spec.health.settle, spec.health.validate_certs) == (60, 1, True)
    assert spec.rollback


@pytest.mark.parametrize(
    ("release", "link"),
    [({}, "/opt/web/current"), ({"name": "nginx"}, "/opt/nginx/current-web")],
)
def test_each_instance_has_a_link_to_its_version(release: Params, link: str) -> None:
    spec = parse(release={"version": "1.0", "url": "https://m/x", "checksum": "c", **release})
    assert spec.release_link == link
    assert spec.release_directory == link.replace("current-web", "1.0").replace("current", "1.0")


FILES: list[tuple[Params, Params, dict[str, Any]]] = [
    (
        file(),
        {},
        {
            "path": "/etc/web/a",
            "content": b"x",
            "mode": 0o640,
            "owner": "root",
            "group": "web",
            "on_change": "restart",
        },
    ),
    (file(path="/srv/a"), {}, {"path": "/srv/a"}),
    (file(path="sub/./a"), {}, {"path": "/etc/web/sub/a"}),
    (file(), {"config_directory": "/srv/c/"}, {"path": "/srv/c/a"}),
    (
        file(mode="0755", owner="web", group="adm"),
        {},
        {"mode": 0o755, "owner": "web", "group": "adm"},
    ),
    (file(content="ä\n"), {}, {"content": b"\xc3\xa4\n"}),
    (file(), {"account": {"user": "u"}}, {"group": "u"}),
    (file(), {"account": {"user": "u", "group": "g"}}, {"group": "g"}),
]
SECRETS: list[tuple[Params, dict[str, Any]]] = [
    (file(), {"secret": True, "mode": 0o640, "group": "web", "length": 0}),
    ({"path": "a", "generate": {}}, {"content": None, "length": 32}),
    ({"path": "a", "generate": {"length": 7}}, {"content": None, "length": 7}),
    (
        {"credential": "pw", "content": "x", "on_change": "none"},
        {
            "path": "/etc/web/credentials/pw",
            "mode": 0o600,
            "group": "root",
            "credential": "pw",
            "on_change": "restart",
        },
    ),
    (
        {"credential": "pw", "path": "p", "content": "x", "mode": "0640"},
        {"path": "/etc/web/p", "mode": 0o640},
    ),
]


def fields(found: FileSpec, names: dict[str, Any]) -> dict[str, Any]:
    return {name: getattr(found, name) for name in names}


@pytest.mark.parametrize(("given", "params", "wanted"), FILES)
def test_a_file_is_described(given: Params, params: Params, wanted: dict[str, Any]) -> None:
    assert fields(parse(files=[given], **params).files[0], wanted) == wanted


@pytest.mark.parametrize(("given", "wanted"), SECRETS)
def test_a_secret_is_described(given: Params, wanted: dict[str, Any]) -> None:
    assert fields(parse(secrets=[given]).files[0], wanted) == wanted


FAULTS: list[tuple[Params, str]] = [
    ({"name": "Web"}, "name: 'Web' is no service name"),
    ({"name": "a/b"}, "name: 'a/b' is no service name"),
    ({"name": "web\n"}, r"name: 'web\n' is no service name"),
    ({"name": "w" * 32}, "is no service name"),
    ({"command": []}, "command: is empty"),
    ({"config_directory": "etc"}, "config_directory: 'etc' is not an absolute path"),
    ({"config_directory": "/"}, "config_directory: '' is not an absolute path"),
    ({"account": {"user": "a b"}}, "account.user: 'a b' is no account name"),
    ({"account": {"group": "-"}}, "account.group: '-' is no account name"),
    ({"account": {"comment": "a\nUser=root"}}, "account.comment"),
    ({"account": {"comment": "a:b"}}, "account.comment"),
    ({"files": [file(path="../a")]}, "files[0].path: '../a' must be a file, without '..'"),
    ({"files": [file(path="a/")]}, "files[0].path: 'a/' must be a file"),
    ({"files": [file(), file(path="b/../c")]}, "files[1].path"),
    ({"files": [file(mode="rw")]}, "files[0].mode: 'rw' is no octal mode"),
    ({"files": [file(mode="0888")]}, "files[0].mode: '0888' is no octal mode"),
    ({"files": [file(mode="416")]}, "files[0].mode: '416' is no octal mode"),
    ({"files": [file(), file(path="/etc/web/a")]}, "/etc/web/a is described twice"),
    ({"files": [file()], "secrets": [file()]}, "/etc/web/a is described twice (files, secrets)"),
    (
        {"files": [file(), file(path="a/b")]},
        "/etc/web/a is a file and the directory of /etc/web/a/b",
    ),
    (
        {"files": [file(on_change="reload")]},
        "/etc/web/a: on_change is reload, but unit.Service.ExecReload is not given",
    ),
    (
        {"secrets": [{"content": "x"}]},
        "secrets[0]: needs a path (or, for a secret, a credential name)",
    ),
    ({"secrets": [{"path": "a"}]}, "secrets[0] (a): give either content or generate"),
    ({"secrets": [file(generate={})]}, "secrets[0] (a): give either content or generate"),
    ({"secrets": [file(content="")]}, "secrets[0] (a): the secret is empty"),
    ({"secrets": [{"path": "a", "generate": {"length": 0}}]}, "secrets[0]"),
    ({"secrets": [file(mode="0644")]}, "secrets[0].mode: '0644' opens a secret to every user"),
    ({"secrets": [file(credential="a/b")]}, "secrets[0].credential: 'a/b' is no credential name"),
    (
        {"release": {"version": "../1", "url": "https://m/x", "checksum": ""}},
        "release.version: '../1' is no version",
    ),
    (
        {"release": {"version": "1", "url": "ftp://m/x", "checksum": ""}},
        "release.url: 'ftp://m/x' is no file://",
    ),
    (
        {"release": {"version": "1", "url": "http://m", "checksum": "", "name": "a/b"}},
        "release.name: 'a/b' is no folder name",
    ),
    (
        {"release": {"version": "1", "url": "http://m", "checksum": "", "binaries": ["../x"]}},
        "release.binaries: '../x' must lie inside",
    ),
    (
        {"release": {"version": "1", "url": "http://m", "checksum": "", "binaries": ["/x"]}},
        "release.binaries: '/x' must lie inside",
    ),
    ({"prepare": [{"name": "a", "argv": ["x"]}] * 2}, "prepare: the name 'a' stands twice"),
    ({"environment": {"A-B": "x"}}, "environment: 'A-B' is no variable name"),
    ({"unit": {"Socket": {}}}, "unit.Socket: a service has the sections Unit, Service and Install"),
    ({"unit": {"Service": None}}, "unit.Service: must be a mapping of directive to value"),
    ({"unit": {"Service": {"A b": 1}}}, "unit.Service.A b: is no directive name"),
    (
        {"unit": {"Service": {"Nice": ["1", "1\nUser=root"]}}},
        "unit.Service.Nice: a value may not hold a line break or control character",
    ),
    ({"unit": {"Service": {"A": {}}}}, "unit.Service.A: a value may not be a mapping"),
    (
        {"checks": [{"argv": ["x"], "refuse": "("}]},
        "checks[0].refuse: '(' is no regular expression",
    ),
    (
        {"health": {"probes": [{"url": "http://x/", "body": "["}]}},
        "health.probes[0].body: '[' is no regular",
    ),
    ({"health": {"probes": [{"url": "unix:/x"}]}}, "health.probes[0].url: 'unix:/x' is no http://"),
]


@pytest.mark.parametrize(("params", "message"), FAULTS)
def test_a_fault_is_named(params: Params, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse(**params)
    assert message in str(caught.value)


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(SpecError) as caught:
        parse(name="A", command=[], config_directory="x", environment={"1": ""})
    assert len(caught.value.faults) >= 4


def test_what_is_removed_needs_no_command() -> None:
    assert parse(command=None, state="absent").command == ()


def test_the_recorded_health_reads_as_the_given_one() -> None:
    raw = {
        "timeout": 3,
        "settle": 0,
        "url_username": "u",
        "url_password": "p",
        "probes": [
            {"url": "http://x/", "metrics": [{"name": "m", "labels": {"a": "b"}, "equals": 1.0}]}
        ],
    }
    assert _parse.health(raw, []) == parse(health=raw).health


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("{release}/x", "R/x"),
        ("{config}:{data}", "/etc/web:/var/lib/web"),
        ("{other} [a-z]{2} {{config}}", "{other} [a-z]{2} {/etc/web}"),
    ],
)
def test_placeholders_are_replaced_and_other_braces_stay(text: str, wanted: str) -> None:
    assert parse().expand(text, "R") == wanted
