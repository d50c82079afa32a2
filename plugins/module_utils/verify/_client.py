# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Questions to a service on its own host; nothing here changes anything."""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from ..daemon._finding import Finding
from ..daemon._health import fetch
from ..daemon._spec import Health

_NONE: Mapping[str, str] = MappingProxyType({})


class Unanswered(Exception):
    """A question got no answer, or not the one that was asked for; the text says which and why."""


@dataclass
class Verdict:
    """What was found, and what was seen on the way."""

    findings: list[Finding] = field(default_factory=list)
    seen: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Client:
    """The API at an address. access: how one gets in, as the health group says it."""

    url: str
    access: Health
    host: str = ""  # the name by which it wants to be called

    def get(self, path: str, words: Mapping[str, str | int | float] | None = None) -> Any:
        """Return the JSON of an answer."""
        query = f"?{urllib.parse.urlencode(words)}" if words else ""
        return self._read(f"{self.url}{path}{query}", "GET", None, _NONE)

    def post(self, path: str, body: bytes, kind: str) -> Any:
        """Return the JSON of the answer to a search. kind: of the body."""
        return self._read(f"{self.url}{path}", "POST", body, {"Content-Type": kind})

    def text(self, path: str) -> str:
        """Return an answer as it is."""
        return self._ask(f"{self.url}{path}", "GET", None, _NONE)

    def _read(self, url: str, method: str, body: bytes | None, headers: Mapping[str, str]) -> Any:
        text = self._ask(url, method, body, headers)
        try:
            return json.loads(text)
        except ValueError:
            raise Unanswered(f"{_place(url)} answers with no JSON: {text[:200]!r}") from None

    def _ask(self, url: str, method: str, body: bytes | None, headers: Mapping[str, str]) -> str:
        try:
            named = {**headers, "Host": self.host} if self.host else headers
            status, text = fetch(url, self.access, named, method, body)
        except OSError as exc:
            raise Unanswered(f"{_place(url)}: {exc}") from None
        if status != 200:
            raise Unanswered(f"{_place(url)} answers {status}: {text.strip()[:300]}")
        return text


def _place(url: str) -> str:
    """An address without what was asked of it."""
    return url.partition("?")[0]
