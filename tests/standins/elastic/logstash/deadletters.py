# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Dead letters: events that Elasticsearch refused, with the reason, in segments on disk.

A segment is written as N.log.tmp and becomes N.log, and visible to readers, after a while.
"""

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from elastic.logstash.event import Event, plain
from elastic.logstash.logs import Log
from elastic.logstash.queue import locked

_SEGMENT = 10 << 20


@dataclass
class Limits:
    """The settings of one queue; the age in seconds, 0: no limit."""

    bytes: int
    flush: float
    drop_older: bool
    age: float = 0


class Writer:
    """Writes the dead letters of one pipeline."""

    def __init__(self, folder: Path, limits: Limits, log: Log) -> None:
        self._folder, self._limits, self._log = folder, limits, log
        folder.mkdir(parents=True, exist_ok=True)
        self._held = locked(folder, "Logstash failed to create the dead letter queue.")
        for path in folder.glob("*.log.tmp"):  # of a kill
            path.rename(path.with_suffix(""))
        self._number = max((_number(path) for path in segments(folder)), default=0)
        self._file: Any = None
        self._since = 0.0
        self.dropped = self.expired = 0
        self.last_error = "no errors"
        self._lock = threading.Lock()

    @property
    def size(self) -> int:
        """How many bytes it takes."""
        return sum(path.stat().st_size for path in self._folder.glob("*.log*"))

    def write(self, event: Event, plugin: str, name: str, reason: str) -> None:
        """Keep an event, unless it came from here, or there is no room."""
        if "dead_letter_queue" in event.metadata:
            self._log.warn(
                "Event previously submitted to dead letter queue. Skipping...", reason=reason
            )
            return
        told = {
            "timestamp": time.time(),
            "plugin_type": plugin,
            "plugin_id": name,
            "reason": reason,
        }
        data = {**plain(event.data), "@metadata": plain(event.metadata)}
        record = json.dumps({**told, "event": data}).encode() + b"\n"
        with self._lock:
            if self._room(len(record)):
                self._open().write(record)
                self._file.flush()

    def _room(self, wanted: int) -> bool:
        while self.size + wanted > self._limits.bytes:
            older = segments(self._folder)
            if not self._limits.drop_older or not older:
                self.last_error = (
                    f"Cannot write event to DLQ(path: {self._folder}): reached maxQueueSize of "
                    f"{self._limits.bytes}"
                )
                self._log.error(self.last_error)
                self.dropped += 1
                return False
            self.dropped += older[0].read_bytes().count(b"\n")
            older[0].unlink()
        return True

    def _open(self) -> Any:
        if self._file is None:
            self._number += 1
            self._file = (self._folder / f"{self._number}.log.tmp").open("ab")
            self._since = time.monotonic()
        return self._file

    def tick(self) -> None:
        """Do what is due: show a segment to readers, forget what is too old."""
        with self._lock:
            due = self._file and time.monotonic() - self._since >= self._limits.flush
            if due or (self._file and self._file.tell() >= _SEGMENT):
                self._seal()
            for path in segments(self._folder) if self._limits.age else ():
                if time.time() - path.stat().st_mtime > self._limits.age:
                    self.expired += path.read_bytes().count(b"\n")
                    path.unlink()

    def _seal(self) -> None:
        self._file.close()
        self._file = None
        path = self._folder / f"{self._number}.log.tmp"
        path.rename(path.with_suffix(""))

    def close(self) -> None:
        """Show what was written to readers, and let go."""
        with self._lock:
            if self._file:
                self._seal()
            self._held.close()

    def told(self) -> dict[str, object]:
        """Return what the API says about it."""
        return {
            "queue_size_in_bytes": self.size,
            "max_queue_size_in_bytes": self._limits.bytes,
            "dropped_events": self.dropped,
            "expired_events": self.expired,
            "last_error": self.last_error,
            "storage_policy": "drop_older" if self._limits.drop_older else "drop_newer",
        }


def segments(folder: Path) -> list[Path]:
    """List what readers see, the oldest first."""
    return sorted(folder.glob("*.log"), key=_number)


def _number(path: Path) -> int:
    return int(path.name.partition(".")[0])


@dataclass
class Letter:
    """One dead letter, and the place behind it: segment and offset."""

    event: Event
    plugin_type: str
    plugin_id: str
    reason: str
    timestamp: float
    behind: tuple[int, int]


def read(folder: Path, since: tuple[int, int]) -> Iterator[Letter]:
    """Read what comes after a place."""
    for path in segments(folder):
        number = _number(path)
        if number < since[0]:
            continue
        with path.open("rb") as file:
            file.seek(since[1] if number == since[0] else 0)
            while line := file.readline():
                told = json.loads(line)
                event = Event(told.pop("event"))
                yield Letter(event, **told, behind=(number, file.tell()))


def forget(folder: Path, before: int) -> None:
    """Remove segments that were read to their end."""
    for path in segments(folder):
        if _number(path) < before:
            path.unlink(missing_ok=True)
