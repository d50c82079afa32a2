# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From parameters to a description; every fault is named."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon import (
    _desired,
    _health,
    _metrics,
    _parse,
    _release,
)
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._errors import (
    DaemonError,
    SpecError,
)
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._spec import (
    Account,
    FileSpec,
    Spec,
)
from ansible_collections.barehost.monitoring.plugins.modules import daemon

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


def probed(url: str) -> Params:
    return {"health": {"probes": [{"url": url}]}}


def labelled(value: Any, **more: Any) -> Params:
    metric = {"name": "m", "labels": {"code": value}, **more}
    return {"health": {"probes": [{"url": "http://x/", "metrics": [metric]}]}}


def released(**more: Any) -> Params:
    return {"release": {"version": "1", "url": "http://m/x", "checksum": "c", **more}}


NO_TEXTS: list[tuple[Any, str]] = [
    (True, "true is no text; quote what you mean (example: 'true')"),
    (False, "false is no text; quote what you mean (example: 'false')"),
    (None, "null is no text; quote what you mean (example: '')"),
    (float("inf"), "inf is no text; quote what you mean (example: 'inf')"),
    ([1], "[1] is no text; quote what you mean (example: 'text')"),
    ({"a": 1}, "{'a': 1} is no text; quote what you mean (example: 'text')"),
]
NO_DIGESTS: list[tuple[Any, str]] = [(5, "5"), (None, "null"), (True, "true"), (["x"], "['x']")]
ADDRESSES = [
    ("http://127.0.0.1:99999/", "is no valid address: Port out of range 0-65535"),
    ("http://127.0.0.1:abc/", "is no valid address: Port could not be cast"),
    ("http://127.0.0.1:0/", "is no valid address: its port is 0"),
    ("http://[::1/", "is no valid address: Invalid IPv6 URL"),
    ("http:///ready", "is no valid address: it names no host"),
    ("http://x/\x7f", "is no valid address: it holds other characters than those of ASCII"),
    ("http://x/ä", "is no valid address: it holds other characters than those of ASCII"),
]
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
        {"release": {"version": "v1.2", "url": "https://m/v{version}/x", "checksum": ""}},
        "release.version: 'v1.2' begins with the v of the address; write '1.2'",
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
    (
        {"prepare": [{"name": "a", "argv": ["x"], "stdin": "y", "stdin_file": "z"}]},
        "prepare[0]: give either stdin or stdin_file",
    ),
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
    *((probed(url), f"health.probes[0].url: {url!r} {words}") for url, words in ADDRESSES),
    (probed("http://u:hidden@x/"), "health.probes[0].url: holds a user name or password; give"),
    ({"health": {"timeout": float("nan")}}, "health.timeout: nan is no number of seconds"),
    ({"health": {"settle": -1}}, "health.settle: -1 is no number of seconds (example: 60)"),
    *((labelled(v), f"health.probes[0].metrics[0].labels.code: {words}") for v, words in NO_TEXTS),
    (labelled(1, labels=["a"]), "health.probes[0].metrics[0].labels: ['a'] is no mapping"),
    *(({"environment": {"A": v}}, f"environment.A: {words}") for v, words in NO_TEXTS),
    ({"environment": {1: "x"}}, "environment: '1' is no variable name"),
    *((released(arch={"amd64": v}), f"release.arch.amd64: {words}") for v, words in NO_TEXTS),
    *((released(checksum=v), f"release.checksum: {shown} is neither a") for v, shown in NO_DIGESTS),
    *(
        (released(checksum={"amd64": v}), f"release.checksum.amd64: {shown} is neither a digest")
        for v, shown in NO_DIGESTS
    ),
    (released(binaries=[""]), "release.binaries: '' must lie inside"),
    *(({"command": ["x", v]}, f"command[1]: {words}") for v, words in NO_TEXTS),
    *(({"requires": [v]}, f"requires[0]: {words}") for v, words in NO_TEXTS),
    ({"command": [""]}, "command: names no program"),
    ({"checks": [{"argv": []}]}, "checks[0].argv: is empty; give the program"),
    ({"checks": [{"argv": [""]}]}, "checks[0].argv: names no program"),
    ({"prepare": [{"name": "a", "argv": []}]}, "prepare[0].argv: is empty; give the program"),
    ({"unit": {"Service": {1: 1}}}, "unit.Service.1: is no directive name"),
    *(
        ({"unit": {"Service": {"Nice": [v]}}}, f"unit.Service.Nice: {shown} is no value")
        for v, shown in [(None, "null"), ([1], "[1]"), ({"a": 1}, "{'a': 1}")]
    ),
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


