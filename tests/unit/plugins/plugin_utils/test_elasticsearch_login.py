# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""elasticsearch_exporter logs in by a file of arguments, and by nothing that others read."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from ansible_collections.barehost.monitoring.plugins.plugin_utils._elasticsearch_login import (
    elasticsearch_login,
)
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import InputError

HERE = "http://127.0.0.1:9200"
CASES = [
    (HERE, "ada", "pw", "http://ada:pw@127.0.0.1:9200"),
    ("https://es1.example.com", "ada", "pw", "https://ada:pw@es1.example.com"),
    ("https://[2001:db8::7]:9200/es", "ada", "pw", "https://ada:pw@[2001:db8::7]:9200/es"),
    (HERE, "a b", "/%:@?#\"'\n\\ü", None),
]


@pytest.mark.parametrize(("address", "username", "password", "uri"), CASES)
def test_the_login_stands_in_the_address(
    address: str, username: str, password: str, uri: str | None
) -> None:
    text = elasticsearch_login(password, address=address, username=username)
    flag, _sign, found = text.partition("=")
    assert (flag, found[-1], text.count("\n")) == ("--es.uri", "\n", 1)
    parts = urlsplit(found.strip())
    assert uri in (None, found.strip())
    assert (unquote(parts.username or ""), unquote(parts.password or "")) == (username, password)
    assert parts.hostname == urlsplit(address).hostname


def test_without_a_login_there_is_no_file() -> None:
    assert elasticsearch_login("", address=HERE) == ""


@pytest.mark.parametrize("address", ["", "127.0.0.1:9200", "redis://a:1", "http://", "http://a b"])
def test_what_is_no_address_is_refused_even_without_a_login(address: str) -> None:
    with pytest.raises(InputError, match="elasticsearch_exporter_address: .* is no address"):
        elasticsearch_login("", address=address)


def test_a_login_in_the_address_is_refused_and_not_shown() -> None:
    with pytest.raises(InputError, match="give elasticsearch_exporter_username") as caught:
        elasticsearch_login("", address="http://ada:hunter2@a:1")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("username", "password", "missing"), [("ada", "", "password"), ("", "hunter2", "username")]
)
def test_half_a_login_is_refused(username: str, password: str, missing: str) -> None:
    with pytest.raises(InputError, match=f"elasticsearch_exporter_{missing}: is empty") as caught:
        elasticsearch_login(password, address=HERE, username=username)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("value", [None, 1234567, True, ["hunter2"], {"a": "hunter2"}])
def test_other_types_are_refused_and_not_shown(value: Any) -> None:
    with pytest.raises(InputError, match="_password: is .*, not a string") as caught:
        elasticsearch_login(value, address=HERE, username="ada")
    assert "hunter2" not in str(caught.value)
    assert "1234567" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"flags": {"es.uri": "http://ada:hunter2@a:1"}}, "flags.es.uri"),
        ({"environment": {"ES_PASSWORD": "hunter2"}}, "environment.ES_PASSWORD"),
        ({"environment": {"ES_API_KEY": "hunter2"}}, "environment.ES_API_KEY"),
        ({"environment": {"AWS_SECRET_ACCESS_KEY": "x"}}, "environment.AWS_SECRET_ACCESS_KEY"),
    ],
)
def test_a_readable_secret_is_refused_and_not_shown(given: Any, path: str) -> None:
    with pytest.raises(InputError, match=f"^elasticsearch_exporter_{path}: ") as caught:
        elasticsearch_login("", address=HERE, **given)
    assert "hunter2" not in str(caught.value)


def test_other_flags_and_variables_are_let_through() -> None:
    given = {"flags": {"es.all": True, "es.uri": None}, "environment": {"GOMAXPROCS": "2"}}
    assert elasticsearch_login("", address=HERE, **given) == ""


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(InputError) as caught:
        elasticsearch_login(None, address=None, username=None, flags={"es.uri": "x"})
    assert len(caught.value.faults) == 4
