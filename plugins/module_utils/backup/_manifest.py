# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a backup says about itself: whose it is, of when, and the digest of each of its files."""

from __future__ import annotations

import hashlib
import json
import os
import posixpath
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ..daemon import _files
from ..daemon._errors import DaemonError

FORMAT = 1  # of manifest.json; another format is not read
NAME = "manifest.json"
TIME = r"\d{8}T\d{6}Z"  # names a backup
IDENTITY = re.compile(rf"[^/\s]+/[^/\s]+/{TIME}")  # of a backup, as below
DATA = "data"  # the folder beside it, which holds the files


@dataclass(frozen=True)
class File:
    """One file of a backup."""

    size: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """The description of a complete backup."""

    product: str
    daemon: str
    version: str
    host: str
    time: str  # UTC, 20261126T081500Z: the name of the backup
    files: Mapping[str, File]
    seen: Mapping[str, Any] = field(default_factory=dict)  # what the running service said then

    @property
    def size(self) -> int:
        """The bytes of all files."""
        return sum(file.size for file in self.files.values())

    @property
    def identity(self) -> str:
        """What no other backup has."""
        return f"{self.host}/{self.daemon}/{self.time}"

    def to_json(self) -> str:
        """Serialise."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=1, sort_keys=True) + "\n"


def from_json(text: str, path: str) -> Manifest:
    """Read a manifest. Raises DaemonError for what is none."""
    try:
        raw = json.loads(text)
        if raw.pop("format") != FORMAT:
            raise DaemonError(
                f"{path} has a format that this version of the collection does not know"
            )
        raw["files"] = {name: File(**file) for name, file in raw["files"].items()}
        return Manifest(**raw)
    except (ValueError, TypeError, KeyError, AttributeError):
        raise DaemonError(f"{path} is damaged: it is no manifest of a backup") from None


def read(backup: str) -> Manifest:
    """Read the manifest of a backup's directory."""
    path = posixpath.join(backup, NAME)
    try:
        with open(path, encoding="utf-8") as file:
            return from_json(file.read(), path)
    except FileNotFoundError:
        raise DaemonError(f"{path} is missing: {backup} is no complete backup") from None


def digests(directory: str) -> dict[str, File]:
    """The files below a directory."""
    found = {}
    for folder, folders, names in os.walk(directory):
        folders.sort()
        for name in sorted(names):
            path = posixpath.join(folder, name)
            found[posixpath.relpath(path, directory)] = File(*_digest(path))
    return found


def _digest(path: str) -> tuple[int, str]:
    size, total = 0, hashlib.sha256()
    for part in _files.parts(path):
        size += len(part)
        total.update(part)
    return size, total.hexdigest()


def faults(backup: str, manifest: Manifest) -> list[str]:
    """What is not as it was when the backup was made. Reads every file."""
    directory = posixpath.join(backup, DATA)
    found = digests(directory)
    told = [
        f"{posixpath.join(directory, name)} is missing"
        for name in sorted(set(manifest.files) - set(found))
    ]
    told += [
        f"{posixpath.join(directory, name)} is not of this backup"
        for name in sorted(set(found) - set(manifest.files))
    ]
    told += [
        f"{posixpath.join(directory, name)} is not what was saved: its sha256 differs"
        for name, file in found.items()
        if manifest.files.get(name, file) != file
    ]
    return told


def newer(version: str, installed: str) -> bool:
    """Whether a version is newer than the installed one; 12.4.1+something counts as 12.4.1."""
    return _numbers(version) > _numbers(installed)


def _numbers(version: str) -> tuple[int, ...]:
    found = re.match(r"\d+(\.\d+)*", version)
    return tuple(int(part) for part in found[0].split(".")) if found else ()
