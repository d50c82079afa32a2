# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Queues between inputs and workers: in memory, or on disk until an output has it.

On disk, events lie in pages, files named by the number of their first event. An event is a length, a
checksum and its bytes. Pushing returns when the bytes are on the disk. What was not acknowledged
before a stop or a kill is read again, so events come at least once.
"""

import collections
import fcntl
import os
import shutil
import struct
import threading
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from elastic.common import Refused
from elastic.logstash.event import Event

_HEAD = struct.Struct(">II")
_ACKED = struct.Struct(">QI")
_WAIT = 0.2
Stopped = Callable[[], bool]


class Queue(Protocol):
    """What inputs and workers use."""

    def push(self, events: list[Event], stopped: Stopped) -> bool:
        """Store events, wait while there is no room; False: stopped before that."""

    def take(self, limit: int, wait: float) -> list[Event]:
        """Return the next events, none if none came in time."""

    def acknowledge(self, events: list[Event]) -> None:
        """Note that these need not be kept any more."""

    def close(self) -> None:
        """Let go of it."""

    def told(self) -> dict[str, object]:
        """Return what the API says about it."""

    @property
    def empty(self) -> bool:
        """Whether nothing waits."""


class Memory:
    """A queue that a kill empties."""

    def __init__(self, room: int = 1000) -> None:
        self._room, self._events = room, collections.deque[Event]()
        self._changed = threading.Condition()

    def push(self, events: list[Event], stopped: Stopped) -> bool:
        """Store events, wait while there is no room; False: stopped before that."""
        with self._changed:
            while self._events and len(self._events) + len(events) > self._room:
                if stopped():
                    return False
                self._changed.wait(_WAIT)
            self._events.extend(events)
            self._changed.notify_all()
        return True

    def take(self, limit: int, wait: float) -> list[Event]:
        """Return the next events, none if none came in time."""
        with self._changed:
            if not self._events:
                self._changed.wait(wait)
            taken = [self._events.popleft() for _count in range(min(limit, len(self._events)))]
            self._changed.notify_all()
        return taken

    def acknowledge(self, events: list[Event]) -> None:
        """Nothing is kept anyway."""

    def close(self) -> None:
        """Nothing is open."""

    def told(self) -> dict[str, object]:
        """Return what the API says about it."""
        return {
            "type": "memory",
            "events_count": 0,
            "queue_size_in_bytes": 0,
            "max_queue_size_in_bytes": 0,
        }

    @property
    def empty(self) -> bool:
        """Whether nothing waits."""
        return not self._events


@dataclass
class _Page:
    path: Path
    first: int  # number of its first event
    count: int
    size: int


class Persisted:
    """A queue on disk."""

    def __init__(self, folder: Path, page: int, most: int, most_events: int = 0) -> None:
        self._folder, self._page, self._most, self._most_events = folder, page, most, most_events
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = locked(folder, "Logstash failed to create queue.")
        self._changed = threading.Condition()
        self._checkpoint = os.open(folder / "checkpoint.head", os.O_RDWR | os.O_CREAT, 0o644)
        self._acked = self._read_acked()
        self._pages = [self._scanned(path) for path in sorted(folder.glob("page.*"), key=_number)]
        self._next = self._pages[-1].first + self._pages[-1].count if self._pages else self._acked
        self._taken = self._acked = min(
            max(self._acked, self._pages[0].first if self._pages else 0), self._next
        )
        self._head: BinaryIO | None = None
        self._reading: tuple[int, BinaryIO] | None = None
        self._forget()

    @property
    def size(self) -> int:
        """How many bytes it takes."""
        return sum(page.size for page in self._pages)

    @property
    def empty(self) -> bool:
        """Whether nothing waits."""
        return self._taken == self._next

    @property
    def _full(self) -> bool:
        waiting = self._next - self._acked
        return self.size >= self._most or 0 < self._most_events <= waiting

    def push(self, events: list[Event], stopped: Stopped) -> bool:
        """Store events, wait while there is no room; False: stopped before that."""
        records = [event.packed() for event in events]
        with self._changed:
            while self._full:
                if stopped():
                    return False
                self._changed.wait(_WAIT)
            self._write(records)
            self._changed.notify_all()
        return True

    def _write(self, records: list[bytes]) -> None:
        page = self._pages[-1] if self._pages else None
        if page is None or self._head is None or page.size >= self._page:
            if self._head:
                self._head.close()
            page = _Page(self._folder / f"page.{self._next}", self._next, 0, 0)
            self._pages.append(page)
            self._head = page.path.open("wb")
        data = b"".join(_HEAD.pack(len(one), zlib.crc32(one)) + one for one in records)
        self._head.write(data)
        self._head.flush()
        os.fsync(self._head.fileno())
        page.count, page.size, self._next = (
            page.count + len(records),
            page.size + len(data),
            self._next + len(records),
        )

    def take(self, limit: int, wait: float) -> list[Event]:
        """Return the next events, none if none came in time."""
        with self._changed:
            if self.empty:
                self._changed.wait(wait)
            return [self._read() for _count in range(min(limit, self._next - self._taken))]

    def _read(self) -> Event:
        page = next(
            page for page in self._pages if page.first <= self._taken < page.first + page.count
        )
        if not self._reading or self._reading[0] != page.first:
            file: BinaryIO = page.path.open("rb")
            for _count in range(self._taken - page.first):
                file.seek(_HEAD.unpack(file.read(_HEAD.size))[0], 1)
            if self._reading:
                self._reading[1].close()
            self._reading = page.first, file
        _first, file = self._reading
        event = Event.unpacked(file.read(_HEAD.unpack(file.read(_HEAD.size))[0]))
        event.stored, self._taken = self._taken, self._taken + 1
        return event

    def acknowledge(self, events: list[Event]) -> None:
        """Note that these need not be kept any more; they are in the order of taking."""
        with self._changed:
            self._acked = max(self._acked, *(event.stored + 1 for event in events))
            packed = struct.pack(">Q", self._acked)
            os.pwrite(self._checkpoint, _ACKED.pack(self._acked, zlib.crc32(packed)), 0)
            self._forget()
            self._changed.notify_all()

    def _forget(self) -> None:
        """Remove pages whose events all were acknowledged, but for the one that is written."""
        while self._pages and self._pages[0].first + self._pages[0].count <= self._acked:
            if len(self._pages) == 1 and (self._head and self._pages[0].size < self._page):
                return
            if len(self._pages) == 1 and self._head:
                self._head.close()
                self._head = None
            self._pages.pop(0).path.unlink()

    def close(self) -> None:
        """Let go of it; what waits stays on the disk."""
        with self._changed:
            for file in (self._head, self._reading and self._reading[1]):
                if file:
                    file.close()
            self._head = self._reading = None
            os.close(self._checkpoint)
            self._lock.close()

    def told(self) -> dict[str, object]:
        """Return what the API says about it."""
        free = shutil.disk_usage(self._folder).free
        return {
            "type": "persisted",
            "events": self._next - self._acked,
            "events_count": self._next - self._acked,
            "queue_size_in_bytes": self.size,
            "max_queue_size_in_bytes": self._most,
            "capacity": {
                "queue_size_in_bytes": self.size,
                "max_queue_size_in_bytes": self._most,
                "page_capacity_in_bytes": self._page,
                "max_unread_events": self._most_events,
            },
            "data": {"path": str(self._folder), "free_space_in_bytes": free},
        }

    def _read_acked(self) -> int:
        stored = os.pread(self._checkpoint, _ACKED.size, 0)
        if len(stored) < _ACKED.size:
            return 0
        acked, checksum = _ACKED.unpack(stored)
        return int(acked) if zlib.crc32(stored[:8]) == checksum else 0

    @staticmethod
    def _scanned(path: Path) -> _Page:
        """Count a page's events; what a kill cut off at its end is removed."""
        page = _Page(path, _number(path), 0, 0)
        with path.open("r+b") as file:
            for record in _records(file):
                page.count, page.size = page.count + 1, page.size + _HEAD.size + len(record)
            file.truncate(page.size)
        return page


def _records(file: BinaryIO) -> Iterator[bytes]:
    while len(head := file.read(_HEAD.size)) == _HEAD.size:
        length, checksum = _HEAD.unpack(head)
        record = file.read(length)
        if len(record) < length or zlib.crc32(record) != checksum:
            return
        yield record


def _number(path: Path) -> int:
    return int(path.name.partition(".")[2])


def locked(folder: Path, failure: str) -> BinaryIO:
    """Lock a folder for this process; raises Refused."""
    file = (folder / ".lock").open("wb")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise Refused(
            f"{failure} Lock held by another virtual machine on lock path: {folder}/.lock"
        ) from None
    return file
