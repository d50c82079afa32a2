# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Grafana's database and secrets go together, and the record of the deployment with them."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.barehost.monitoring.plugins.module_utils.backup import _sqlite
from ansible_collections.barehost.monitoring.plugins.module_utils.backup._grafana import (
    Grafana,
)
from ansible_collections.barehost.monitoring.plugins.module_utils.backup._manifest import (
    Manifest,
)
from ansible_collections.barehost.monitoring.plugins.module_utils.backup._product import (
    Daemon,
)
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._errors import DaemonError
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._state import (
    Entry,
    digest,
)

WHO = {"owner": str(os.getuid()), "group": str(os.getgid()), "mode": 0o640}


def database(path: Path, *users: str, age: float = 0) -> None:
    """A database in SQLite's way of writing ahead."""
    path.parent.mkdir(parents=True, exist_ok=True)
    made = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(time.time() - age))
    with sqlite3.connect(path) as rows:
        rows.execute("pragma journal_mode=wal")
        rows.execute("create table user (login text, created text)")
        rows.executemany("insert into user values (?, ?)", [(user, made) for user in users])
    rows.close()


@pytest.fixture
def grafana(tmp_path: Path) -> Grafana:
    """Return a new Grafana, with two secrets that its host has made."""
    database(tmp_path / "lib/grafana.db", "admin")
    for name in ("admin_password", "secret_key"):
        path = tmp_path / "etc/secrets" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"new {name}")
    places = [str(tmp_path / "etc/secrets" / name) for name in ("admin_password", "secret_key")]
    return Grafana(str(tmp_path / "lib/grafana.db"), places, "")


def entries(grafana: Grafana, generated: bool = True) -> dict[str, Entry]:
    """What the record says about the secrets."""
    return {
        path: Entry(digest(Path(path).read_bytes()), secret=True, generated=generated, **WHO)  # type: ignore[arg-type]
        for path in grafana.secrets
    }


@pytest.fixture
def backup(tmp_path: Path) -> tuple[Manifest, str]:
    """Return the backup of another host."""
    data = tmp_path / "backup"
    database(data / "grafana.db", "admin", "somebody", age=99999)
    with sqlite3.connect(data / "grafana.db") as rows:
        rows.execute("pragma journal_mode=delete")
    rows.close()
    (data / "secrets").mkdir()
    for name in ("admin_password", "secret_key"):
        (data / "secrets" / name).write_text(f"old {name}")
    return Manifest("grafana", "web", "1", "h", "20261126T081500Z", {}, {"users": 2}), str(data)


def logins(path: str) -> list[str]:
    """Who is in a database."""
    with sqlite3.connect(path) as rows:
        found = [str(row[0]) for row in rows.execute("select login from user order by login")]
    rows.close()
    return found


def test_a_copy_holds_what_is_written_and_nothing_beside_it(
    daemon: Callable[..., Daemon], grafana: Grafana, tmp_path: Path
) -> None:
    writer = sqlite3.connect(grafana.database, isolation_level=None)
    writer.execute("insert into user values ('late', '')")  # still in the log beside the file
    writer.execute("begin")
    writer.execute("insert into user values ('unfinished', '')")
    target = tmp_path / "target"
    target.mkdir()
    assert grafana.save(daemon(), str(target), "", "") == {"users": 2}
    writer.close()
    assert logins(str(target / "grafana.db")) == ["admin", "late"]
    assert sorted(os.listdir(target)) == ["grafana.db", "secrets"]
    assert (target / "secrets/secret_key").read_text() == "new secret_key"
    modes = {path.stat().st_mode & 0o077 for path in target.rglob("*")}
    assert modes == {0}


@pytest.fixture
def stopped(grafana: Grafana) -> Grafana:
    """Return a Grafana that has ended as a real one does: what it wrote last is in the log beside the file."""
    writer = sqlite3.connect(grafana.database, isolation_level=None)
    writer.execute("insert into user values ('late', '')")
    place = Path(grafana.database)
    left = {path: path.read_bytes() for path in place.parent.glob(f"{place.name}*")}
    writer.close()
    for path, content in left.items():
        path.write_bytes(content)
    assert len(left) == 3
    return grafana


def test_a_copy_of_one_that_has_ended_holds_its_log(
    daemon: Callable[..., Daemon], stopped: Grafana, tmp_path: Path
) -> None:
    before, target = sorted(os.listdir(tmp_path / "lib")), tmp_path / "target"
    target.mkdir()
    assert stopped.save(daemon(), str(target), "", "") == {"users": 2}
    assert logins(str(target / "grafana.db")) == ["admin", "late"]
    assert sorted(os.listdir(tmp_path / "lib")) == before


