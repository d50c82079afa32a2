# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role grafana with a real PostgreSQL on the same host, as an operator sets it up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from integration.support.grafana import PASSWORD, Grafana
from integration.support.host import Host, booted

# Every letter that means something to a shell, an address, grafana.ini or a connection string.
SECRET = "planted-\"$HOME'${x}%40%s#;:=&@/?*~`|<>!"
DATABASE = {
    "type": "postgres",
    "host": "127.0.0.1:5432",
    "name": "grafana",
    "user": "grafana",
    "ssl_mode": "disable",
}
POSTGRES: dict[str, Any] = {"grafana_database": DATABASE, "grafana_database_password": SECRET}


def sql(host: Host, text: str, database: str = "postgres") -> str:
    """Ask PostgreSQL as its administrator."""
    command = ("psql", "-XAtq", "--set=ON_ERROR_STOP=1", f"--dbname={database}")
    return host.run(*command, user="postgres", stdin=text.encode()).stdout.strip()


def migrations(host: Host) -> int:
    """Return how many migrations Grafana has noted in PostgreSQL; -1 before the first."""
    if not sql(host, "SELECT to_regclass('migration_log')", "grafana"):
        return -1
    return int(sql(host, "SELECT count(*) FROM migration_log", "grafana"))


@pytest.fixture(scope="module")
def server(prefix: str) -> Iterator[Host]:
    """Start PostgreSQL on a host of its own, with a role for Grafana."""
    with booted(f"{prefix}-grafana-postgres", "bookworm") as host:
        host.run("systemctl", "start", "postgresql")
        sql(host, f"CREATE ROLE grafana LOGIN PASSWORD $p${SECRET}$p$")
        yield host


@pytest.fixture
def grafana(server: Host, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grafana]:
    """Return one that is not deployed yet, with an empty database."""
    sql(server, "CREATE DATABASE grafana OWNER grafana")
    deployed = Grafana(server, tmp_path_factory.mktemp("grafana"))
    yield deployed
    deployed.apply(grafana_state="absent", grafana_purge=True)
    sql(server, "DROP DATABASE grafana WITH (FORCE)")


def told(host: Host) -> list[str]:
    """Name the places where a planted secret can be read by others than root and Grafana."""
    places = {
        "arguments and environment": "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null",
        "unit": "systemctl show grafana; systemctl cat grafana",
        "journal": "journalctl --no-pager",
        "readable files": "find / -xdev -type f -perm -o=r -newer /etc/machine-id -size -9M"
        " -not -path '/proc/*' -not -path '/sys/*' -exec cat {} +",
        "record": "cat /var/lib/barehost/grafana/*.json",
        "settings": "cat /etc/grafana/grafana.ini",
    }
    # The pattern does not match itself in the command that looks for it.
    look = "({}) | tr '\\0' '\\n' | grep -aq 'planted[-]' && echo found || true"
    return [place for place, command in places.items() if host.sh(look.format(command))]


def test_grafana_keeps_everything_in_postgresql(grafana: Grafana) -> None:
    """The first run migrates it and sets the password; a second changes nothing, nobody is told."""
    host = grafana.host
    done = grafana.run("-vvv", "--diff", **POSTGRES)
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    assert "planted-" not in output
    assert migrations(host) > 0
    assert not host.exists("/var/lib/grafana/grafana.db")
    assert grafana.lets_in(grafana.password)
    assert not grafana.lets_in("admin")
    before = grafana.state()
    assert not grafana.apply(**POSTGRES)
    assert grafana.state() == before
    assert told(host) == []
    assert "postgresql.service" in host.show("grafana.service", "After")["After"].split()


def test_it_moves_from_sqlite_and_nothing_but_the_password_comes_along(grafana: Grafana) -> None:
    """The old file stays; the administrator of the new database has the password of the host."""
    grafana.apply()
    password = grafana.password
    assert grafana.apply(**POSTGRES)
    assert migrations(grafana.host) > 0
    assert grafana.password == password
    assert grafana.lets_in(password)
    assert grafana.host.exists("/var/lib/grafana/grafana.db")


