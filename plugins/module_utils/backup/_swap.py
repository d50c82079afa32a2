# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that take the place of others at once, and give it back.

All that is new lies on the disk before the daemon stops; then names change, which takes no time.
A note in the daemon's state says which, so that a run that is cut off is taken back by the next.
"""

from __future__ import annotations

import glob
import hashlib
import json
import os
import posixpath
import re
import secrets
import shutil
import time
from dataclasses import dataclass, field
from typing import NamedTuple

from ..daemon import _files
from ..daemon._errors import DaemonError
from ._copies import Owner, make, owner

WORK = ".barehost-restore"  # beside what is replaced, on the same file system
KEPT = (
    "barehost-kept-"  # and a time: what a daemon wrote while its data was neither old nor restored
)


class Move(NamedTuple):
    """One name that changes: where it counts, where the new waits, where the old is kept."""

    live: str
    new: str
    old: str
    comes: bool  # whether there is a new one
    goes: bool  # whether there was an old one


@dataclass
class Swap:
    """The exchange of entries of some directories. note: the file that remembers it."""

    note: str
    places: dict[str, str] = field(default_factory=dict)  # directories, and which names leave them
    moves: list[Move] = field(default_factory=list)
    prints: dict[str, str] = field(default_factory=dict)  # of what comes
    found: list[str] = field(default_factory=list)  # what nobody knew of, kept aside

    def work(self, directory: str, owner: Owner) -> str:
        """Make the place for what comes into a directory; returns it."""
        top = posixpath.join(directory, WORK)
        if directory not in self.places:
            if _holds_old(top):
                # No note tells of it any more, but it may be all that there is of somebody's data.
                self.found.append(_kept(posixpath.join(top, "old"), directory))
            _discard(top)
            self.places[directory] = ""
            for path in (top, posixpath.join(top, "new"), posixpath.join(top, "old")):
                make(path, owner)
        return posixpath.join(top, "new")

    def plan(self, directory: str, ours: str) -> None:
        """Say which names of a directory leave it, as a pattern; what is in its work comes."""
        self.places[directory] = ours

    def exchange(self) -> None:
        """Put the new into its place. From the note on, back() undoes it."""
        for directory, ours in self.places.items():
            top = posixpath.join(directory, WORK)
            coming = os.listdir(posixpath.join(top, "new"))
            for name in sorted({*_matching(directory, ours), *coming}):
                live, new = posixpath.join(directory, name), f"{top}/new/{name}"
                there = os.path.lexists(live)
                self.moves.append(Move(live, new, f"{top}/old/{name}", name in coming, there))
                self.prints[new] = _print(new)
        self._remember()
        for move in self.moves:
            if move.goes:
                os.rename(move.live, move.old)
        for move in self.moves:
            if move.comes:
                os.rename(move.new, move.live)

    def _remember(self) -> None:
        text = json.dumps({"places": self.places, "moves": self.moves, "prints": self.prints})
        _files.write(self.note, text.encode(), 0o600)
        _files.sync_directory(posixpath.dirname(self.note))

    def back(self, keep: bool) -> list[str]:
        """Put the old into its place again, however far an exchange, or a way back, has come.

        keep: keep aside what was written meanwhile. Returns the directories that it lies in.
        """
        if any(os.path.lexists(m.old) or m.comes > os.path.lexists(m.new) for m in self.moves):
            self._clear()
            self._undo()
            self._sync()
            self.moves = []
            self._remember()  # from now on only what was written meanwhile is left to settle
        kept = [path for place in self.places for path in self._keep(place)] if keep else []
        self.forget()
        return kept

    def drop_lost(self) -> list[str]:
        """Give up the places whose old data somebody has removed; returns what is missing there."""
        lost = [one for one in self.places if not os.path.isdir(posixpath.join(one, WORK))]
        self.moves = [move for move in self.moves if posixpath.dirname(move.live) not in lost]
        for directory in lost:
            del self.places[directory]
        return [posixpath.join(directory, WORK) for directory in lost]

    def _clear(self) -> None:
        """Take away what a daemon that was started in between made beside what has moved."""
        known = {move.live for move in self.moves}
        for directory, ours in self.places.items():
            for name in _matching(directory, ours):
                path = posixpath.join(directory, name)
                if path not in known:
                    _aside(path, directory)

    def _undo(self) -> None:
        """Move the old last: as long as some of it is away, the next run begins again."""
        for move in self.moves:
            waits = os.path.lexists(move.new) or not move.comes
            away = os.path.lexists(move.old) or not move.goes
            if waits and away and os.path.lexists(move.live):  # made in between
                _aside(move.live, posixpath.dirname(move.live))
        for move in self.moves:
            # What came in is no longer in the place where it waited.
            came = move.comes and not os.path.lexists(move.new)
            away = os.path.lexists(move.old) or not move.goes
            if came and away and os.path.lexists(move.live):
                os.rename(move.live, move.new)
        for move in self.moves:
            if os.path.lexists(move.old):
                os.rename(move.old, move.live)

    def _keep(self, directory: str) -> list[str]:
        """Give what was written meanwhile a place of its own, where no later restore removes it."""
        top = posixpath.join(directory, WORK)
        for path in sorted(glob.glob(posixpath.join(glob.escape(top), "new", "*"))):
            if _print(path) != self.prints.get(path):
                _aside(path, directory)
        since = posixpath.join(top, "since")
        if os.path.isdir(since):
            _kept(since, directory)
        return sorted(glob.glob(posixpath.join(glob.escape(directory), f"{KEPT}*")))

    def _sync(self) -> None:
        for directory in self.places:
            for folder in ("", WORK, f"{WORK}/new", f"{WORK}/old"):
                path = posixpath.join(directory, folder)
                if os.path.isdir(path):
                    _files.sync_directory(path)

    def forget(self) -> None:
        """It is done, one way or the other: on the disk too, before the note and the old go."""
        self._sync()
        _files.remove(self.note)
        _files.sync_directory(posixpath.dirname(self.note))
        for directory in self.places:
            _discard(posixpath.join(directory, WORK))


def _matching(directory: str, ours: str) -> list[str]:
    return [name for name in sorted(os.listdir(directory)) if re.fullmatch(ours, name)]


def _aside(path: str, directory: str) -> None:
    top = posixpath.join(directory, WORK)
    since = posixpath.join(top, "since")
    make(since, owner(top))
    os.rename(path, _free(posixpath.join(since, posixpath.basename(path))))


def _kept(path: str, directory: str) -> str:
    moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    place = _free(posixpath.join(directory, f"{KEPT}{moment}"))
    os.rename(path, place)
    return place


def _discard(top: str) -> None:
    """Remove what is not needed any more. Cut off half-way, it is not mistaken for somebody's data."""
    gone = f"{top}.gone"
    shutil.rmtree(gone, ignore_errors=True)
    if _holds_old(top):
        os.rename(top, gone)
    for path in (top, gone):
        shutil.rmtree(path, ignore_errors=True)