def test_a_log_that_was_left_is_not_played_into_what_is_restored(
    daemon: Callable[..., Daemon], stopped: Grafana, backup: tuple[Manifest, str], machine: Any
) -> None:
    stopped.restore(daemon(True, **entries(stopped)), *backup)
    assert logins(stopped.database) == ["admin", "somebody"]


def test_a_damaged_database_is_told(daemon: Callable[..., Daemon], tmp_path: Path) -> None:
    (tmp_path / "grafana.db").write_bytes(b"no database" * 1000)
    with pytest.raises(DaemonError, match="grafana.db: file is not a database"):
        _sqlite.copy(str(tmp_path / "grafana.db"), str(tmp_path / "copy"))


def test_a_restore_brings_database_secrets_and_record(
    daemon: Callable[..., Daemon], grafana: Grafana, backup: tuple[Manifest, str], machine: Any
) -> None:
    web = daemon(**entries(grafana))
    assert grafana.check(web, *backup).faults == []
    grafana.restore(web, *backup)
    assert logins(grafana.database) == ["admin", "somebody"]
    record = web.store.record()
    for path in grafana.secrets:
        content = f"old {os.path.basename(path)}".encode()
        assert Path(path).read_bytes() == content
        assert Path(path).stat().st_mode & 0o777 == 0o640
        assert record and record.entries[path].digest == digest(content)
        assert web.store.get(digest(content)) == content
    assert machine.calls == ["stop", "restart"]
    assert ".barehost-restore" not in os.listdir(web.store.directory)


def test_what_is_not_healthy_is_taken_back_with_secrets_and_record(
    daemon: Callable[..., Daemon], grafana: Grafana, backup: tuple[Manifest, str], machine: Any
) -> None:
    web = daemon(**entries(grafana))
    before, machine.sick = web.store.record(), 1
    with pytest.raises(DaemonError, match="The data that was there before is back"):
        grafana.restore(web, *backup)
    assert logins(grafana.database) == ["admin"]
    assert Path(grafana.secrets[1]).read_text() == "new secret_key"
    assert web.store.record() == before


def test_a_secret_of_the_inventory_has_to_be_that_of_the_backup(
    daemon: Callable[..., Daemon], grafana: Grafana, backup: tuple[Manifest, str]
) -> None:
    web = daemon(**entries(grafana, generated=False))
    faults = grafana.check(web, *backup).faults
    assert [fault.split(" ")[0] for fault in faults] == grafana.secrets
    assert "is given by the inventory" in faults[0]


@pytest.mark.parametrize(
    ("age", "replaced", "refused"), [(60, False, False), (7200, False, True), (7200, True, False)]
)
def test_only_the_database_of_a_new_host_gives_way_unasked(
    daemon: Callable[..., Daemon],
    grafana: Grafana,
    backup: tuple[Manifest, str],
    age: float,
    replaced: bool,
    refused: bool,
) -> None:
    os.unlink(grafana.database)
    database(Path(grafana.database), "admin", age=age)
    faults = grafana.check(daemon(replaced, **entries(grafana)), *backup).faults
    assert bool(faults) is refused and ("barehost_restore_replace=true" in str(faults)) is refused


def test_another_database_is_left_to_its_own_means(
    daemon: Callable[..., Daemon], backup: tuple[Manifest, str]
) -> None:
    elsewhere = Grafana("", ["/etc/grafana/secrets/secret_key"], "postgres db1:5432 grafana")
    _actions, faults, _size = elsewhere.plan_save(daemon(), "/", "")
    for told in (faults, elsewhere.check(daemon(), *backup).faults):
        assert "postgres db1:5432 grafana" in told[0] and "pg_dump" in told[0]


@pytest.mark.parametrize("replaced", [False, True])
def test_a_look_at_a_grafana_that_stands_still_leaves_no_file_behind(
    daemon: Callable[..., Daemon], grafana: Grafana, backup: tuple[Manifest, str], replaced: bool
) -> None:
    """SQLite makes two files to read a database that is written ahead, and leaves them to a writer."""
    folder = Path(grafana.database).parent
    before = sorted(os.listdir(folder))
    assert grafana.check(daemon(replaced, **entries(grafana)), *backup).faults == []
    assert sorted(os.listdir(folder)) == before


def test_what_was_only_written_ahead_is_seen_too(tmp_path: Path) -> None:
    path = tmp_path / "grafana.db"
    database(path)
    writer = sqlite3.connect(path)
    writer.execute("insert into user values ('admin', '2026-11-26 08:00:00')")
    writer.commit()
    assert _sqlite.oldest_user(str(path)) == 1795680000
    writer.close()
    with sqlite3.connect(path) as rows:
        rows.execute("pragma journal_mode=delete")
    rows.close()
    assert _sqlite.oldest_user(str(path)) == 1795680000
