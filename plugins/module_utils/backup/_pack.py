# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A backup as one file, for its way between hosts: a tar archive, written and read as a stream."""

from __future__ import annotations

import glob
import hashlib
import os
import posixpath
import shutil
import tarfile
import time
from typing import IO

from ..daemon import _files
from ..daemon._errors import DaemonError
from . import _copies, _manifest
from ._manifest import Manifest

_PART = 1024 * 1024
ARCHIVE = "barehost-backup.tar"  # on its way, in a directory that Ansible makes for each task
LOOK = "barehost-backup"  # beside it: unpacked for a look
LEFT = 86400  # seconds after which nobody fetches an archive any more


class _Hashing:
    """A file that knows the digest of what was written to it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.total = hashlib.sha256()

    def write(self, part: bytes) -> int:
        """Write."""
        self.total.update(part)
        return self._file.write(part)


def pack(backup: str, archive: str) -> str:
    """Write a backup into an archive that belongs to who owns its directory; returns its sha256.

    That is who has logged in, and who fetches it: Ansible would take it into memory if root alone
    could read it.
    """
    owner = _copies.owner(posixpath.dirname(archive))
    fd = os.open(archive, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(fd, "wb") as file:
        hashing = _Hashing(file)
        with tarfile.open(fileobj=hashing, mode="w|", format=tarfile.PAX_FORMAT) as tar:  # type: ignore[call-overload]
            for name in (_manifest.NAME, _manifest.DATA):
                tar.add(posixpath.join(backup, name), arcname=name)
        os.fchown(fd, *owner)
    return hashing.total.hexdigest()


def sweep(directory: str) -> None:
    """Remove archives beside that lie there since a connection was lost: they hold secrets.

    directory: one that Ansible has made for a task, among others of its kind.
    """
    parent, name = posixpath.split(directory)
    if not name.startswith("ansible-tmp-"):
        return
    for folder in glob.glob(posixpath.join(glob.escape(parent), "ansible-tmp-*")):
        if os.path.islink(folder):  # who has logged in may have made it
            continue
        for path in (posixpath.join(folder, ARCHIVE), posixpath.join(folder, LOOK)):
            if not os.path.lexists(path) or os.lstat(path).st_mtime >= time.time() - LEFT:
                continue
            if path.endswith(ARCHIVE):
                _files.remove(path)
            else:
                shutil.rmtree(path, ignore_errors=True)


def described(archive: str) -> Manifest:
    """Read the manifest, which comes first."""
    try:
        with tarfile.open(archive, mode="r|") as tar:
            member = tar.next()
            file = tar.extractfile(member) if member and member.name == _manifest.NAME else None
            if file is None:
                raise DaemonError(
                    f"{archive} does not begin with {_manifest.NAME}: it is no backup"
                )
            return _manifest.from_json(file.read().decode("utf-8", "replace"), archive)
    except (tarfile.TarError, EOFError) as exc:
        raise DaemonError(f"{archive} is no archive of a backup, or was cut off: {exc}") from None


def unpack(archive: str, partial: str) -> None:
    """Write the files of an archive below a directory, whatever their names try to say."""
    try:
        with tarfile.open(archive, mode="r|") as tar:
            for member in tar:
                if member.name != _manifest.NAME:
                    _extract(tar, member, partial, archive)
    except (tarfile.TarError, EOFError) as exc:
        raise DaemonError(f"{archive} is no archive of a backup, or was cut off: {exc}") from None


def _extract(tar: tarfile.TarFile, member: tarfile.TarInfo, partial: str, archive: str) -> None:
    words = member.name.split("/")
    if words[0] != _manifest.DATA or ".." in words or not (member.isreg() or member.isdir()):
        raise DaemonError(f"{archive} holds {member.name!r}, which no backup does")
    path = posixpath.join(partial, *words)
    if member.isdir():
        os.makedirs(path, mode=0o700, exist_ok=True)
        return
    os.makedirs(posixpath.dirname(path), mode=0o700, exist_ok=True)
    source = tar.extractfile(member)
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(fd, "wb") as file:
        while source and (part := source.read(_PART)):
            file.write(part)
        file.flush()
        os.fsync(fd)
