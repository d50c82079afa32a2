# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What it keeps: users, sessions, data sources, folders and dashboards, in grafana.db."""

import hashlib
import json
import os
import secrets
import sqlite3
import threading
import time
from typing import Any

from standin import Refused, postgres

_TABLES = """
create table if not exists user (
  id integer primary key, login text unique, salt text, hash text, created text);
create table if not exists session (token text primary key, user integer);
create table if not exists attempt (login text, at real);
create table if not exists data_source (
  uid text primary key, name text unique, read_only integer, prune integer, data text, secret blob);
create table if not exists folder (uid text primary key, title text);
create table if not exists dashboard (
  uid text primary key, title text, folder text, provider text, path text, checksum text, data text);
"""
LOCKED_AFTER, LOCKED_FOR = 5, 300  # wrong passwords, seconds
_SHORTEST = 5


class Database:
    """The database, for several threads."""

    def __init__(self, path: str, admin: str, password: str, key: str) -> None:
        self._lock = threading.RLock()
        self._key = key
        try:
            self._file = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self._file.execute("pragma journal_mode=wal")
            self._file.executescript(_TABLES)
        except sqlite3.Error as exc:
            raise Refused(f"failed to create SQLite database file {path}: {exc}") from None
        if not self.rows("select id from user"):
            new = "insert into user values (1, ?, '', '', datetime('now'))"
            self._file.execute(new, (admin,))
            self._keep(1, password)

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run a statement and return its rows."""
        with self._lock:
            return self._file.execute(query, values).fetchall()

    def close(self) -> None:
        """Write everything to the one file."""
        with self._lock:
            self._file.close()

    # -- users ------------------------------------------------------------------

    def set_password(self, user: int, password: str) -> None:
        """Change a password, if it is long enough."""
        if len(password) < _SHORTEST:
            raise Refused("new password is too short")
        if not self.rows("select id from user where id = ?", user):
            raise Refused("user not found")
        self._keep(user, password)

    def _keep(self, user: int, password: str) -> None:
        salt = secrets.token_hex(8)
        self.rows("update user set salt=?, hash=? where id=?", salt, _hash(password, salt), user)

    def login(self, name: str, password: str) -> int:
        """Return the user's number, or 0; too many wrong passwords lock the name for a while."""
        with self._lock:
            since = time.time() - LOCKED_FOR
            failures = self.rows("select 1 from attempt where login=? and at>?", name, since)
            found = self.rows("select id, salt, hash from user where login=?", name)
            right = bool(found) and _hash(password, found[0][1]) == found[0][2]
            if right and len(failures) < LOCKED_AFTER:
                return int(found[0][0])
            self.rows("insert into attempt values (?, ?)", name, time.time())
            return 0

    def begin_session(self, user: int) -> str:
        """Return the token for a cookie."""
        token = secrets.token_hex(16)
        self.rows("insert into session values (?, ?)", token, user)
        return token

    def session(self, token: str) -> int:
        """Return the user of a session, or 0."""
        found = self.rows("select user from session where token=?", token)
        return int(found[0][0]) if found else 0

    def user(self, number: int) -> dict[str, Any]:
        """Return what the API tells about a user."""
        login = self.rows("select login from user where id=?", number)[0][0]
        return {"id": number, "login": login, "isGrafanaAdmin": number == 1, "orgId": 1}

    # -- data sources -----------------------------------------------------------

    def put_source(self, source: dict[str, Any], read_only: bool, prune: bool) -> None:
        """Insert a data source, or change the one of that name."""
        secret = self._mixed(json.dumps(source.pop("secureJsonData", None) or {}).encode())
        data = json.dumps(source)
        try:
            self.rows(
                "insert into data_source values (?, ?, ?, ?, ?, ?) on conflict (name) do update set"
                " uid=excluded.uid, read_only=excluded.read_only, prune=excluded.prune,"
                " data=excluded.data, secret=excluded.secret",
                *(source["uid"], source["name"], read_only, prune, data, secret),
            )
        except sqlite3.IntegrityError:
            raise Refused("data source with the same uid already exists") from None

    def sources(self) -> list[dict[str, Any]]:
        """Return all data sources, without secrets."""
        rows = self.rows("select data, read_only from data_source order by name")
        return [{**json.loads(data), "readOnly": bool(locked)} for data, locked in rows]

    def secrets(self, uid: str) -> dict[str, str]:
        """Return the secrets of a data source; with another key than they were locked with, garbage."""
        found = self.rows("select secret from data_source where uid=?", uid)
        try:
            return dict(json.loads(self._mixed(found[0][0]).decode()))
        except (ValueError, IndexError):
            return {"basicAuthPassword": "garbage"}

    def _mixed(self, text: bytes) -> bytes:
        stream = hashlib.shake_256(self._key.encode()).digest(len(text))
        return bytes(a ^ b for a, b in zip(text, stream, strict=True))


def _hash(password: str, salt: str) -> str:
    return hashlib.pbkdf2_hmac("sha256", password.encode(), salt.encode(), 10000).hex()


def at(folder: str, settings: dict[str, dict[str, str]]) -> Database:
    """Open the database of a data directory."""
    os.makedirs(folder, exist_ok=True)
    security, database = settings["security"], settings.get("database", {})
    kind = database.get("type") or "sqlite3"
    path = os.path.join(folder, database.get("path") or "grafana.db")
    if kind == "postgres":
        postgres.migrate(database)
        path = os.path.join(folder, "beside-postgresql.db")
    elif kind != "sqlite3":
        raise Refused(f"the stand-in has no {kind}: failed to connect to database")
    return Database(
        path, security["admin_user"], security["admin_password"], security["secret_key"]
    )
