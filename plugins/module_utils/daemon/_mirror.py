# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filling a directory with releases, each proved by its digest, which lock.json pins from then on."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from . import _build, _digests, _files, _mirror_lock
from ._digests import Digest, Opener, ReleaseError
from ._errors import DaemonError
from ._mirror_lock import Locked
from ._mirror_wanted import Wanted

_ALGORITHMS = ("sha256", "sha512")


@dataclass(frozen=True)
class Orders:
    """What the operator wants beyond the files themselves."""

    relock: bool = False  # take what upstream publishes now, whatever was locked
    prune: bool = False  # remove what nobody wants any more
    complete: bool = True  # the files are all that anybody wants; else nothing is unwanted


@dataclass
class Outcome:
    """What was done, or in check mode would be done."""

    actions: list[str] = field(default_factory=list)
    unwanted: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    files: int = 0


def fill(
    directory: str, wanted: Mapping[str, Wanted], orders: Orders, open_url: Opener, check_mode: bool
) -> Outcome:
    """Make the directory hold what is wanted. The outcome has the faults of all files together."""
    if not check_mode:
        _build.make_directory(directory)
    with _locked(directory):
        lock = _mirror_lock.load(directory)
        work = _Work(directory, wanted, lock, orders, open_url, check_mode)
        work.outcome.files = len(wanted)
        # A list comes before the files that it proves.
        for file in sorted(wanted.values(), key=lambda file: (bool(file.listed_in), file.path)):
            try:
                work.settle(file)
            except DaemonError as exc:
                work.outcome.faults.append(str(exc))
            except OSError as exc:
                where = exc.filename or work.place(file.path)
                work.outcome.faults.append(f"{where}: {exc.strerror or exc}")
        if orders.complete:
            work.sift()
        return work.outcome


@dataclass
class _Work:
    directory: str
    wanted: Mapping[str, Wanted]
    lock: dict[str, Locked]
    orders: Orders
    open_url: Opener
    check_mode: bool
    outcome: Outcome = field(default_factory=Outcome)

    def place(self, path: str) -> str:
        return os.path.join(self.directory, path)

    def settle(self, file: Wanted) -> None:
        """Have one file as it is locked; or get and lock it."""
        locked = self.lock.get(file.path)
        pinned = None if self.orders.relock else locked
        digest = _digests.pinned(file.digest) if file.digest else None
        if digest:
            self._compare(file, pinned, str(digest), "the inventory wants")
        there = locked is not None and self._holds(file.path, locked, digest)
        if there and (pinned or digest):
            return
        if self.check_mode:
            verb = "look anew at" if there else "get"
            self.outcome.actions.append(f"{verb} {_digests.shown(file.address)}")
            return
        if file.listed_in:
            digest = self._listed(file)
            self._compare(file, pinned, str(digest), f"{file.listed_in} has")
            if there and locked and locked.digest == str(digest):
                return
        self._get(file, digest, pinned, locked if there else None)

    def _holds(self, path: str, locked: Locked, digest: Digest | None) -> bool:
        """Whether the file is there as it is locked, and has the digest that is given."""
        found = self.place(path)
        if not os.path.isfile(found) or os.path.getsize(found) != locked.size:
            return False
        wanted = {locked.digest, str(digest or locked.digest)}
        return all(one == _digest(found, one.partition(":")[0]) for one in wanted)

    def _listed(self, file: Wanted) -> Digest:
        """What the list says, which is in the mirror by now, unless it was refused."""
        source = self.wanted[file.listed_in].address
        if not os.path.isfile(self.place(file.listed_in)):
            raise ReleaseError(f"{file.path}: not had, since {file.listed_in} is missing")
        with open(self.place(file.listed_in), encoding="utf-8", errors="replace") as text:
            return _digests.listed(text.read(_digests.LIST_LIMIT), file.address, source)

    def _get(
        self, file: Wanted, digest: Digest | None, pinned: Locked | None, there: Locked | None
    ) -> None:
        """Download a file, prove it, put it into its place, lock it. there: what is replaced."""
        path = self.place(file.path)
        _build.make_directory(os.path.dirname(path))
        for leftover in _files.temporaries(path):  # of a killed run
            _files.remove(leftover)
        download = _Download(self.open_url, file)
        _files.write(path, self._proved(download, digest, pinned), 0o644)
        _files.sync_directory(os.path.dirname(path))
        value = download.digest(digest.algorithm if digest else "sha256")
        shown = _digests.shown(file.address)
        self.lock[file.path] = Locked(value, download.size, shown, file.release)
        _mirror_lock.save(self.directory, self.lock)
        if there is None or there.digest != value:
            self.outcome.actions.append(f"get {shown}")

    def _proved(
        self, download: _Download, digest: Digest | None, pinned: Locked | None
    ) -> Iterator[bytes]:
        """Yield a download. One that is not as wanted and locked ends in an error: it gets no name."""
        yield from download.blocks()
        if pinned:
            found = download.digest(pinned.digest.partition(":")[0])
            self._compare(download.file, pinned, found, "upstream has")
        if digest and (found := download.digest(digest.algorithm)) != str(digest):
            shown = _digests.shown(download.file.address)
            raise ReleaseError(f"digest of {shown} is {found}, but {digest} is wanted")

    def _compare(self, file: Wanted, pinned: Locked | None, digest: str, who: str) -> None:
        """Refuse another digest than the locked one; one of another kind shows in the file alone."""
        if pinned is None or digest == pinned.digest:
            return
        if digest.partition(":")[0] == pinned.digest.partition(":")[0]:
            raise ReleaseError(
                f"{file.path}: {who} {digest}, but {self.place(_mirror_lock.NAME)} has "
                f"{pinned.digest}. What is published does not change: find out why it did. "
                "If that is right, run again with barehost_mirror_relock=true"
            )

    def sift(self) -> None:
        """Name what the mirror holds and nobody wants, and remove it if that is ordered."""
        self.outcome.unwanted = sorted(set(self.lock) - set(self.wanted))
        if not self.orders.prune or self.outcome.faults:
            return
        for path in self.outcome.unwanted:
            self.outcome.actions.append(f"remove {path}")
            if not self.check_mode:
                del self.lock[path]
                _mirror_lock.save(self.directory, self.lock)
                _files.remove(self.place(path))
                _files.remove_empty_parents(self.place(path), self.place(path.partition("/")[0]))


class _Download:
    """A file on its way, counted and digested."""

    def __init__(self, open_url: Opener, file: Wanted) -> None:
        self.file = file
        self.size = 0
        self._open_url = open_url
        self._states = {name: hashlib.new(name) for name in _ALGORITHMS}

    def blocks(self) -> Iterator[bytes]:
        address, what = self.file.address, f"{self.file.path} of {self.file.release}"
        with _digests.request(self._open_url, address, what) as response:
            for block in _digests.blocks(response, address):
                self.size += len(block)
                for state in self._states.values():
                    state.update(block)
                yield block

    def digest(self, algorithm: str) -> str:
        return f"{algorithm}:{self._states[algorithm].hexdigest()}"


def _digest(path: str, algorithm: str) -> str:
    state = hashlib.new(algorithm)
    for part in _files.parts(path):
        state.update(part)
    return f"{algorithm}:{state.hexdigest()}"


@contextmanager
def _locked(directory: str) -> Iterator[None]:
    """Keep runs apart. In check mode there may be no directory yet."""
    if not os.path.isdir(directory):
        yield
        return
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)
