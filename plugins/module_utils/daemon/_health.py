# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Health probes: does the daemon answer as a healthy one, and is it the daemon that answers?"""

from __future__ import annotations

import base64
import http.client
import re
import socket
import ssl
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from . import _metrics, _sockets
from ._spec import Health, Probe
from ._systemd import Status

_LIMIT = 64 * 1024 * 1024  # bytes of an answer that are read
_REQUEST_TIMEOUT = 10  # seconds


_NONE: Mapping[str, str] = MappingProxyType({})

Baseline = Mapping[tuple[str, str], float]  # (address, condition) -> value


@dataclass(frozen=True)
class Report:
    """What one round of probes found; healthy without faults."""

    faults: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    readings: Baseline = field(default_factory=dict)
    final: bool = False  # waiting will not help


class Untrusted(OSError):
    """The daemon answers, but with a certificate that proves nothing."""


def probe(health: Health, baseline: Baseline | None) -> Report:
    """Send each probe once. baseline: the readings of an earlier report; as in _metrics.faults."""
    faults: list[str] = []
    warnings: list[str] = []
    readings: dict[tuple[str, str], float] = {}
    final = False
    for one in health.probes:
        try:
            status, text = fetch(one.url, health, one.headers)
        except OSError as exc:
            faults.append(f"{one.url}: {exc}")
            final = final or isinstance(exc, Untrusted)
            continue
        faults += [f"{one.url}: {fault}" for fault in _answer_faults(one, status, text)]
        if status != one.status and status in one.final:
            final = True
            break  # no further request: each one with a wrong password may count
        before = None
        if baseline is not None:
            before = {name: value for (url, name), value in baseline.items() if url == one.url}
        failed, optional = _metrics.faults(one.metrics, text, before)
        faults += [f"{one.url}: {fault}" for fault in failed]
        warnings += [f"{one.url}: {fault}" for fault in optional]
        found = _metrics.readings(one.metrics, text)
        readings.update({(one.url, name): value for name, value in found.items()})
    return Report(tuple(faults), tuple(warnings), readings, final)


def _answer_faults(probe: Probe, status: int, text: str) -> list[str]:
    if status != probe.status:
        hint = f" ({probe.hint})" if probe.hint else ""
        return [f"answers {status} ({_first_line(text)}), wanted {probe.status}{hint}"]
    if probe.body and not re.search(probe.body, text):
        return [f"answers {_first_line(text)!r}, wanted something that matches {probe.body!r}"]
    return []


def _first_line(text: str) -> str:
    return (text.strip().splitlines() or ["empty answer"])[0][:200]


def fetch(
    url: str,
    health: Health,
    headers: Mapping[str, str] = _NONE,
    method: str = "GET",
    body: bytes | None = None,
    timeout: float | None = None,
) -> tuple[int, str]:
    """One request on the host itself, by no proxy. What goes wrong is an OSError with the words."""
    timeout = _REQUEST_TIMEOUT if timeout is None else timeout
    try:
        return _send(url, health, headers, method, body, timeout)
    except (OSError, ValueError, http.client.HTTPException) as exc:
        untrusted = isinstance(_cause(exc), ssl.SSLCertVerificationError)
        raise (Untrusted if untrusted else OSError)(_reason(exc, timeout)) from None


def _send(
    url: str,
    health: Health,
    headers: Mapping[str, str],
    method: str,
    body: bytes | None,
    timeout: float,
) -> tuple[int, str]:
    _port(url)  # a connection would take a port that is too large modulo 65536
    # noqa below: the scheme was checked by the spec
    request = urllib.request.Request(url, body, dict(headers), method=method)  # noqa: S310
    if health.username:
        credentials = f"{health.username}:{_password(health)}".encode()
        request.add_header("Authorization", f"Basic {base64.b64encode(credentials).decode()}")
    handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({}), _Stay()]
    if url.startswith("https:"):  # loading the authorities takes longer than the request
        handlers.append(urllib.request.HTTPSHandler(context=_tls(health)))
    opener = urllib.request.build_opener(*handlers)
    try:
        with opener.open(request, timeout=timeout) as answer:
            return answer.status, _text(answer)
    except urllib.error.HTTPError as exc:
        with exc:
            return exc.code, _text(exc)


def _password(health: Health) -> str:
    """The password; the one that the host made stands in a file."""
    if not health.password_file:
        return health.password
    with open(health.password_file, encoding="utf-8") as file:
        return file.read().strip()


class _Stay(urllib.request.HTTPRedirectHandler):
    """A redirect is the answer: another address is not what was to be proved, and gets no password."""

    def redirect_request(self, *_arguments: Any) -> None:
        """Follow none."""


def _port(url: str) -> int:
    parts = urllib.parse.urlsplit(url)
    return parts.port or (443 if parts.scheme == "https" else 80)


def _text(answer: Any) -> str:
    """The answer's text. http.client alone takes less than the announced length for the whole."""
    text: bytes = answer.read(_LIMIT)
    missing = getattr(answer, "length", None)
    if missing and len(text) < _LIMIT:
        raise http.client.IncompleteRead(text, missing)
    return text.decode("utf-8", "replace")