def _holds_old(top: str) -> bool:
    old = posixpath.join(top, "old")
    return os.path.isdir(old) and bool(os.listdir(old))


def _free(path: str) -> str:
    return f"{path}.{secrets.token_hex(4)}" if os.path.lexists(path) else path


def _print(path: str) -> str:
    """What changes when somebody writes into a file or a directory; nothing when there is none."""
    found = []
    for folder, folders, names in os.walk(path):
        folders.sort()
        found += [posixpath.join(folder, name) for name in sorted(names)]
    if os.path.lexists(path) and not os.path.isdir(path):
        found = [path]
    total = hashlib.sha256()
    for name in found:
        info = os.lstat(name)
        told = [posixpath.relpath(name, path), info.st_size, info.st_mtime_ns]
        total.update(json.dumps(told).encode())
    return total.hexdigest() if found or os.path.isdir(path) else ""


def unfinished(note: str) -> Swap | None:
    """The exchange that a run was cut off in."""
    try:
        with open(note, encoding="utf-8") as file:
            raw = json.load(file)
        moves = [Move(*move) for move in raw["moves"]]
        return Swap(note, dict(raw["places"]), moves, dict(raw["prints"]))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError):
        raise DaemonError(
            f"{note} is damaged: what a restore that was cut off has moved is not known any more. "
            f"What was there before is in {WORK}/old in the directory of the data: put it back by "
            "hand, remove the note, and run again"
        ) from None
