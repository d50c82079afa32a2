# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Alertmanagers that a Prometheus names: where this host reaches them, and whether they are known."""

from __future__ import annotations

import re
import socket
import urllib.parse
from collections.abc import Callable, Iterable
from contextlib import suppress

_ALERTS = re.compile(r"/api/v\d+/alerts/?\Z")
_LOOPBACK = re.compile(r"127(\.\d+){3}|::1|localhost")
_PORTS = {"http": 80, "https": 443}


def address(told: str, prometheus: str, here: Callable[[str], bool]) -> str:
    """Where this host reaches an Alertmanager. ValueError: it is no address.

    told: where Prometheus sends alerts. Its loopback is that of its own host.
    """
    base = urllib.parse.urlsplit(_ALERTS.sub("", told))
    if base.scheme not in _PORTS or not base.hostname:
        raise ValueError(f"{told} is no http:// or https:// address")
    port = base.port or _PORTS[base.scheme]
    host = base.hostname
    if _LOOPBACK.fullmatch(host):
        other = urllib.parse.urlsplit(prometheus).hostname or ""
        if not _LOOPBACK.fullmatch(other) and not here(other):
            host = other
    shown = f"[{host}]" if ":" in host else host
    return f"{base.scheme}://{shown}:{port}{base.path.rstrip('/')}"


def known(url: str, addresses: Iterable[str]) -> bool:
    """Whether one of these has the same host, port and path."""
    return _place(url) in map(_place, addresses)


def _place(url: str) -> tuple[str, int, str]:
    parts = urllib.parse.urlsplit(url)
    return parts.hostname or "", parts.port or _PORTS[parts.scheme], parts.path.rstrip("/")


def here(host: str) -> bool:
    """Whether a name or an address is this host's own: the way to it begins where it ends. Nothing is sent."""
    with suppress(OSError):
        found = socket.getaddrinfo(host, 9, type=socket.SOCK_DGRAM)
        for family, kind, protocol, _name, place in found:
            with suppress(OSError), socket.socket(family, kind, protocol) as sock:
                sock.connect(place)
                if sock.getsockname()[0] == place[0]:
                    return True
    return False
