# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a daemon is told over its API and keeps itself: read, compared, written where it differs."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

from . import _health
from ._errors import DaemonError
from ._spec import Health, Resource

_PATIENCE = 30  # seconds in which a daemon that has just come up may still be busy
_PAUSE = 0.5


def due(resource: Resource, health: Health) -> bool | None:
    """Whether it has to be written; None when the daemon does not tell."""
    try:
        status, text = _ask(resource, health)
    except OSError:
        return None
    if status == 404:
        return True
    if status != 200:
        return None
    return not resource.create and not _holds(resource, text)


def settle(resource: Resource, health: Health) -> bool:
    """Make it so; returns whether it was not. Raises DaemonError with the daemon's own words."""
    status, text = _patiently(resource, health, "GET")
    if status == 200 and (resource.create or _holds(resource, text)):
        return False
    if status not in (200, 404):
        raise DaemonError(_refusal(resource, "GET", resource.url, status, text))
    status, text = _patiently(resource, health, resource.method)
    if not 200 <= status < 300:
        address = resource.write_url or resource.url
        raise DaemonError(_refusal(resource, resource.method, address, status, text))
    return True


def _patiently(resource: Resource, health: Health, method: str) -> tuple[int, str]:
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            answer = _ask(resource, health, method)
            if answer[0] < 500 and answer[0] != 429 or time.monotonic() > end:
                return answer
        except OSError as exc:
            if time.monotonic() > end:
                raise DaemonError(f"{resource.name}: {resource.url}: {exc}") from None
        time.sleep(_PAUSE)


def _ask(resource: Resource, health: Health, method: str = "GET") -> tuple[int, str]:
    if method == "GET":
        return _health.fetch(resource.url, health, resource.headers)
    headers = {"Content-Type": "application/json", **resource.headers}
    body = json.dumps(resource.body).encode()
    return _health.fetch(resource.write_url or resource.url, health, headers, method, body)


def _refusal(resource: Resource, method: str, url: str, status: int, text: str) -> str:
    return f"{resource.name}: {method} {url} answers {status}: {text.strip()[:2000]}"


def _holds(resource: Resource, text: str) -> bool:
    """Whether the answer says at least what is wanted; daemons add defaults of their own."""
    try:
        found = json.loads(text)
        for step in resource.answer:
            found = found[int(step)] if isinstance(found, list) else found[step]
    except (ValueError, KeyError, IndexError, TypeError):
        return False
    return _within(resource.body, found)


def _within(wanted: Any, found: Any) -> bool:
    if isinstance(wanted, Mapping):
        return isinstance(found, Mapping) and all(
            key in found and _within(value, found[key]) for key, value in wanted.items()
        )
    if isinstance(wanted, Sequence) and not isinstance(wanted, str):
        if not isinstance(found, list):  # of one element some daemons make a bare value
            return len(wanted) == 1 and _within(wanted[0], found)
        return len(wanted) == len(found) and all(map(_within, wanted, found))
    return _shown(wanted) == _shown(found)


def _shown(value: Any) -> str:
    """Scalars come back as texts: "1" for 1, "true" for true."""
    return str(value).lower() if isinstance(value, bool) else str(value)
