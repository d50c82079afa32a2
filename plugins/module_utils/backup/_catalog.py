# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The backups of one daemon: directories named after their time, complete or not there.

DIRECTORY/DAEMON/20261126T081500Z/manifest.json
                                 /data/...
DIRECTORY/DAEMON/.20261126T081500Z.partial      while it is made, and after a run that was cut off
"""

from __future__ import annotations

import os
import posixpath
import re
import shutil
import time

from ..daemon import _files
from ..daemon._errors import DaemonError
from . import _manifest
from ._manifest import Manifest

_NAME = re.compile(_manifest.TIME)
_PARTIAL = ".partial"


class Catalog:
    """The backups of one daemon on this host."""

    def __init__(self, directory: str, daemon: str) -> None:
        self.top = directory
        self.directory = posixpath.join(directory, daemon)

    def path(self, name: str) -> str:
        """Where a backup lies."""
        return posixpath.join(self.directory, name)

    def names(self) -> list[str]:
        """The complete backups, the oldest first."""
        return [name for name in self._listed() if _NAME.fullmatch(name) and self._complete(name)]

    def partial(self) -> list[str]:
        """What runs that were cut off have left."""
        return [
            self.path(name)
            for name in self._listed()
            if name.endswith(_PARTIAL) or (_NAME.fullmatch(name) and not self._complete(name))
        ]

    def _listed(self) -> list[str]:
        return sorted(os.listdir(self.directory)) if os.path.isdir(self.directory) else []

    def _complete(self, name: str) -> bool:
        return os.path.isfile(posixpath.join(self.path(name), _manifest.NAME))

    def choose(self, name: str) -> str:
        """The name of the wanted backup; without one the newest."""
        names = self.names()
        if name and name not in names:
            there = ", ".join(names) or "none"
            raise DaemonError(f"there is no backup {name} in {self.directory}; there are: {there}")
        if not names:
            raise DaemonError(
                f"there is no backup in {self.directory}. Take one with playbooks/backup.yml, or "
                "bring one from the controller with -e barehost_restore_source=DIRECTORY"
            )
        return name or names[-1]

    def clean(self) -> None:
        """Remove what runs that were cut off have left."""
        for path in self.partial():
            shutil.rmtree(path)

    def begin(self, name: str) -> str:
        """Make the directory of a backup that is not complete yet."""
        _make(self.top)
        _make(self.directory)
        partial = self.path(f".{name}{_PARTIAL}")
        _make(partial)
        _make(posixpath.join(partial, _manifest.DATA))
        return partial

    def complete(self, partial: str, manifest: Manifest) -> str:
        """Give a backup its manifest and its name: from now on it counts. Returns its path."""
        path = posixpath.join(partial, _manifest.NAME)
        _files.write(path, manifest.to_json().encode(), 0o600)
        _files.sync_directory(partial)
        final = self.path(manifest.time)
        os.rename(partial, final)
        _files.sync_directory(self.directory)
        return final

    def surplus(self, keep: int, coming: int = 0) -> list[str]:
        """The names of the backups beyond the newest ones that are kept; 0 keeps all."""
        names = self.names()
        return names[: max(0, len(names) + coming - keep)] if keep > 0 else []

    def remove(self, name: str) -> None:
        """Remove a backup. Cut off, it is one that is not complete."""
        _files.remove(posixpath.join(self.path(name), _manifest.NAME))
        shutil.rmtree(self.path(name))


def refuse_relative(directory: str, host: str) -> None:
    """Refuse a directory for backups that would be another one each time."""
    if not posixpath.isabs(directory):
        raise DaemonError(
            f'directory: "{directory}" is no absolute path, and would begin wherever Ansible happens '
            f"to run on {host}. Give it from / on, such as /var/backups/barehost (in the inventory: "
            "barehost_backup_directory). Nothing was touched"
        )


def now() -> str:
    """The name of a backup that is made now."""
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())


def _make(path: str) -> None:
    """A directory for root alone: it may hold secrets."""
    if os.path.isdir(path):
        return
    os.makedirs(posixpath.dirname(path), exist_ok=True)
    os.mkdir(path, 0o700)
