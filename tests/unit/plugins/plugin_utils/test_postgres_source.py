# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""postgres_exporter is told where its database is, and everybody may read that."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import InputError
from ansible_collections.barehost.monitoring.plugins.plugin_utils._postgres_source import (
    postgres_source,
)

SOCKET = "/var/run/postgresql"
TLS = {"sslmode": "verify-full", "sslrootcert": "/etc/ssl/ca.pem"}


def source(host: Any, password: Any = "", options: Any = None, **changed: Any) -> dict[str, str]:
    """Describe a database with few words."""
    settings = {"port": 5432, "database": "postgres", "username": "reader", **changed}
    return postgres_source(host, password=password, options=options, **settings)


def name(text: str) -> dict[str, str]:
    """Return the variable of a login without a password."""
    return {"DATA_SOURCE_NAME": text}


def uri(text: str) -> dict[str, str]:
    """Return the variables of a login with a password."""
    return {"DATA_SOURCE_URI": text, "DATA_SOURCE_USER": "reader"}


CASES = [
    (SOCKET, "", None, name(f"host={SOCKET} port=5432 user=reader dbname=postgres")),
    (
        "db1",
        "",
        TLS,
        name(
            "host=db1 port=5432 user=reader dbname=postgres "
            "sslmode=verify-full sslrootcert=/etc/ssl/ca.pem"
        ),
    ),
    ("[::1]", "", None, name("host=::1 port=5432 user=reader dbname=postgres")),
    ("127.0.0.1", "pw", None, uri("127.0.0.1:5432/postgres")),
    ("[2001:db8::7]", "pw", None, uri("[2001:db8::7]:5432/postgres")),
    ("db1", "pw", TLS, uri("db1:5432/postgres?sslmode=verify-full&sslrootcert=/etc/ssl/ca.pem")),
    (SOCKET, "pw", None, uri(f"/postgres?host={SOCKET}&port=5432")),
]


@pytest.mark.parametrize(("host", "password", "options", "wanted"), CASES)
def test_variables(host: str, password: str, options: Any, wanted: dict[str, str]) -> None:
    assert source(host, password, options) == wanted


def test_the_password_is_in_no_variable() -> None:
    assert "hunter2" not in str(source("db1", "hunter2", TLS))


@pytest.mark.parametrize("password", ["hunter2 x", "hunter2\n", "\thunter2", "hunter2\u00a0"])
def test_a_password_with_a_blank_is_refused_and_not_shown(password: str) -> None:
    with pytest.raises(InputError, match="postgres_exporter_password: holds a blank") as caught:
        source(SOCKET, password)
    assert "hunter2" not in str(caught.value)


def test_a_password_in_the_host_is_not_shown() -> None:
    with pytest.raises(InputError, match="postgres_exporter_host: is more than a host") as caught:
        source("postgresql://reader:hunter2@db1")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DATA_SOURCE_PASS", "hunter2"),
        ("DATA_SOURCE_NAME", "host=db1 user=reader password=hunter2"),
        ("DATA_SOURCE_NAME", "host=db1 sslpassword = 'hunter2'"),
        ("DATA_SOURCE_NAME", "postgresql://reader:hunter2@db1:5432/postgres"),
        ("DATA_SOURCE_NAME", "postgresql://a@db1/x,postgresql://reader:hunter2/@db2/x"),
        ("DATA_SOURCE_URI", "reader:hunter2@db1:5432/postgres"),
        ("DATA_SOURCE_URI", "db1/postgres?sslmode=disable&password=hunter2"),
    ],
)
def test_a_password_in_the_environment_is_refused_and_not_shown(variable: str, value: str) -> None:
    path = f"^postgres_exporter_environment.{variable}: .* give postgres_exporter_"
    with pytest.raises(InputError, match=path) as caught:
        source("db1", environment={variable: value})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "value",
    [
        "host=/run/postgresql user=reader",
        "postgresql://reader@db1:5432/postgres?sslmode=disable",
        "postgresql://db1:5432/postgres?user=reader@example",
        "host=db1 passfile=/etc/pgpass",
    ],
)
def test_an_address_without_a_password_is_fine(value: str) -> None:
    environment = {"DATA_SOURCE_NAME": value, "DATA_SOURCE_PASS_FILE": "/etc/x"}
    assert "DATA_SOURCE_NAME" in source("db1", environment=environment)


@pytest.mark.parametrize("password", ["p@%\"$#/?\\=:+&['ü"])
def test_every_other_sign_is_fine(password: str) -> None:
    assert source("db1", password) == uri("db1:5432/postgres")


@pytest.mark.parametrize(
    ("changed", "path"),
    [
        ({"host": ""}, "postgres_exporter_host"),
        ({"host": "db1:5432"}, "postgres_exporter_host"),
        ({"host": "a,b"}, "postgres_exporter_host"),
        ({"host": "/run/a b"}, "postgres_exporter_host"),
        ({"host": None}, "postgres_exporter_host"),
        ({"host": "db1", "port": 0}, "postgres_exporter_port"),
        ({"host": "db1", "port": "5432x"}, "postgres_exporter_port"),
        ({"host": "db1", "database": "a b"}, "postgres_exporter_database"),
        ({"host": "db1", "username": ""}, "postgres_exporter_username"),
        ({"host": "db1", "password": 5}, "postgres_exporter_password"),
        ({"host": "db1", "options": []}, "postgres_exporter_options"),
        ({"host": "db1", "options": {"ssl mode": "x"}}, "postgres_exporter_options"),
        ({"host": "db1", "options": {"sslmode": True}}, "postgres_exporter_options.sslmode"),
        ({"host": "db1", "options": {"password": "x"}}, "postgres_exporter_options.password"),
        ({"host": "db1", "options": {"host": "db2"}}, "postgres_exporter_options.host"),
        ({"host": "db1", "options": {"user": "x"}}, "postgres_exporter_options.user"),
    ],
)
def test_a_fault_is_told_by_the_name_of_the_variable(changed: dict[str, Any], path: str) -> None:
    with pytest.raises(InputError, match=f"^{path}: "):
        source(**changed)


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(InputError) as caught:
        source("a b", "a b", [], port=0, database="", username="")
    assert len(caught.value.faults) == 6
