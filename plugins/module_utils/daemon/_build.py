# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private: from an address to a complete release tree, or an error and nothing."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import IO, TYPE_CHECKING

from . import _archive, _digests
from ._digests import Opener, ReleaseError

if TYPE_CHECKING:
    from ._release import ReleaseSpec

MARKER = ".barehost-release.json"  # written last: a tree without it is not complete

_ARCHIVES = re.compile(r"\.(tar(\.(gz|xz|bz2))?|tgz|txz|tbz2?|zip)$", re.IGNORECASE)


def build(
    spec: ReleaseSpec, url: str, checksum: str, open_url: Opener, work: str, free: int
) -> None:
    """Download, verify and unpack into `work`/tree; url and checksum are without placeholders.

    free: bytes free before, for the error about a full disk.
    """
    what = f"version {spec.version} of {spec.name}"
    download, tree = os.path.join(work, "download"), os.path.join(work, "tree")
    names = spec.binaries
    with _digests.request(open_url, url, what) as response:
        length = _digests.content_length(response)
        if length is not None and length > free:
            raise ReleaseError(_disk_full(spec, length, free))
        wanted = _wanted(spec, checksum, url, open_url)
        _download(response, url, download, wanted)
    make_directory(tree)
    if spec.format == "binary" or not (spec.format or _ARCHIVES.search(_digests.filename(url))):
        names = names or (spec.name,)
        if len(names) > 1:
            raise ReleaseError(f"{_digests.shown(url)} is one binary, not {', '.join(names)}")
        make_directory(os.path.dirname(os.path.join(tree, names[0])))
        os.rename(download, os.path.join(tree, names[0]))
    else:
        try:
            _archive.unpack(download, tree, spec.strip)
        except ReleaseError as exc:
            raise ReleaseError(f"{_digests.shown(url)}: {exc}") from exc
    files = {name: _seal_program(tree, name, _digests.shown(url)) for name in names}
    marker = {"version": spec.version, "digest": str(wanted), "files": files}
    with open(os.path.join(tree, MARKER), "w", encoding="utf-8") as file:
        json.dump(marker, file)
        os.fchmod(file.fileno(), 0o644)
    _sync(tree)


def _download(response: IO[bytes], url: str, path: str, wanted: _digests.Digest) -> None:
    state = hashlib.new(wanted.algorithm)
    with open(path, "wb", buffering=0) as file:
        for block in _digests.blocks(response, url):
            state.update(block)
            view = memoryview(block)
            while view:
                view = view[file.write(view) :]
    if state.hexdigest() != wanted.value:
        found = f"{wanted.algorithm}:{state.hexdigest()}"
        raise ReleaseError(f"digest of {_digests.shown(url)} is {found}, but {wanted} is wanted")


def _wanted(spec: ReleaseSpec, checksum: str, url: str, open_url: Opener) -> _digests.Digest:
    literal = _digests.pinned(checksum)
    if literal:
        return literal
    text = _digests.fetch_list(open_url, checksum, f"{spec.name} {spec.version}")
    return _digests.listed(text, url, checksum)


def _seal_program(tree: str, name: str, source: str) -> tuple[int, int]:
    """Make a binary executable; return what its later state is compared with."""
    path = os.path.join(tree, name)
    try:
        with open(path, "rb") as file:
            start = file.read(4)
            os.fchmod(file.fileno(), 0o755)
            found = os.fstat(file.fileno())
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        present = ", ".join(sorted(os.listdir(tree))[:8]) or "nothing"
        raise ReleaseError(f"{source} holds no file {name} (it has {present})") from None
    if start != b"\x7fELF" and not start.startswith(b"#!"):
        raise ReleaseError(f"{name} of {source} is neither a program (ELF) nor a script")
    return found.st_size, found.st_mtime_ns


def _sync(tree: str) -> None:
    """Bring everything to the disk, owned by who runs this; in parallel, to share commits."""
    paths = [tree]
    for parent, directories, files in os.walk(tree):
        paths += [os.path.join(parent, name) for name in directories + files]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(_sync_one, (path for path in paths if not os.path.islink(path))))


def _sync_one(path: str) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        os.fchown(handle, os.geteuid(), os.getegid())
        os.fsync(handle)
    finally:
        os.close(handle)


def swap(tree: str, path: str, aside: str) -> None:
    """Rename tree to path; what was there before goes to aside."""
    damaged = os.path.lexists(path)
    if damaged:
        os.rename(path, aside)
    try:
        os.rename(tree, path)
    except OSError:
        if damaged:
            os.rename(aside, path)
        raise
    _sync_one(os.path.dirname(path))


def disk_fault(spec: ReleaseSpec, exc: OSError, work: str, free: int) -> str:
    """Say what went wrong on the disk, and how much room is wanted if it is full."""
    if exc.errno not in (errno.ENOSPC, errno.EDQUOT):
        what = f"{spec.name} {spec.version} in {os.path.join(spec.root, spec.name)}"
        return f"cannot install {what}: {exc.strerror or exc} ({exc.filename or 'no file named'})"
    download, needed = os.path.join(work, "download"), None
    if os.path.isdir(os.path.join(work, "tree")):  # so the download is complete
        with suppress(OSError, ReleaseError):
            needed = os.path.getsize(download) + _archive.unpacked_size(download)
    return _disk_full(spec, needed, free)


def _disk_full(spec: ReleaseSpec, needed: int | None, free: int) -> str:
    amount = f"at least {needed / 1e6:.1f} MB" if needed else "more"
    what = f"{spec.name} {spec.version} needs {amount}, {free / 1e6:.1f} MB were free"
    return f"the disk of {spec.root} is full: {what}"


def make_directory(path: str) -> None:
    """Make a directory and those above it, readable for all whatever the umask is."""
    if not os.path.isdir(path):
        make_directory(os.path.dirname(os.path.abspath(path)))
        with suppress(FileExistsError):  # another run made it; if it is a file, its use fails
            os.mkdir(path)
            os.chmod(path, 0o755)
