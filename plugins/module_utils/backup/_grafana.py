# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Grafana: its database, and the secrets that this host made, without which nobody reads it."""

from __future__ import annotations

import os
import posixpath
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..daemon import _files
from ..daemon._errors import DaemonError
from ..daemon._state import Entry, State, digest
from . import _copies, _sqlite
from ._exchange import exchange
from ._manifest import Manifest
from ._product import Check, Daemon, Product
from ._swap import Swap

_FILE = "grafana.db"
_SECRETS = "secrets"
_BESIDE = ("", "-wal", "-shm", "-journal")
_FRESH = 3600  # seconds after its deployment in which a Grafana is a new one
_RECORD = "record.json"


@dataclass(frozen=True)
class Secret:
    """A secret of the backup and its place on this host."""

    path: str
    content: bytes
    entry: Entry


class Grafana(Product):
    """The database of one Grafana, and its secrets."""

    kind = "grafana"

    def __init__(self, database: str, secrets: list[str], kept_in: str) -> None:
        self.database = database
        self.secrets = secrets
        self.kept_in = kept_in  # where another database than SQLite is

    def _faults(self) -> list[str]:
        if self.database:
            return []
        return [
            f"Grafana keeps its data in {self.kept_in}, which is saved and restored by that database's "
            "own means (pg_dump, pg_restore). What it is encrypted with lies on this host: keep "
            f"{' and '.join(self.secrets)} with it"
        ]

    def plan_save(
        self, daemon: Daemon, target: str, previous: str
    ) -> tuple[list[str], list[str], int]:
        """It need not run for that."""
        paths = [self.database, *self.secrets]
        size = _copies.size(self.database + end for end in _BESIDE) if self.database else 0
        return [f"copy {path}" for path in paths if path], self._faults(), size

    def save(self, daemon: Daemon, target: str, name: str, previous: str) -> Mapping[str, Any]:
        """Copy the database as of one moment, and the secrets."""
        copied = posixpath.join(target, _FILE)
        _sqlite.copy(self.database, copied)
        folder = posixpath.join(target, _SECRETS)
        _copies.make(folder, _copies.ROOT)
        for path in self.secrets:
            if os.path.isfile(path):
                inner = posixpath.join(folder, posixpath.basename(path))
                _copies.copy(path, inner, _copies.ROOT)
        return {"users": _sqlite.count(copied, "user")}

    # -- restore ----------------------------------------------------------------

    def check(self, daemon: Daemon, manifest: Manifest, data: str) -> Check:
        """A database that was made within the hour is that of a new host."""
        check = Check(faults=self._faults())
        if not self.database:
            return check
        directory = posixpath.dirname(self.database)
        if os.path.isfile(self.database) and not (daemon.replace or self._fresh()):
            check.faults.append(
                f"{self.database} is not that of a Grafana that was deployed within the last hour; "
                "give -e barehost_restore_replace=true to replace it"
            )
        _secrets, faults = self._restored(daemon, data)
        check.faults += faults
        check.faults += _copies.room(directory, manifest.size, f"a restore of {daemon.name}")
        check.actions = [
            f"stop {daemon.unit}",
            f"replace {self.database} and the secrets that this host made for it",
            f"start {daemon.unit}",
        ]
        return check

    def _fresh(self) -> bool:
        made = _sqlite.oldest_user(self.database)
        return made is not None and made > time.time() - _FRESH

    def _restored(self, daemon: Daemon, data: str) -> tuple[list[Secret], list[str]]:
        """The secrets to put back, and those of which the inventory gives another."""
        record, found, faults = _record(daemon), [], []
        for path in self.secrets:
            saved = posixpath.join(data, _SECRETS, posixpath.basename(path))
            entry = record.entries.get(path)
            if entry is None or not os.path.isfile(saved):
                continue
            _entry, content = _files.read(saved)
            if entry.generated:
                found.append(Secret(path, content, entry))
            elif entry.digest != digest(content):
                faults.append(
                    f"{path} is given by the inventory, and is another one than in the backup; give "
                    "the one of the host that the backup is of, and change it after the restore"
                )
        return found, faults

    def restore(self, daemon: Daemon, manifest: Manifest, data: str) -> list[str]:
        """Put database, secrets and the record of these into the place of what is there."""
        swap, directory = Swap(daemon.note), posixpath.dirname(self.database)
        secrets, _none = self._restored(daemon, data)
        try:
            owner, name = _copies.owner(directory), posixpath.basename(self.database)
            new = swap.work(directory, owner)
            _copies.copy(posixpath.join(data, _FILE), posixpath.join(new, name), owner, 0o640)
            swap.plan(directory, "|".join(re.escape(name + end) for end in _BESIDE))
            self._put_secrets(daemon, swap, secrets)
        except BaseException:
            swap.forget()
            raise
        exchange(daemon, swap, lambda: self._prove(manifest))
        return []

    def _put_secrets(self, daemon: Daemon, swap: Swap, secrets: list[Secret]) -> None:
        """The next deployment finds in the record what lies on the disk, and changes nothing of it."""
        record, root = _record(daemon), _copies.ROOT
        entries = dict(record.entries)
        for secret in secrets:
            place = posixpath.join(
                swap.work(posixpath.dirname(secret.path), root), posixpath.basename(secret.path)
            )
            entry = replace(secret.entry, digest=daemon.store.put(secret.content))
            _files.put(place, entry, secret.content)
            entries[secret.path] = entry
        text = replace(record, entries=entries).to_json()
        place = posixpath.join(swap.work(daemon.store.directory, root), _RECORD)
        _files.write(place, text.encode(), 0o600)

    def _prove(self, manifest: Manifest) -> None:
        """That the administrator gets in with the restored password was proved by the probes."""
        users = _sqlite.count(self.database, "user")
        if users != manifest.seen["users"]:
            raise DaemonError(
                f"Grafana is up, but has {users} users instead of {manifest.seen['users']}"
            )


def _record(daemon: Daemon) -> State:
    record = daemon.store.record()
    if record is None:
        raise DaemonError(f"{daemon.name} is not deployed on this host: run site.yml first")
    return record
