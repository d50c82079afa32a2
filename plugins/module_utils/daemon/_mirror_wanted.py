# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files a mirror is to hold: each release for each architecture, and the lists of their digests."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from . import _digests
from ._errors import DaemonError, SpecError


@dataclass(frozen=True)
class Wanted:
    """A file that the mirror is to hold."""

    path: str  # below the mirror
    address: str
    release: str
    digest: str = ""  # that somebody has given
    listed_in: str = ""  # or else the path of the list that has it; a list itself has neither


def files(
    releases: Sequence[Mapping[str, Any]], architectures: Sequence[str], source: str
) -> dict[str, Wanted]:
    """Return path -> file. Raises SpecError with all faults.

    source: address of the mirror that is copied; what lies elsewhere keeps its whole path.
    """
    found: dict[str, Wanted] = {}
    faults: list[str] = []
    for release in releases:
        for arch in architectures:
            try:
                for file in _of(release, arch, source.rstrip("/")):
                    _add(found, file)
            except DaemonError as exc:
                faults.append(f"{release['name']} {release['version']}: {exc}")
    if faults:
        raise SpecError(list(dict.fromkeys(faults)))
    return found


def _of(release: Mapping[str, Any], arch: str, source: str) -> list[Wanted]:
    name = f"{release['name']} {release['version']}"
    word = (release.get("arch") or {}).get(arch, arch)

    def fill(text: str) -> str:
        return text.replace("{version}", release["version"]).replace("{arch}", word)

    address = fill(release["url"])
    path = _path(address, source)
    checksum = fill(_digests.for_arch(release["checksum"], word))
    digest = _digests.pinned(checksum)
    if digest:
        return [Wanted(path, address, name, digest=str(digest))]
    own = _path(checksum, source)
    return [Wanted(own, checksum, name), Wanted(path, address, name, listed_in=own)]


def _path(address: str, source: str) -> str:
    inside = bool(source) and address.startswith(f"{source}/")
    path = address[len(source) :] if inside else urlsplit(address).path
    path = unquote(path).lstrip("/")
    parts = path.split("/")
    if not re.match(r"(file|https?)://", address) or not all(parts) or {".", ".."} & {*parts}:
        raise DaemonError(f"{_digests.shown(address)} is no address of a file (https, http, file)")
    return path


def _add(found: dict[str, Wanted], file: Wanted) -> None:
    other = found.setdefault(file.path, file)
    for what in ("address", "digest", "listed_in"):
        one, two = getattr(other, what), getattr(file, what)
        if one != two:
            shown = f"{_digests.shown(one) or 'none'} and {_digests.shown(two) or 'none'}"
            raise DaemonError(f"two hosts want another {file.path}: its {what} is {shown}")
