# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private: unpack archives that are not trusted to stay in their directory."""

from __future__ import annotations

import lzma
import os
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import IO

from ._digests import BLOCK, ReleaseError

SIZE_LIMIT = 8 * 1024**3

_DAMAGE = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    RuntimeError,  # zipfile: encrypted
    NotImplementedError,  # zipfile: unknown compression
    ValueError,  # tarfile: nonsense in headers
)


@dataclass(frozen=True)
class Member:
    """One entry of an archive, of whatever format."""

    name: str
    kind: str  # file, directory, link, hard link; anything else is refused
    size: int
    mode: int
    target: str
    open: Callable[[], IO[bytes]]


def unpack(archive: str, destination: str, strip: int, limit: int = SIZE_LIMIT) -> None:
    """Unpack an archive into an existing empty directory, or raise."""
    tree = _Tree(destination, strip)
    with _readable(archive):
        total = 0
        for member in _members(archive):
            total += member.size
            if total > limit:
                raise ReleaseError(f"the archive unpacks to more than {limit} bytes")
            tree.add(member)
        tree.check_links()


def unpacked_size(archive: str) -> int:
    """Return how many bytes the files of an archive have."""
    with _readable(archive):
        return sum(member.size for member in _members(archive))


@contextmanager
def _readable(archive: str) -> Iterator[None]:
    try:
        yield
    except _DAMAGE as exc:
        raise ReleaseError(f"the archive is damaged: {exc}") from exc
    except OSError as exc:
        if exc.errno is not None:
            raise
        raise ReleaseError(f"the archive is damaged: {exc}") from exc  # gzip, bz2


def _members(archive: str) -> Iterator[Member]:
    with open(archive, "rb") as file:
        is_zip = file.read(4) in (b"PK\x03\x04", b"PK\x05\x06")
    return _zip_members(archive) if is_zip else _tar_members(archive)


def _tar_members(archive: str) -> Iterator[Member]:
    kinds = {tarfile.DIRTYPE: "directory", tarfile.SYMTYPE: "link", tarfile.LNKTYPE: "hard link"}
    others = {tarfile.CHRTYPE: "device", tarfile.BLKTYPE: "device", tarfile.FIFOTYPE: "fifo"}
    with tarfile.open(archive, "r:*", bufsize=BLOCK) as tar:
        for info in tar:
            kind = "file" if info.isreg() else {**kinds, **others}.get(info.type, "unknown entry")

            def content(info: tarfile.TarInfo = info) -> IO[bytes]:
                return tar.extractfile(info) or BytesIO()

            size = info.size if kind == "file" else 0
            yield Member(info.name, kind, size, info.mode, info.linkname, content)


def _zip_members(archive: str) -> Iterator[Member]:
    kinds = {0: "file", stat.S_IFREG: "file", stat.S_IFDIR: "directory", stat.S_IFLNK: "link"}
    with zipfile.ZipFile(archive) as pack:
        for info in pack.infolist():
            mode = info.external_attr >> 16
            kind = "directory" if info.is_dir() else kinds.get(stat.S_IFMT(mode), "special file")
            target = os.fsdecode(pack.read(info)) if kind == "link" else ""

            def content(info: zipfile.ZipInfo = info) -> IO[bytes]:
                return pack.open(info)

            yield Member(info.filename, kind, info.file_size, stat.S_IMODE(mode), target, content)


class _Tree:
    """The directory that is filled; nothing is ever written through a link."""

    def __init__(self, root: str, strip: int) -> None:
        self.root, self.strip = root, strip
        self.directories: set[tuple[str, ...]] = {()}
        self.files: set[tuple[str, ...]] = set()
        self.links: dict[tuple[str, ...], str] = {}

    def add(self, member: Member) -> None:
        shown = repr(member.name)
        parts = _parts(member.name, shown)[self.strip :]
        if member.kind not in ("file", "directory", "link", "hard link"):
            raise ReleaseError(f"the archive is refused: {shown} is a {member.kind}")
        if not parts:
            return
        self._make_directories(parts if member.kind == "directory" else parts[:-1], shown)
        try:
            if member.kind == "file":
                self._write(member, parts)
            elif member.kind == "link":
                self._link(member, parts, shown)
            elif member.kind == "hard link":
                self._hard_link(member, parts, shown)
        except FileExistsError:
            raise ReleaseError(f"the archive is refused: {shown} is in it twice") from None

    def check_links(self) -> None:
        """Follow every link as the kernel will, now that all of them are there."""
        root = os.path.realpath(self.root)
        for parts, shown in self.links.items():
            real = os.path.realpath(self._path(parts))
            if os.path.commonpath([root, real]) != root:
                raise ReleaseError(f"the archive is refused: the link {shown} leaves it")

    def _path(self, parts: tuple[str, ...]) -> str:
        return os.path.join(self.root, *parts)

    def _make_directories(self, parts: tuple[str, ...], shown: str) -> None:
        for end in range(1, len(parts) + 1):
            if parts[:end] in self.directories:
                continue
            try:
                os.mkdir(self._path(parts[:end]))
            except FileExistsError:  # all directories are known: this is a file or a link
                text = f"{shown} lies below something that is no directory"
                raise ReleaseError(f"the archive is refused: {text}") from None
            os.chmod(self._path(parts[:end]), 0o755)
            self.directories.add(parts[:end])

    def _write(self, member: Member, parts: tuple[str, ...]) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with open(os.open(self._path(parts), flags, 0o600), "wb", buffering=0) as file:
            left = member.size
            with member.open() as content:
                while left and (block := content.read(min(BLOCK, left))):
                    left -= len(block)
                    view = memoryview(block)
                    while view:
                        view = view[file.write(view) :]
            if left:
                raise ReleaseError(f"the archive is damaged: {member.name!r} is incomplete")
            os.fchmod(file.fileno(), (member.mode & 0o755) | 0o644)
        self.files.add(parts)

    def _link(self, member: Member, parts: tuple[str, ...], shown: str) -> None:
        if not member.target or member.target.startswith("/") or "\0" in member.target:
            raise ReleaseError(f"the archive is refused: the link {shown} leaves it")
        os.symlink(member.target, self._path(parts))
        self.links[parts] = shown

    def _hard_link(self, member: Member, parts: tuple[str, ...], shown: str) -> None:
        target = _parts(member.target, f"{shown} -> {member.target!r}")[self.strip :]
        if target not in self.files:
            raise ReleaseError(f"the archive is refused: {shown} links to a file outside of it")
        os.link(self._path(target), self._path(parts), follow_symlinks=False)
        self.files.add(parts)


def _parts(name: str, shown: str) -> tuple[str, ...]:
    parts = tuple(part for part in name.split("/") if part not in ("", "."))
    if name.startswith("/") or ".." in parts or "\0" in name:
        raise ReleaseError(f"the archive is refused: {shown} leads out of it")
    return parts
