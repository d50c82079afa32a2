# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host did not have before us and the daemons on it share: directories and groups.

/etc/sysusers.d is one of them on a small Debian. The last daemon that is removed takes them along,
and what was there before, or holds files of others, stays. /var/lib/barehost/made lists them.
"""

from __future__ import annotations

import fcntl
import os
import posixpath
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

from . import _files

_NAME = "made"


def missing(path: str) -> list[str]:
    """The directories above path that are not there, the upper ones first."""
    found: list[str] = []
    directory = posixpath.dirname(path)
    while not os.path.isdir(directory):
        found.insert(0, directory)
        directory = posixpath.dirname(directory)
    return found


def note(state: str, kind: str, names: Iterable[str]) -> None:
    """Write down what is about to be made. state: the directory of all daemons' memories."""
    new = {f"{kind} {name}" for name in names}
    if new - set(_read(state)):
        with _locked(state):
            _write(state, {*_read(state), *new})


def known(state: str, kind: str, name: str) -> bool:
    """Whether it was made here."""
    return f"{kind} {name}" in _read(state)


def forget(state: str, kind: str, name: str) -> None:
    """It is not there any more."""
    if known(state, kind, name):
        with _locked(state):
            _write(state, set(_read(state)) - {f"{kind} {name}"})


def remove_empty_directories(state: str) -> None:
    """Remove those directories in which nothing is left."""
    noted = [line.partition(" ")[2] for line in _read(state) if line.startswith("directory ")]
    for path in sorted(noted, reverse=True):  # the lower ones first
        with suppress(OSError):
            os.rmdir(path)
        if not os.path.isdir(path):
            forget(state, "directory", path)


def _read(state: str) -> list[str]:
    try:
        with open(posixpath.join(state, _NAME), encoding="utf-8") as file:
            return file.read().splitlines()
    except FileNotFoundError:
        return []


def _write(state: str, lines: Iterable[str]) -> None:
    path = posixpath.join(state, _NAME)
    for leftover in _files.temporaries(path):  # of a killed run
        _files.remove(leftover)
    if text := "".join(f"{line}\n" for line in sorted(lines)):
        _files.write(path, text.encode(), 0o644)
    else:
        _files.remove(path)
    _files.sync_directory(state)


@contextmanager
def _locked(state: str) -> Iterator[None]:
    """Keep apart runs for two daemons of one host."""
    fd = os.open(state, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)
