# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a deployment consists of: entries (files, links) and digests. Pure data."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

FORMAT = 1  # of record.json; a record of another format is not read


@dataclass(frozen=True)
class Entry:
    """One path that a daemon owns: a file by the digest of its content, or a symbolic link."""

    digest: str = ""  # sha256 of a file's content
    target: str = ""  # of a link
    mode: int = 0
    owner: str = "root"
    group: str = "root"
    on_change: str = "restart"
    secret: bool = False
    generated: bool = False  # a secret that this host made: it may be the key to the data

    @property
    def is_link(self) -> bool:
        """Whether this is a symbolic link."""
        return bool(self.target)

    def same(self, other: Entry | None) -> bool:
        """Whether the path looks the same on disk, whatever a change of it would trigger."""
        return other is not None and self._on_disk() == other._on_disk()

    def _on_disk(self) -> tuple[str, ...]:
        if self.is_link:
            return (self.target,)
        return (self.digest, oct(self.mode), self.owner, self.group)


@dataclass(frozen=True)
class State:
    """A deployed or wanted state of one daemon."""

    version: str
    activation: str  # what a process must have been started from
    reloadable: str  # what it must have (re)loaded
    entries: Mapping[str, Entry]
    prepared: Mapping[str, str] = field(default_factory=dict)  # step -> fingerprint of its cause
    health: Mapping[str, Any] = field(default_factory=dict)  # the health group as given

    def to_json(self) -> str:
        """Serialise for record.json."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=1, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> State | None:
        """Read a record; None when it is damaged or of another format."""
        try:
            raw = json.loads(text)
            if raw.pop("format") != FORMAT:
                return None
            raw["entries"] = {path: Entry(**entry) for path, entry in raw["entries"].items()}
            return cls(**raw)
        except (ValueError, TypeError, KeyError, AttributeError):
            return None


def digest(content: bytes) -> str:
    """The name of a content."""
    return hashlib.sha256(content).hexdigest()


def keyed_digest(salt: bytes, parts: Iterable[Any]) -> str:
    """A short digest that is safe to show although secrets went into it.

    The activation digest stands in the unit and in the process' environment. Keyed with the host's
    salt it can not be used to try out passwords.
    """
    text = json.dumps(list(parts), sort_keys=True, default=str)
    return hmac.new(salt, text.encode(), hashlib.sha256).hexdigest()[:16]


def selected(entries: Mapping[str, Entry], on_change: str) -> list[tuple[Any, ...]]:
    """The entries with one trigger, in a form fit for a digest."""
    return [
        (path, e.digest, e.target, e.mode, e.owner, e.group)
        for path, e in sorted(entries.items())
        if e.on_change == on_change
    ]
