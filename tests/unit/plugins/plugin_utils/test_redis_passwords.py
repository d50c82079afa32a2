# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""redis_exporter finds a password only under its own spelling of the address."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import InputError
from ansible_collections.barehost.monitoring.plugins.plugin_utils._redis_passwords import (
    redis_passwords,
)

CASES = [
    ("redis://127.0.0.1:6379", "", "redis://127.0.0.1:6379"),
    ("127.0.0.1:6379", "", "redis://127.0.0.1:6379"),
    ("redis://127.0.0.1:6379", "exporter", "redis://exporter@127.0.0.1:6379"),
    ("127.0.0.1:6379", "exporter", "redis://exporter@127.0.0.1:6379"),
    ("rediss://db1.example.com:6380/2", "exporter", "rediss://exporter@db1.example.com:6380/2"),
    ("redis://[2001:db8::7]:6379", "", "redis://[2001:db8::7]:6379"),
    ("unix:///run/redis/redis.sock", "exporter", "unix://exporter@/run/redis/redis.sock"),
    ("redis://a:1", "a b@c/ü", "redis://a%20b%40c%2F%C3%BC@a:1"),
]


@pytest.mark.parametrize(("address", "username", "key"), CASES)
def test_key(address: str, username: str, key: str) -> None:
    assert redis_passwords("pw", address=address, username=username) == {key: "pw"}


def test_without_a_password_there_is_no_entry() -> None:
    assert redis_passwords("", address="redis://127.0.0.1:6379", username="exporter") == {}


@pytest.mark.parametrize(
    "address", ["", "http://a:1", "redis://", "a b", "redis://a b", "unix://x"]
)
def test_what_is_no_address_is_refused_even_without_a_password(address: str) -> None:
    with pytest.raises(InputError, match="redis_exporter_address: .* is no address"):
        redis_passwords("", address=address)


@pytest.mark.parametrize("address", ["redis://exporter@a:1", "redis://:hunter2@a:1"])
def test_a_login_in_the_address_is_refused_and_not_shown(address: str) -> None:
    with pytest.raises(InputError, match="give redis_exporter_username") as caught:
        redis_passwords("", address=address)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("value", [None, 1234567, True, ["hunter2"], {"a": "hunter2"}])
def test_other_types_are_refused_and_not_shown(value: Any) -> None:
    with pytest.raises(InputError, match="redis_exporter_password: is .*, not a string") as caught:
        redis_passwords(value, address="redis://a:1")
    assert "hunter2" not in str(caught.value)
    assert "1234567" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "path", "right"),
    [
        ({"flags": {"redis.password": "hunter2"}}, "flags.redis.password", "_password"),
        ({"flags": {"redis.password": ["hunter2"]}}, "flags.redis.password", "_password"),
        ({"flags": {"redis.addr": "redis://:hunter2@a:1"}}, "flags.redis.addr", "_address"),
        (
            {"flags": {"basic-auth-password": "hunter2"}},
            "flags.basic-auth-password",
            "basic-auth-hash-password",
        ),
        (
            {"environment": {"REDIS_PASSWORD": "hunter2"}},
            "environment.REDIS_PASSWORD",
            "_password",
        ),
        (
            {"environment": {"REDIS_ADDR": "redis://x:hunter2@a:1"}},
            "environment.REDIS_ADDR",
            "_address",
        ),
        (
            {"environment": {"REDIS_EXPORTER_BASIC_AUTH_PASSWORD": "hunter2"}},
            "environment.REDIS_EXPORTER_BASIC_AUTH_PASSWORD",
            "basic-auth-hash-password",
        ),
    ],
)
def test_a_readable_secret_is_refused_and_not_shown(given: Any, path: str, right: str) -> None:
    with pytest.raises(InputError, match=rf"^redis_exporter_{path}: .*{right}") as caught:
        redis_passwords("", address="redis://a:1", **given)
    assert "hunter2" not in str(caught.value)


def test_other_flags_and_variables_are_let_through() -> None:
    flags = {"redis.password": None, "redis.addr": "redis://b:1", "basic-auth-hash-password": "x"}
    environment = {"REDIS_PASSWORD_FILE": "/etc/x", "GOMAXPROCS": "2", "REDIS_PASSWORD": ""}
    given = {"flags": flags, "environment": environment}
    assert redis_passwords("pw", address="a:1", **given) == {"redis://a:1": "pw"}


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(InputError) as caught:
        redis_passwords(None, address=None, username=None, flags={"redis.password": "x"})
    assert len(caught.value.faults) == 4
