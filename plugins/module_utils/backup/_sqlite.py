# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SQLite databases, copied and looked at while their daemon writes to them."""

from __future__ import annotations

import os
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from ..daemon._errors import DaemonError

if TYPE_CHECKING:
    import sqlite3

_PATIENCE = 30  # seconds to wait for the daemon's own writing


@contextmanager
def opened(path: str, mode: str = "ro") -> Iterator[sqlite3.Connection]:
    """Open a database that is there. Raises DaemonError with SQLite's own words."""
    try:
        import sqlite3
    except ImportError:  # a Python that was built without it
        raise DaemonError(
            "this host's Python has no sqlite3, which reads Grafana's database while Grafana writes "
            "to it. Install it (Debian: libpython3-stdlib, RHEL: python3-libs), or name another "
            "Python in ansible_python_interpreter"
        ) from None
    if not os.path.isfile(path):
        raise DaemonError(f"{path} is missing: is it there that Grafana keeps its database?")
    try:
        address = f"file:{urllib.parse.quote(path)}?mode={mode}"
        connection = sqlite3.connect(address, uri=True, timeout=_PATIENCE)
        try:
            yield connection
        finally:
            connection.close()
    except sqlite3.Error as exc:
        raise DaemonError(f"{path}: {exc}") from None


def copy(source: str, target: str) -> None:
    """Copy a database as of one moment, and prove the copy sound. Its writers wait for an instant."""
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    with opened(source) as live:
        live.execute("pragma schema_version").fetchone()  # what is no database says so itself
        with opened(target, "rw") as made:
            live.backup(made)
    with opened(target, "rw") as made:
        made.execute("pragma journal_mode=delete")  # one file, with nothing beside it
        said = made.execute("pragma integrity_check").fetchone()[0]
    if said != "ok":
        raise DaemonError(f"{source} is damaged, so its copy is: {said}")
    with open(target, "rb+") as file:
        os.fsync(file.fileno())


def count(path: str, table: str) -> int:
    """The rows of a table; -1 when there is none of that name."""
    with opened(path) as database:
        known = "select 1 from sqlite_master where type = 'table' and name = ?"
        if not database.execute(known, (table,)).fetchone():
            return -1
        return int(database.execute(f'select count(*) from "{table}"').fetchone()[0])


def oldest_user(path: str) -> float | None:
    """When the first user was made, in seconds since the epoch: nothing where that is not told."""
    with opened(path, _unseen(path)) as database:
        columns = {str(row[1]) for row in database.execute("pragma table_info('user')")}
        if "created" not in columns:
            return None
        return _moment(database.execute("select min(created) from user").fetchone()[0])


def _unseen(path: str) -> str:
    """How to read a database without leaving files beside it.

    A database that is written ahead, with nothing ahead of it, is open nowhere: nobody changes it.
    """
    if os.path.isfile(path) and not os.path.exists(f"{path}-wal"):
        with open(path, "rb") as file:
            if file.read(20)[18:] == b"\x02\x02":  # the head's formats of writing and reading
                return "ro&immutable=1"
    return "ro"


def _moment(text: Any) -> float | None:
    try:
        moment = datetime.strptime(str(text)[:19].replace("T", " "), "%Y-%m-%d %H:%M:%S")
    except ValueError:
        return None
    return moment.replace(tzinfo=timezone.utc).timestamp()
