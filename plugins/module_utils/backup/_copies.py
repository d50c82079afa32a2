# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies of files and directories that stream, keep to owners, and are on the disk when they return."""

from __future__ import annotations

import errno
import os
import posixpath
from collections.abc import Iterable

from ..daemon import _files
from ..daemon._errors import DaemonError

Owner = tuple[int, int]
ROOT: Owner = (0, 0)


def copy(source: str, target: str, owner: Owner, mode: int = 0o600) -> None:
    """Copy one file, as long as it is now, to where none is."""
    fd = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(fd, "wb") as file:
        os.fchown(fd, *owner)
        os.fchmod(fd, mode)
        left = os.stat(source).st_size
        for part in _files.parts(source):
            file.write(part[:left])
            left -= len(part)
            if left <= 0:  # what has come since belongs to the next backup
                break
        file.flush()
        os.fsync(fd)


def link(source: str, target: str) -> None:
    """Give a file that is never changed again a second name; on another file system, a copy."""
    try:
        os.link(source, target)
    except OSError as exc:
        if exc.errno not in (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP):
            raise
        copy(source, target, ROOT)


def tree(source: str, target: str, owner: Owner, linked: bool = False) -> None:
    """Copy a directory, or with linked give each of its files a second name."""
    make(target, owner)
    for entry in sorted(os.scandir(source), key=lambda e: e.name):
        inner = posixpath.join(target, entry.name)
        if entry.is_dir(follow_symlinks=False):
            tree(entry.path, inner, owner, linked)
        elif entry.is_file(follow_symlinks=False):
            link(entry.path, inner) if linked else copy(entry.path, inner, owner)
        else:
            raise DaemonError(f"{entry.path} is neither a file nor a directory; move it away")


def make(path: str, owner: Owner) -> None:
    """Make a directory for its owner alone, unless it is there."""
    if not os.path.isdir(path):
        os.mkdir(path, 0o700)
        os.chown(path, *owner)


def size(paths: Iterable[str]) -> int:
    """The bytes of files and of all below directories; what vanishes meanwhile counts nothing."""
    total = 0
    for path in paths:
        if not os.path.isdir(path):
            total += _files.size(path)
            continue
        for folder, _folders, names in os.walk(path):
            total += sum(_files.size(posixpath.join(folder, name)) for name in names)
    return total


def owner(path: str) -> Owner:
    """Whose a file or directory is."""
    info = os.stat(path)
    return info.st_uid, info.st_gid


def one_system(path: str, other: str) -> bool:
    """Whether a file in one place can have a second name in the other, which may be missing as yet."""
    return os.stat(path).st_dev == os.stat(_nearest(other)).st_dev


def room(directory: str, needed: int, what: str) -> list[str]:
    """The fault of a file system that is too small. directory: may be missing as yet."""
    directory = _nearest(directory)
    free = _files.free(directory)
    if free >= needed:
        return []
    return [
        f"{what} needs {needed} bytes, but the file system of {directory} has {free} free. "
        "Make room there, then run again"
    ]


def _nearest(directory: str) -> str:
    """The directory, or what of its path is there."""
    while not os.path.isdir(directory):
        directory = posixpath.dirname(directory)
    return directory
