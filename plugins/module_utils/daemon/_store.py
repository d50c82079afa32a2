# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The memory of a daemon on its host: /var/lib/barehost/<name>/, readable by root alone.

record.json       the last state that was proved healthy
previous.json     the one before it
transaction.json  only while a state is being replaced: what to go back to
restore.json      only while a backup is being restored: where the data from before is kept
snapshot.json     only while a backup of Prometheus is made: which snapshot is ours to remove
objects/<sha256>  the contents that these three name
salt              keys the digests that are visible outside
stage/            the set under test; never outlives a run
lock              held (flock) by the run in progress, and by its steps
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import posixpath
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from types import MappingProxyType
from typing import Any

from . import _files
from ._errors import DaemonError
from ._state import Entry, State, digest


class Store:
    """Reads and writes the memory of one daemon."""

    def __init__(self, directory: str) -> None:
        self.directory = directory
        self.stage = posixpath.join(directory, "stage")
        self.restore_note = posixpath.join(directory, "restore.json")
        self.snapshot_note = posixpath.join(directory, "snapshot.json")
        self._objects = posixpath.join(directory, "objects")
        self.held: tuple[int, ...] = ()  # the lock's descriptor, for children that outlive the run

    def create(self) -> None:
        """Make the directories; harmless when they exist."""
        os.makedirs(posixpath.dirname(self.directory), mode=0o755, exist_ok=True)
        for path in (self.directory, self._objects):
            os.makedirs(path, mode=0o700, exist_ok=True)

    # -- states ---------------------------------------------------------------

    def record(self, name: str = "record") -> State | None:
        """The last good state ("record"), or the one before it ("previous")."""
        text = self._read(f"{name}.json")
        return State.from_json(text) if text else None

    def save_record(self, state: State) -> None:
        """Make state the last good one. The order survives a cut at any line."""
        old = self._read("record.json")
        if old and State.from_json(old) != state:
            self._write("previous.json", old)
        self._write("record.json", state.to_json())

    def replace_record(self, state: State) -> None:
        """Correct the last good state; the one before it stays."""
        self._write("record.json", state.to_json())

    def go_back(self, state: State) -> None:
        """The state before the last good one is the last good one again; there is none before it."""
        self.replace_record(state)
        _files.remove(posixpath.join(self.directory, "previous.json"))
        _files.sync_directory(self.directory)

    def transaction(self) -> dict[str, Any] | None:
        """What a run that did not finish left behind: see begin."""
        text = self._read("transaction.json")
        if not text:
            return None
        try:
            raw: dict[str, Any] = json.loads(text)
            before = {p: Entry(**e) if e else None for p, e in raw["before"].items()}
            if raw["record"] != digest(self._read("record.json").encode()):
                # That run had recorded its state already; only its end is missing.
                return {**raw, "before": {}, "activation": "none", "data": [], "steps": []}
        except (ValueError, TypeError, KeyError, AttributeError):
            raise DaemonError(
                f"{self.directory}/transaction.json is damaged: what a run that did not finish has "
                "replaced is not known any more. Remove the file and run again"
            ) from None
        return {**raw, "before": before}

    def begin(
        self,
        before: Mapping[str, Entry | None],
        activation: str,
        secrets: Iterable[str] = (),
        unit: Mapping[str, bool] = MappingProxyType({}),
        data: Iterable[str] = (),
        steps: Iterable[str] = (),
    ) -> None:
        """Note what the paths looked like before they are replaced, and which become secrets.

        unit: whether the unit was running and enabled, {running, enabled}. data: those of the paths
        that are the daemon's own data. steps: the names of the prepare steps that are due.
        """
        _files.sync_directory(self._objects)
        entries = {path: asdict(entry) if entry else None for path, entry in before.items()}
        note = {
            "before": entries,
            "activation": activation,
            "secrets": sorted(secrets),
            "unit": dict(unit),
            "data": sorted(data),
            "steps": sorted(steps),
            "record": digest(self._read("record.json").encode()),
        }
        self._write("transaction.json", json.dumps(note))

    def end(self) -> None:
        """The transaction is over, one way or the other."""
        _files.remove(posixpath.join(self.directory, "transaction.json"))
        _files.sync_directory(self.directory)

    # -- contents -------------------------------------------------------------

    def put(self, content: bytes) -> str:
        """Keep a content; returns its name."""
        name = digest(content)
        path = posixpath.join(self._objects, name)
        if not os.path.exists(path):
            _files.write(path, content, 0o600)
        return name

    def keep(self, path: str) -> Entry | None:
        """Keep a file of any size as it is now; returns what it is (None: nothing)."""
        entry = _files.look(path)
        if entry and not entry.is_link and not self.has(entry.digest):
            _files.write(posixpath.join(self._objects, entry.digest), _files.parts(path), 0o600)
        return entry

    def room_for(self, paths: Iterable[str]) -> None:
        """Refuse when there is no room to keep these files, and to lay the copies beside them again."""
        needed: dict[int, int] = {}
        for path in paths:
            length = _files.size(path)
            for directory in (self._objects, posixpath.dirname(path)) if length else ():
                device = os.stat(directory).st_dev
                needed[device] = needed.get(device, 0) + length
                if needed[device] > (free := _files.free(directory)):
                    raise DaemonError(
                        f"{path} has {length} bytes and is to be kept for a roll-back, but the file "
                        f"system of {directory} has {free} free and would need {needed[device]}. "
                        "Make room there, then run again"
                    )

    def get(self, name: str) -> bytes:
        """A content that was kept."""
        return b"".join(self.parts(name))

    def parts(self, name: str) -> Iterator[bytes]:
        """A content that was kept, a part at a time; fails at the end when it is damaged."""
        path, total = posixpath.join(self._objects, name), hashlib.sha256()
        for part in _files.parts(path):
            total.update(part)
            yield part
        if total.hexdigest() != name:
            raise DaemonError(f"{path} is damaged: the kept copy can not be restored")

    def has(self, name: str) -> bool:
        """Whether a content was kept."""
        return os.path.exists(posixpath.join(self._objects, name))

    def collect(self) -> None:
        """Forget contents that no state names."""
        states = [s for s in (self.record(), self.record("previous")) if s]
        wanted = {entry.digest for state in states for entry in state.entries.values()}
        for name in set(os.listdir(self._objects)) - wanted:
            _files.remove(posixpath.join(self._objects, name))
        for name in os.listdir(self.directory):
            if name.endswith(".barehost"):  # left by a killed run
                _files.remove(posixpath.join(self.directory, name))

    def unreadable(self) -> bool:
        """Whether there is a record that can not be read: damaged, or of a later version."""
        return self.record() is None and self._read("record.json") != ""

    def salt(self, create: bool) -> bytes:
        """The key of this daemon's visible digests; empty when there is none yet."""
        path = posixpath.join(self.directory, "salt")
        if not os.path.exists(path) and create:
            _files.write(path, os.urandom(32), 0o600)
        try:
            with open(path, "rb") as file:
                return file.read()
        except FileNotFoundError:
            return b""

    def clear_stage(self) -> None:
        """Remove the staged set, also one that a killed run left."""
        shutil.rmtree(self.stage, ignore_errors=True)

    def remove(self) -> None:
        """Forget everything. A run that waits for the lock sees that its file is gone."""
        shutil.rmtree(self.directory, ignore_errors=True)
        if os.path.isdir(parent := posixpath.dirname(self.directory)) and not os.listdir(parent):
            os.rmdir(parent)

    # -- lock -----------------------------------------------------------------

    @contextmanager
    def locked(self, timeout: float, create: bool) -> Iterator[None]:
        """Hold the lock of this daemon. In check mode nothing is created to do so."""
        path = posixpath.join(self.directory, "lock")
        if create:
            self.create()
        elif not os.path.exists(path):
            yield
            return
        deadline = time.monotonic() + timeout
        while True:
            with open(path, "a" if create else "r", encoding="utf-8") as file:
                _acquire(file.fileno(), path, timeout, deadline)
                if create and not _is(file.fileno(), path):
                    # The run that we waited for uninstalled the daemon, lock included.
                    self.create()
                    continue
                self.held = (file.fileno(),)
                try:
                    yield
                finally:
                    self.held = ()
                return

    def _read(self, name: str) -> str:
        try:
            with open(posixpath.join(self.directory, name), encoding="utf-8") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def _write(self, name: str, text: str) -> None:
        _files.write(posixpath.join(self.directory, name), text.encode(), 0o600)
        _files.sync_directory(self.directory)


def _is(fd: int, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(fd), os.stat(path))
    except FileNotFoundError:
        return False


def _acquire(fd: int, path: str, timeout: float, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise DaemonError(
                    f"another run holds {path} ({_holder(fd)}); waited {timeout:g} s for it. "
                    "Wait until it is done, or end it if it hangs, then run again"
                ) from None
        time.sleep(0.1)


def _holder(fd: int) -> str:
    """Who holds the lock, as the kernel tells it: nothing has to be written for that."""
    inode = str(os.fstat(fd).st_ino)
    with open("/proc/locks", encoding="ascii") as file:
        for line in file:
            fields = line.split()
            if "->" not in fields and "FLOCK" in fields and fields[-3].split(":")[-1] == inode:
                process = f"process {fields[-4]}"
                alive = os.path.exists(f"/proc/{fields[-4]}")
                return process if alive else f"{process}, or a step that it has left behind"
    return "process unknown"
