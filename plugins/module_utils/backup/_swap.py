# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that take the place of others at once, and give it back.

All that is new lies on the disk before the daemon stops; then names change, which takes no time.
A note in the daemon's state says which, so that a run that is cut off is taken back by the next.
"""

from __future__ import annotations

import json
import os
import posixpath
import secrets
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from ..daemon import _files
from ._copies import Owner, make

WORK = ".barehost-restore"  # beside what is replaced, on the same file system


class Move(NamedTuple):
    """One name that changes: where it counts, where the new waits, where the old is kept."""

    live: str
    new: str
    old: str
    comes: bool  # whether there is a new one


@dataclass
class Swap:
    """The exchange of entries of some directories. note: the file that remembers it."""

    note: str
    moves: list[Move] = field(default_factory=list)
    works: list[str] = field(default_factory=list)

    def work(self, directory: str, owner: Owner) -> str:
        """Make the place for what comes into a directory; returns it."""
        top = posixpath.join(directory, WORK)
        if top not in self.works:
            shutil.rmtree(top, ignore_errors=True)
            self.works.append(top)
            for path in (top, posixpath.join(top, "new"), posixpath.join(top, "old")):
                make(path, owner)
        return posixpath.join(top, "new")

    def plan(self, directory: str, leaving: Iterable[str]) -> None:
        """Note the names in a directory that leave, and those that were put into its work."""
        top = posixpath.join(directory, WORK)
        coming = os.listdir(posixpath.join(top, "new"))
        self.moves += [
            Move(posixpath.join(directory, n), f"{top}/new/{n}", f"{top}/old/{n}", n in coming)
            for n in sorted({*leaving, *coming})
        ]

    def exchange(self) -> None:
        """Put the new into its place. From the note on, back() undoes it."""
        text = json.dumps({"moves": self.moves, "works": self.works})
        _files.write(self.note, text.encode(), 0o600)
        _files.sync_directory(posixpath.dirname(self.note))
        for move in self.moves:
            if os.path.lexists(move.live):
                os.rename(move.live, move.old)
        for move in self.moves:
            if move.comes:
                os.rename(move.new, move.live)

    def back(self) -> None:
        """Put the old into its place again, however far an exchange, or a way back, has come."""
        for move in self.moves:
            # What came in is no longer in the place where it waited.
            if move.comes and not os.path.lexists(move.new) and os.path.lexists(move.live):
                os.rename(move.live, move.new)
            if os.path.lexists(move.old):
                if os.path.lexists(move.live):  # made by a daemon that was started in between
                    os.rename(move.live, f"{move.new}.{secrets.token_hex(4)}")
                os.rename(move.old, move.live)
        self.forget()

    def forget(self) -> None:
        """It is done, one way or the other."""
        _files.remove(self.note)
        for work in self.works:
            shutil.rmtree(work, ignore_errors=True)


def unfinished(note: str) -> Swap | None:
    """The exchange that a run was cut off in."""
    try:
        with open(note, encoding="utf-8") as file:
            raw = json.load(file)
    except FileNotFoundError:
        return None
    return Swap(note, [Move(*move) for move in raw["moves"]], raw["works"])
