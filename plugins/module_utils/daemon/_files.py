# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading, replacing and removing single paths. All writes are atomic: old or new, never half."""

from __future__ import annotations

import glob
import grp
import hashlib
import os
import posixpath
import pwd
import stat
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress

from ._errors import DaemonError
from ._state import Entry, digest

PART = 1024 * 1024  # bytes of a large file that are in memory at once


def read(path: str) -> tuple[Entry | None, bytes]:
    """What is at path now (None: nothing) and its content."""
    info = _stat(path)
    if info is None or stat.S_ISLNK(info.st_mode):
        return _entry(path, info, ""), b""
    with open(path, "rb") as file:
        content = file.read()
    return _entry(path, info, digest(content)), content


def look(path: str) -> Entry | None:
    """What is at path now, however large it is."""
    info = _stat(path)
    if info is None or stat.S_ISLNK(info.st_mode):
        return _entry(path, info, "")
    total = hashlib.sha256()
    for part in parts(path):
        total.update(part)
    return _entry(path, info, total.hexdigest())


def parts(path: str) -> Iterator[bytes]:
    """The content of a file, a part at a time."""
    with open(path, "rb") as file:
        while part := file.read(PART):
            yield part


def size(path: str) -> int:
    """The length of a file in bytes; 0 when there is none."""
    info = _stat(path)
    return info.st_size if info else 0


def free(directory: str) -> int:
    """How many bytes fit into the file system of a directory."""
    found = os.statvfs(directory)
    return found.f_bavail * found.f_frsize


def _stat(path: str) -> os.stat_result | None:
    try:
        info = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    if not stat.S_ISLNK(info.st_mode) and not stat.S_ISREG(info.st_mode):
        raise DaemonError(f"{path} is not a file but something else; move it away")
    return info


def _entry(path: str, info: os.stat_result | None, name: str) -> Entry | None:
    if info is None:
        return None
    if stat.S_ISLNK(info.st_mode):
        return Entry(target=os.readlink(path))
    mode = stat.S_IMODE(info.st_mode)
    return Entry(name, "", mode, _user(info.st_uid), _group(info.st_gid))


def is_directory(path: str) -> bool:
    """Whether there is a directory; a link to one is none."""
    return os.path.isdir(path) and not os.path.islink(path)


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _group(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def ids(owner: str, group: str, path: str) -> tuple[int, int]:
    """User and group as numbers."""
    try:
        uid = int(owner) if owner.isdigit() else pwd.getpwnam(owner).pw_uid
        gid = int(group) if group.isdigit() else grp.getgrnam(group).gr_gid
    except KeyError as exc:
        raise DaemonError(f"{path}: no such account on this host: {exc.args[0]}") from None
    return uid, gid


def write(
    path: str, content: bytes | Iterable[bytes], mode: int, owner: str = "", group: str = ""
) -> None:
    """Replace a file atomically and durably; its content comes as a whole or in parts."""
    directory, name = posixpath.split(path)
    fd, temporary = tempfile.mkstemp(prefix=f".{name}.", suffix=".barehost", dir=directory)
    try:
        with os.fdopen(fd, "wb") as file:
            if owner or group:
                os.fchown(fd, *ids(owner, group, path))
            os.fchmod(fd, mode)
            file.writelines([content] if isinstance(content, bytes) else content)
            file.flush()
            os.fsync(fd)
        os.replace(temporary, path)
    except BaseException:
        remove(temporary)
        raise


def link(path: str, target: str) -> None:
    """Point a symbolic link at target, atomically."""
    directory, name = posixpath.split(path)
    temporary = posixpath.join(directory, f".{name}.link.barehost")
    remove(temporary)
    os.symlink(target, temporary)
    os.replace(temporary, path)


def temporaries(path: str) -> list[str]:
    """Temporary files beside path that a killed run of its daemon left."""
    directory, name = posixpath.split(path)
    return glob.glob(posixpath.join(glob.escape(directory), f".{glob.escape(name)}.*.barehost"))


def put(path: str, entry: Entry, content: bytes | Iterable[bytes]) -> None:
    """Make path what entry says."""
    if entry.is_link:
        link(path, entry.target)
    else:
        write(path, content, entry.mode, entry.owner, entry.group)


def remove(path: str) -> None:
    """Remove a file or link if it is there."""
    with suppress(FileNotFoundError, NotADirectoryError):
        os.unlink(path)


def make_parents(path: str, mode: int, owner: str, group: str) -> None:
    """Make the missing directories above path."""
    missing = []
    directory = posixpath.dirname(path)
    while not os.path.isdir(directory):
        if os.path.lexists(directory):
            raise DaemonError(f"{directory} is in the way: it is no directory; move it away")
        missing.append(directory)
        directory = posixpath.dirname(directory)
    for directory in reversed(missing):
        os.mkdir(directory)
        os.chown(directory, *ids(owner, group, directory))
        os.chmod(directory, mode)


def remove_empty_parents(path: str, top: str) -> None:
    """Remove the directories above path that became empty, up to and including top."""
    directory = posixpath.dirname(path)
    while directory == top or directory.startswith(f"{top}/"):
        try:
            os.rmdir(directory)
        except OSError:
            return
        directory = posixpath.dirname(directory)


def sync_directory(path: str) -> None:
    """Make renames in a directory survive a power cut."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