def _tls(health: Health) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=health.ca_path or None)
    except OSError as exc:
        source = health.ca_path or "the system's store"
        raise OSError(
            f"the certificate authorities in {source} cannot be used: {_reason(exc, _REQUEST_TIMEOUT)}"
        ) from None
    # From 3.13 on Python is stricter than the daemons, and refuses authorities of elasticsearch-certutil.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if not health.validate_certs:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _cause(exc: BaseException) -> BaseException:
    inner = getattr(exc, "reason", None)
    return inner if isinstance(inner, BaseException) else exc


def _reason(exc: BaseException, timeout: float) -> str:
    """What happened, in words that go on after the probe's address."""
    exc = _cause(exc)
    if isinstance(exc, ssl.SSLCertVerificationError):
        return (
            f"shows a certificate that is not trusted ({exc.verify_message}); name its authority in "
            "health.ca_path, or set health.validate_certs: false"
        )
    if isinstance(exc, socket.timeout):
        return f"gives no answer within {timeout:g} s"
    if isinstance(exc, http.client.IncompleteRead):
        return "the answer was cut off"
    if isinstance(exc, (http.client.InvalidURL, ValueError)) and not isinstance(exc, OSError):
        return f"is no valid address: {exc}"
    if isinstance(exc, http.client.HTTPException) and not isinstance(exc, OSError):
        return f"gives no HTTP answer: {str(exc)[:200]!r}"
    return getattr(exc, "strerror", None) or str(exc) or type(exc).__name__


def certificate_end(place: str, health: Health) -> float:
    """When the certificate that is shown at https://host:port ends, in seconds since the epoch.

    Raises OSError when there is no answer, or one that is not trusted.
    """
    parts = urllib.parse.urlsplit(place)
    host, port = parts.hostname or "", _port(place)
    raw = socket.create_connection((host, port), _REQUEST_TIMEOUT)
    with raw, _tls(health).wrap_socket(raw, server_hostname=host) as connection:
        shown = connection.getpeercert()
    # Of one that is not judged Python does not tell the contents.
    if not shown:
        raise OSError("its certificate is not judged (health.validate_certs: false)")
    return float(ssl.cert_time_to_seconds(str(shown["notAfter"])))


# -- sockets ------------------------------------------------------------------


@dataclass(frozen=True)
class Endpoint:
    """Where requests of probes go: a port at one of the addresses that a name stands for."""

    host: str
    port: int
    addresses: tuple[str, ...]

    def __str__(self) -> str:
        return _sockets.shown(self.host, self.port)


def endpoints(health: Health) -> list[Endpoint]:
    """The endpoints of the probes, and the other places, resolved on this host; each once.

    What can not be resolved is left out: its probe says so.
    """
    found: list[Endpoint] = []
    for url in (
        *(one.url for one in health.probes),
        *(f"tcp://{place}" for place in health.listens),
    ):
        try:
            host, port = urllib.parse.urlsplit(url).hostname or "", _port(url)
            infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, ValueError):  # the latter: no address, or a name with an empty label
            continue
        # A link-local address may carry its interface, which /proc does not tell.
        addresses = dict.fromkeys(str(info[4][0]).partition("%")[0] for info in infos)
        endpoint = Endpoint(host, port, tuple(addresses))
        if endpoint not in found:
            found.append(endpoint)
    return found


def held(status: Status) -> list[_sockets.Listener]:
    """The sockets on which the unit's processes listen."""
    return _sockets.held(_sockets.unit_processes(status.control_group, status.main_pid))


def foreign_holders(health: Health, status: Status) -> list[str]:
    """Processes outside the unit that hold a port which the daemon needs."""
    own = _sockets.unit_processes(status.control_group, status.main_pid)
    found: list[str] = []
    for endpoint in endpoints(health):
        for listener in _sockets.listeners(endpoint.port):
            needed = any(_sockets.serves(listener, address) for address in endpoint.addresses)
            if needed and not _sockets.owner(listener, own):
                found.append(f"port {endpoint.port} is held by {_sockets.describe(listener)}")
    return found


def unowned(health: Health, status: Status) -> list[str]:
    """Probes that are answered, but not by a process of the unit.

    A daemon need not serve each address of a name: localhost may stand for ::1 and 127.0.0.1.
    But where somebody else serves one, nobody knows who has answered.
    """
    own = _sockets.unit_processes(status.control_group, status.main_pid)
    found: list[str] = []
    for endpoint in endpoints(health):
        listeners = _sockets.listeners(endpoint.port)
        answering = {a: _sockets.answering(listeners, a) for a in endpoint.addresses}
        if not any(answering.values()):
            found.append(_foreign(str(endpoint), "nobody"))
        for address, sockets in answering.items():
            if sockets and not any(_sockets.owner(listener, own) for listener in sockets):
                held = ", ".join(_sockets.describe(listener) for listener in sockets)
                found.append(_foreign(_sockets.shown(address, endpoint.port), held))
    return found


def _foreign(place: str, held: str) -> str:
    return f"{place} is not held by the unit's processes but by {held}"