def test_by_the_socket_it_needs_no_password(grafana: Grafana) -> None:
    """PostgreSQL knows the service's account from within its sandbox."""
    database = {**DATABASE, "host": "/var/run/postgresql"}
    grafana.apply(grafana_database=database)
    assert migrations(grafana.host) > 0
    assert grafana.lets_in(grafana.password)


WRONG: list[tuple[str, dict[str, Any], str]] = [
    (
        "password",
        {"grafana_database": DATABASE, "grafana_database_password": "planted-another"},
        'password authentication failed for user "grafana"',
    ),
    (
        "database",
        {**POSTGRES, "grafana_database": {**DATABASE, "name": "nowhere"}},
        'database "nowhere" does not exist',
    ),
    (
        "port",
        {**POSTGRES, "grafana_database": {**DATABASE, "host": "127.0.0.1:5999"}},
        "127.0.0.1:5999: connect: connection refused",
    ),
]


@pytest.mark.parametrize(
    ("variables", "words"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG]
)
def test_a_database_that_does_not_let_it_in_is_told_and_sqlite_serves_on(
    grafana: Grafana, variables: dict[str, Any], words: str
) -> None:
    """The words are Grafana's own; the service that ran before is back with its data."""
    grafana.apply()
    made = {"name": "by hand", "uid": "by_hand", "type": "prometheus", "access": "proxy"}
    made["url"] = "http://127.0.0.1:9"
    assert grafana.ask("/api/datasources", grafana.login, "POST", made)[0] == 200
    files = grafana.state()[1]
    text = " ".join(grafana.refuse(**variables).replace('\\"', '"').split())
    assert words in text.replace("\\", "")
    assert "is back and healthy" in text
    assert "planted-" not in text
    assert grafana.state()[1] == files
    assert migrations(grafana.host) == -1
    assert grafana.ask("/api/datasources/uid/by_hand", grafana.login)[0] == 200
    assert told(grafana.host) == []


def test_a_password_that_postgresql_no_longer_takes_is_taken_back(grafana: Grafana) -> None:
    """Nothing but the password changes: a failed start brings back the one that works."""
    grafana.apply(**POSTGRES)
    text = grafana.refuse(**{**POSTGRES, "grafana_database_password": "planted-another"})
    assert "password authentication failed for user" in text
    assert "is back and healthy" in " ".join(text.split())
    assert "planted-" not in text
    assert grafana.lets_in(grafana.password)
    grafana.apply(**POSTGRES)
    assert not grafana.apply(**POSTGRES)


def test_a_failed_deployment_brings_back_the_administrators_password(grafana: Grafana) -> None:
    """It lies in PostgreSQL, which no roll-back restores: it is set again."""
    grafana.apply(**POSTGRES)
    old = grafana.password
    source = {"name": "A", "uid": "a", "type": "prometheus", "url": "http://127.0.0.1:9"}
    text = grafana.refuse(
        **POSTGRES,
        grafana_admin_password="planted-of-a-failure",
        grafana_datasources=[source],
        grafana_health={"timeout": 15},
    )
    assert "is back and healthy" in " ".join(text.split())
    assert grafana.password == old
    assert grafana.lets_in(old)
    grafana.apply(**POSTGRES)
    assert not grafana.apply(**POSTGRES)


def test_a_password_that_grafana_would_take_apart_is_refused(grafana: Grafana) -> None:
    """It passes it on in a text in which a blank means something, and would tell the rest."""
    text = grafana.refuse(grafana_database=DATABASE, grafana_database_password="planted- 1")
    words = "grafana_database_password: holds a blank, a backslash or a quote"
    assert words in " ".join(text.split())
    assert "planted-" not in text
    assert not grafana.host.exists(PASSWORD)
