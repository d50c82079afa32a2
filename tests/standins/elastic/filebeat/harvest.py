# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that grow: found by their paths, known by device and inode, read line by line."""

import glob
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from elastic.filebeat.registry import Registry
from elastic.filebeat.settings import Input

_CHUNK = 1 << 16


@dataclass
class Line:
    """One line with its place; `behind` is where the next one begins."""

    text: str
    key: str
    path: str
    offset: int
    behind: int
    truncated: bool = False


@dataclass
class _File:
    key: str
    path: str
    file: BinaryIO
    offset: int
    pending: bytearray = field(default_factory=bytearray)


class Harvest:
    """The files of one input."""

    def __init__(self, settings: Input, registry: Registry) -> None:
        self._settings, self._registry = settings, registry
        self._prefix = f"filestream::{settings.id or '.global'}::native::"
        self._open: dict[str, _File] = {}

    @property
    def count(self) -> int:
        """How many files are open."""
        return len(self._open)

    def lines(self) -> Iterator[Line]:
        """Yield what came since the last look; a line counts when its end is there."""
        found = self._found()
        for key, path in found.items():
            if key not in self._open:
                self._begin(key, path)
        for one in list(self._open.values()):
            one.path = found.get(one.key, one.path)
            yield from self._grown(one)
            # Read to its end, a file that lies elsewhere now or is gone is left alone.
            if one.key not in found:
                one.file.close()
                del self._open[one.key]
        self._registry.forget(self._prefix, {*found, *self._open})

    def close(self) -> None:
        """Close all files."""
        for one in self._open.values():
            one.file.close()
        self._open.clear()

    def _found(self) -> dict[str, str]:
        found = {}
        for pattern in self._settings.paths:
            for path in sorted(glob.glob(pattern, recursive=True)):
                try:
                    status = os.lstat(path)
                except OSError:
                    continue
                old = (
                    self._settings.ignore_older
                    and time.time() - status.st_mtime > self._settings.ignore_older
                )
                if os.path.isfile(path) and not os.path.islink(path) and not old:
                    found[f"{self._prefix}{status.st_ino}-{status.st_dev}"] = path
        return found

    def _begin(self, key: str, path: str) -> None:
        try:
            file = open(path, "rb")  # noqa: SIM115
        except OSError:
            return
        known = self._registry.offset(key)
        offset = (
            known
            if known is not None
            else os.fstat(file.fileno()).st_size
            if self._settings.tail
            else 0
        )
        self._open[key] = _File(key, path, file, offset)

    def _grown(self, one: _File) -> Iterator[Line]:
        if os.fstat(one.file.fileno()).st_size < one.offset + len(one.pending):  # truncated
            one.offset, one.pending = 0, bytearray()
        one.file.seek(one.offset + len(one.pending))
        while chunk := one.file.read(_CHUNK):
            searched = len(one.pending)
            one.pending += chunk
            start = 0
            while (end := one.pending.find(b"\n", max(searched, start))) >= 0:
                raw = bytes(one.pending[start:end])
                if line := self._line(one, raw, end + 1 - start):
                    yield line
                one.offset += end + 1 - start
                start = end + 1
            del one.pending[:start]

    def _line(self, one: _File, raw: bytes, length: int) -> Line | None:
        raw = raw.removesuffix(b"\r")
        text = raw[: self._settings.max_bytes].decode("utf-8", "replace")
        wanted = not self._settings.include or any(p.search(text) for p in self._settings.include)
        if not raw or not wanted or any(p.search(text) for p in self._settings.exclude):
            return None
        truncated = len(raw) > self._settings.max_bytes
        return Line(text, one.key, one.path, one.offset, one.offset + length, truncated)
