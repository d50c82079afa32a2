# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""postgres_exporter beside a real PostgreSQL: by the socket as itself, and with a password."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

BY_SOCKET = "postgres_exporter"
BY_PASSWORD = "postgres-exporter-tcp"
PAGES = {
    BY_SOCKET: "http://127.0.0.1:9187/metrics",
    BY_PASSWORD: "http://127.0.0.1:9188/metrics",
}
README = Path(__file__).parents[3] / "roles/postgres_exporter/README.md"

each_exporter = pytest.mark.parametrize("unit", PAGES)


def pid(host: Any, unit: str) -> str:
    """Return the number of the exporter's process."""
    return str(host.check_output("systemctl show -P MainPID %s", unit))


def query(host: Any, user: str, statement: str) -> str:
    """Return what PostgreSQL answers to a system user, or why it refuses."""
    arguments = "--no-psqlrc --tuples-only --no-align --dbname=postgres --command=%s"
    done = host.run(f"runuser -u %s -- psql {arguments}", user, statement)
    return str(done.stdout + done.stderr).strip()


@each_exporter
def test_postgresql_answers_every_collector(ask: Any, eventually: Any, unit: str) -> None:
    # At the first scrape after a restart of PostgreSQL it still holds the old connection.
    assert eventually(lambda: ask.metrics(PAGES[unit])["pg_up"] == 1)
    metrics = ask.metrics(PAGES[unit])
    assert metrics["pg_exporter_last_scrape_error"] == 0
    collectors = {n: v for n, v in metrics.items() if n.startswith("pg_scrape_collector_success")}
    assert len(collectors) > 5
    assert [name for name, value in collectors.items() if value != 1] == []
    assert metrics['pg_database_size_bytes{datname="postgres"}'] > 1_000_000


@each_exporter
def test_the_journal_holds_no_complaint(host: Any, ask: Any, eventually: Any, unit: str) -> None:
    host.check_output("systemctl restart %s", unit)
    run = host.check_output("systemctl show -P InvocationID %s", unit)
    wanted = f"_SYSTEMD_INVOCATION_ID={run}"
    reads = "journalctl --no-pager --output=cat %s"
    assert eventually(lambda: "Listening on" in host.check_output(reads, wanted))
    assert ask.metrics(PAGES[unit])["pg_up"] == 1
    said = host.check_output(reads, wanted)
    assert [line for line in said.splitlines() if re.search("level=(WARN|ERROR)", line)] == []


def test_statistics_follow_what_clients_do(host: Any, ask: Any, eventually: Any) -> None:
    series = 'pg_stat_database_tup_inserted{datid="5",datname="postgres"}'
    before = ask.metrics(PAGES[BY_SOCKET])[series]
    query(host, "postgres", "INSERT INTO customers SELECT 'x' FROM generate_series(1, 1000)")
    assert eventually(lambda: ask.metrics(PAGES[BY_SOCKET])[series] >= before + 1000)


def test_the_commands_are_those_of_the_readme() -> None:
    text = README.read_text()
    assert "CREATE ROLE postgres_exporter LOGIN" in text
    assert "GRANT pg_monitor TO postgres_exporter" in text


def test_the_role_is_no_superuser(host: Any) -> None:
    facts = "rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls"
    found = query(host, "postgres", f"SELECT {facts} FROM pg_roles WHERE rolname = '{BY_SOCKET}'")
    assert found == "f|f|f|f|f"


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM customers",
        "INSERT INTO customers VALUES ('x')",
        "CREATE TABLE mine (name text)",
        "SELECT rolpassword FROM pg_authid",
        "SELECT pg_read_file('/etc/hostname')",
        "ALTER SYSTEM SET work_mem = '1GB'",
    ],
)
def test_the_role_may_neither_read_nor_change(host: Any, statement: str) -> None:
    assert "permission denied" in query(host, BY_SOCKET, statement)


@each_exporter
def test_the_password_is_found_nowhere(readable: Any, unit: str) -> None:
    assert readable(unit) == []


def test_the_search_for_the_password_finds_what_is_there(readable: Any) -> None:
    found = readable(BY_PASSWORD, "DATA_SOURCE_PASS_FILE=")
    assert f"DATA_SOURCE_PASS_FILE=/run/credentials/{BY_PASSWORD}.service/password" in found


@each_exporter
def test_a_postgresql_that_is_down_is_told(host: Any, ask: Any, eventually: Any, unit: str) -> None:
    before = pid(host, unit)
    # The service of this name only stands for those of the clusters, and does not wait for them.
    host.check_output("systemctl stop postgresql 'postgresql@*'")
    try:
        assert ask.metrics(PAGES[unit])["pg_up"] == 0
    finally:
        host.check_output("systemctl start postgresql")
    assert eventually(lambda: ask.metrics(PAGES[unit])["pg_up"] == 1)
    assert pid(host, unit) == before


def test_a_wrong_password_is_told_and_not_shown(host: Any, ask: Any, readable: Any) -> None:
    old = query(host, "postgres", "SELECT rolpassword FROM pg_authid WHERE rolname = 'reader'")
    query(host, "postgres", "ALTER ROLE reader PASSWORD 'another'")
    closing = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'reader'"
    query(host, "postgres", closing)
    try:
        metrics = ask.metrics(PAGES[BY_PASSWORD])
    finally:
        query(host, "postgres", f"ALTER ROLE reader PASSWORD '{old}'")
    assert metrics["pg_up"] == 0
    said = host.check_output("journalctl --no-pager --unit %s", BY_PASSWORD)
    assert "password authentication failed" in said
    assert readable(BY_PASSWORD) == []
    assert ask.metrics(PAGES[BY_PASSWORD])["pg_up"] == 1


@each_exporter
def test_it_runs_unprivileged(host: Any, unit: str) -> None:
    status = host.file(f"/proc/{pid(host, unit)}/status").content_string
    assert re.search(r"^CapEff:\s+0+$", status, re.MULTILINE)
    assert host.file(f"/proc/{pid(host, unit)}").user == unit


@each_exporter
def test_the_unit_is_sealed(exposure: Any, unit: str) -> None:
    assert exposure(unit) <= 1.1
