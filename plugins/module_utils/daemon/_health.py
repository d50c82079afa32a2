# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Health probes: does the daemon answer as a healthy one, and is it the daemon that answers?"""

from __future__ import annotations

import base64
import re
import socket
import ssl
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field

from . import _metrics, _sockets
from ._spec import Health, Probe
from ._systemd import Status

_LIMIT = 64 * 1024 * 1024  # bytes of an answer that are read
_REQUEST_TIMEOUT = 10  # seconds


Baseline = Mapping[tuple[str, str], float]  # (address, condition) -> value


@dataclass(frozen=True)
class Report:
    """What one round of probes found; healthy without faults."""

    faults: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    readings: Baseline = field(default_factory=dict)


def probe(health: Health, baseline: Baseline | None) -> Report:
    """Send each probe once. baseline: the readings of an earlier report; as in _metrics.faults."""
    faults: list[str] = []
    warnings: list[str] = []
    readings: dict[tuple[str, str], float] = {}
    for one in health.probes:
        try:
            status, text = fetch(one.url, health)
        except OSError as exc:
            faults.append(f"{one.url}: {_reason(exc)}")
            continue
        faults += [f"{one.url}: {fault}" for fault in _answer_faults(one, status, text)]
        before = None
        if baseline is not None:
            before = {name: value for (url, name), value in baseline.items() if url == one.url}
        failed, optional = _metrics.faults(one.metrics, text, before)
        faults += [f"{one.url}: {fault}" for fault in failed]
        warnings += [f"{one.url}: {fault}" for fault in optional]
        found = _metrics.readings(one.metrics, text)
        readings.update({(one.url, name): value for name, value in found.items()})
    return Report(tuple(faults), tuple(warnings), readings)


def _answer_faults(probe: Probe, status: int, text: str) -> list[str]:
    if status != probe.status:
        return [f"answers {status} ({_first_line(text)}), wanted {probe.status}"]
    if probe.body and not re.search(probe.body, text):
        return [f"answers {_first_line(text)!r}, wanted something that matches {probe.body!r}"]
    return []


def _first_line(text: str) -> str:
    return (text.strip().splitlines() or ["empty answer"])[0][:200]


def fetch(url: str, health: Health) -> tuple[int, str]:
    """One GET on the host itself: no proxy, no redirect into the unknown."""
    request = urllib.request.Request(url)  # noqa: S310 (the scheme was checked by the spec)
    if health.username:
        credentials = f"{health.username}:{health.password}".encode()
        request.add_header("Authorization", f"Basic {base64.b64encode(credentials).decode()}")
    handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
    if url.startswith("https:"):  # loading the authorities takes longer than the request
        handlers.append(urllib.request.HTTPSHandler(context=_tls(health)))
    opener = urllib.request.build_opener(*handlers)
    try:
        with opener.open(request, timeout=_REQUEST_TIMEOUT) as answer:
            return answer.status, answer.read(_LIMIT).decode("utf-8", "replace")
    except urllib.error.HTTPError as exc:
        with exc:
            return exc.code, exc.read(_LIMIT).decode("utf-8", "replace")
    except (urllib.error.URLError, ValueError) as exc:
        raise OSError(_reason(exc)) from None


def _tls(health: Health) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=health.ca_path or None)
    if not health.validate_certs:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _reason(exc: BaseException) -> str:
    reason = getattr(exc, "reason", None) or exc
    return getattr(reason, "strerror", None) or str(reason) or type(reason).__name__


# -- sockets ------------------------------------------------------------------


def endpoints(health: Health) -> list[tuple[str, int]]:
    """The (address, port) pairs of the probes, resolved on this host; each once."""
    found: list[tuple[str, int]] = []
    for one in health.probes:
        parts = urllib.parse.urlsplit(one.url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        try:
            infos = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
        except OSError:
            continue
        pair = (str(infos[0][4][0]), port)
        if pair not in found:
            found.append(pair)
    return found


def foreign_holders(health: Health, status: Status) -> list[str]:
    """Processes outside the unit that hold a port which the daemon needs."""
    own = _sockets.unit_processes(status.control_group, status.main_pid)
    found: list[str] = []
    for address, port in endpoints(health):
        for listener in _sockets.listeners(port):
            if _sockets.serves(listener, address) and not _sockets.owner(listener, own):
                found.append(f"port {port} is held by {_sockets.describe(listener)}")
    return found


def unowned(health: Health, status: Status) -> list[str]:
    """Probes that are answered, but not by a process of the unit."""
    own = _sockets.unit_processes(status.control_group, status.main_pid)
    found: list[str] = []
    for address, port in endpoints(health):
        matching = [s for s in _sockets.listeners(port) if _sockets.serves(s, address)]
        if not any(_sockets.owner(listener, own) for listener in matching):
            held = ", ".join(_sockets.describe(s) for s in matching) or "nobody"
            found.append(f"{address}:{port} is not held by the unit's processes but by {held}")
    return found