def test_ordinary_numbers_are_texts_where_texts_are_wanted() -> None:
    spec = parse(
        command=["/bin/web", 8080, 0.5],
        requires=[1],
        environment={"GOMAXPROCS": 2, "RATIO": 0.5},
        unit={
            "Service": {"Nice": 5, "LimitNOFILE": [1, "2"], "CPUWeight": None, "PrivateTmp": True}
        },
        checks=[{"argv": ["x", 1]}],
        prepare=[{"name": "a", "argv": ["x", 1], "depends": [1], "touches": ["/a"]}],
        **labelled(200),
        **released(arch={"amd64": 64, 386: 32}, checksum={386: "c"}),
    )
    assert (spec.command, spec.requires) == (("/bin/web", "8080", "0.5"), ("1",))
    assert spec.environment == {"GOMAXPROCS": "2", "RATIO": "0.5"}
    assert (spec.checks[0].argv, spec.prepare[0].argv) == (("x", "1"), ("x", "1"))
    assert spec.prepare[0].depends == ("1",)
    assert spec.release
    assert spec.release.arch_names == {"amd64": "64", "386": "32"}
    assert spec.release.checksum == {"386": "c"}
    metrics = spec.health.probes[0].metrics
    assert _metrics.faults(metrics, 'm{code="200"} 5\n', None) == ([], [])


RICH: Params = {
    **COMMAND,
    **released(arch={"amd64": "x"}, binaries=["web"]),
    "account": {"groups": ["adm"]},
    "files": [{"path": "a", "content": "x"}],
    "secrets": [{"path": "b", "generate": {"length": 3}}],
    "requires": ["a"],
    "checks": [{"argv": ["x"], "refuse": "y"}],
    "prepare": [{"name": "a", "argv": ["x"], "depends": ["a"], "touches": ["/a"]}],
    "environment": {"A": "x"},
    "unit": {"Service": {"Nice": ["1"]}},
    "health": {
        "probes": [{"url": "http://127.0.0.1/", "metrics": [{"name": "m", "labels": {"a": "b"}}]}]
    },
}
ODD = [5, 1.5, True, None, "", "a: [", [], [1], [None], [{}], {}, {"a": 1}, {"a": None}, {1: [2]}]


def variants(value: Any) -> Iterator[Any]:
    """The value with each of its parts replaced by each odd one."""
    yield from ODD
    if isinstance(value, dict):
        yield from ({**value, key: odd} for key in value for odd in variants(value[key]))
    if isinstance(value, list):
        yield from ([odd, *value[1:]] for odd in variants(value[0]))


def test_whatever_a_task_says_gives_a_daemon_or_a_sentence() -> None:
    validator = ArgumentSpecValidator(daemon.ARGUMENT_SPEC)
    daemons = 0
    for params in ({**RICH, key: odd} for key in RICH for odd in variants(RICH[key])):
        try:
            found = validator.validate(params)
        except TypeError:  # Ansible's own, at a number in the place of a dictionary
            continue
        if found.error_messages:
            continue
        try:
            spec = _parse.parse(found.validated_parameters)
        except SpecError as exc:
            assert all(re.match(r"[a-z]+[\w.\[\]]*( \([^)]*\))?: |/etc/", f) for f in exc.faults)
            continue
        _desired.build(spec, b"salt", {}, found.validated_parameters["health"] or {})
        assert _health.endpoints(spec.health) is not None
        for probe in spec.health.probes:
            _metrics.faults(probe.metrics, 'm{a="b"} 5', {})
        if spec.release:
            with suppress(DaemonError):
                _release.fault(spec.release, "x86_64")
        daemons += 1
    assert daemons > 100
