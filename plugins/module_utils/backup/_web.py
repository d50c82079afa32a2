# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Questions to a daemon's API, with the login of its health probes; answers are JSON."""

from __future__ import annotations

import json
import time
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..daemon import _health
from ..daemon._errors import DaemonError
from ..daemon._spec import Health

_PATIENCE = 30  # seconds in which a daemon may be too busy to answer
_PAUSE = 0.5
_ASKED, _TOLD = 10, 600  # seconds that an answer may take: what is told may be a lot of work


class Refusal(DaemonError):
    """The daemon answers, but with another status than was hoped for."""

    def __init__(self, message: str, status: int, text: str) -> None:
        super().__init__(message)
        self.status = status
        self.text = text


@dataclass(frozen=True)
class Api:
    """The API at an address. health: how its probes are sent, as it is deployed at that moment."""

    base: str
    health: Callable[[], Health]

    def get(self, path: str, **query: str) -> Any:
        """Ask."""
        return self.send("GET", path, None, **query)

    def send(self, method: str, path: str, body: Any = None, **query: str) -> Any:
        """Tell. Raises Refusal with the daemon's own words, DaemonError when there is no answer."""
        url = f"{self.base}{path}" + (f"?{urllib.parse.urlencode(query)}" if query else "")
        health, data = self.health(), None
        headers = dict(health.probes[0].headers) if health.probes else {}
        if body is not None:
            headers["Content-Type"], data = "application/json", json.dumps(body).encode()
        end = time.monotonic() + _PATIENCE
        timeout = _ASKED if method == "GET" else _TOLD
        while True:
            try:
                status, text = _health.fetch(url, health, headers, method, data, timeout)
            except OSError as exc:
                # Only a question may be put twice.
                if method != "GET" or time.monotonic() > end:
                    raise DaemonError(f"{url}: {exc}") from None
            else:
                if not (method == "GET" and status in (429, 503) and time.monotonic() < end):
                    return _read(method, url, status, text)
            time.sleep(_PAUSE)


def _read(method: str, url: str, status: int, text: str) -> Any:
    if not 200 <= status < 300:
        raise Refusal(f"{method} {url} answers {status}: {text.strip()[:2000]}", status, text)
    try:
        return json.loads(text) if text.strip() else None
    except ValueError:
        raise DaemonError(f"{method} {url} answers no JSON: {text.strip()[:200]!r}") from None
