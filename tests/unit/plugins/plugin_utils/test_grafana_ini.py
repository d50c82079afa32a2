# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""grafana.ini: written so that Grafana's parser reads what was meant, or refused."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.barehost.monitoring.plugins.plugin_utils import _grafana_ini
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import InputError

sys.path.insert(0, str(Path(__file__).parents[3] / "standins" / "grafana"))
from standin import ini  # noqa: E402  (reads the dialect as a real Grafana was seen to)

VALUES = [
    *[
        "plain",
        "a/b:c@d,e+f-g",
        "ab#cd",
        "ab;cd",
        "a b",
        " a ",
        'a"b',
        '"a"',
        "'a'",
        'a"""b',
        'ab"',
    ],
    *["back\\", "a=b=c", "`tick`", "$NONCE 'self'", "$HOME", "ä", "line\nbreak", "100%"],
]


def text(**keys: Any) -> str:
    return _grafana_ini.grafana_ini({"smtp": keys})


@pytest.mark.parametrize("value", VALUES)
def test_a_value_is_read_as_it_was_given(value: str) -> None:
    written = text(before="x", user=value, after="y")
    assert ini.parse(written, "")["smtp"] == {"before": "x", "user": value, "after": "y"}


@pytest.mark.parametrize(
    ("value", "line"),
    [
        (True, "key = true"),
        (False, "key = false"),
        (3000, "key = 3000"),
        (0.5, "key = 0.5"),
        ("$__file{/etc/grafana/secrets/x}", "key = $__file{/etc/grafana/secrets/x}"),
        ("$__file{/srv/a #b}", 'key = """$__file{/srv/a #b}"""'),
    ],
)
def test_switches_numbers_and_files(value: Any, line: str) -> None:
    assert text(key=value).splitlines()[2] == line


@pytest.mark.parametrize("value", [True, False, "true", "false"])
def test_a_switch_about_tokens_is_no_secret(value: Any) -> None:
    written = _grafana_ini.grafana_ini({"auth.okta": {"use_refresh_token": value}})
    assert f"use_refresh_token = {str(value).lower()}\n" in written


def test_null_leaves_out() -> None:
    sections = {"smtp": {"user": None, "host": "x"}, "users": None}
    assert "user" not in _grafana_ini.grafana_ini(sections)


def test_keys_without_a_section_come_first() -> None:
    lines = _grafana_ini.grafana_ini({"smtp": {"host": "x"}, "DEFAULT": {"app_mode": "y"}})
    assert lines.splitlines()[1:] == ["app_mode = y", "", "[smtp]", "host = x"]


REFUSED: list[tuple[Any, str]] = [
    ([], "config: [] is a list, not a dictionary of sections"),
    (
        {"sever": {}},
        'config.sever: Grafana knows no such section and would ignore it; did you mean "server"?',
    ),
    ({"auth.anonymus": {}}, 'did you mean "auth.anonymous"?'),
    ({"a]b": {}}, 'config: "a]b" is no section name (example: auth.proxy)'),
    ({1: {}}, "config: 1 is no section name"),
    ({"smtp": "x"}, 'config.smtp: "x" is a string, not a dictionary of keys'),
    ({"smtp": {"a:b": 1}}, 'config.smtp: "a:b" is no key'),
    ({"smtp": {"host": ""}}, "config.smtp.host: is empty, which Grafana ignores"),
    ({"smtp": {"host": ["a"]}}, 'config.smtp.host: ["a"] is a list; lists are written as one text'),
    ({"smtp": {"host": "a\x07"}}, "config.smtp.host: holds a control character"),
    (
        {"server": {"root_url": "%(protocol)s://x"}},
        "config.server.root_url: holds %(, in whose place",
    ),
    (
        {"smtp": {"password": "hunter22"}},
        "config.smtp.password: a secret would be readable in every",
    ),
    (
        {"auth.github": {"client_secret": "x"}},
        "config.auth.github.client_secret: a secret would be",
    ),
    (
        {"database": {"url": "postgres://u:p@h/d"}},
        "config.database.url: a secret would be readable",
    ),
    ({"remote_cache": {"connstr": "addr=x,password=y"}}, "config.remote_cache.connstr: a secret"),
    ({"smtp": {"host": 'a"""\nb'}}, "config.smtp.host: holds a line break and three double quotes"),
    ({"smtp": {"host": float("nan")}}, "config.smtp.host: NaN is no number that Grafana reads"),
    (
        {"external_image_storage.azure_blob": {"account_key": "hunter22"}},
        "config.external_image_storage.azure_blob.account_key: a secret would be readable",
    ),
    ({"auth.saml": {"private_key": "x"}}, "config.auth.saml.private_key: a secret would be"),
    ({"database": {"password": "hunter22"}}, "config.database.password: a secret "),
    ({"database": {"password": "hunter22"}}, "set database_password"),
    (
        {"server": {"root_url": "grafana.example.com/"}},
        'config.server.root_url: "grafana.example.com/" is no address of a web server; '
        "set external_url (example: https://example.com/grafana)",
    ),
    ({"server": {"root_url": "http://2001:db8::7:3000/"}}, "config.server.root_url: "),
    (
        {"security": {"admin_password": "x"}},
        "counts at the very first start alone; set admin_password",
    ),
]


@pytest.mark.parametrize(("sections", "message"), REFUSED)
def test_what_grafana_would_misread_is_refused(sections: Any, message: str) -> None:
    with pytest.raises(InputError) as caught:
        _grafana_ini.grafana_ini(sections)
    assert message in str(caught.value)
    assert "hunter22" not in str(caught.value)


def test_all_faults_come_at_once() -> None:
    with pytest.raises(InputError) as caught:
        _grafana_ini.grafana_ini({"sever": {"a:b": 1}, "smtp": {"host": ""}})
    assert len(caught.value.faults) == 3


@pytest.mark.parametrize("name", ["plugin.some-app", "auth.keycloak", "my.own"])
def test_sections_that_nobody_knows_pass(name: str) -> None:
    assert f"[{name}]" in _grafana_ini.grafana_ini({name: {"a": 1}})


def test_no_variable_overrides_the_file() -> None:
    with pytest.raises(InputError, match=r"environment.GF_USERS_ALLOW_SIGN_UP: would override"):
        _grafana_ini.grafana_ini({}, environment={"GF_USERS_ALLOW_SIGN_UP": "true", "A": "1"})
