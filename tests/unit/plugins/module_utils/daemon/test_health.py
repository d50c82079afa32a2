# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Probes against a server, and who holds its port."""

from __future__ import annotations

import datetime
import http.server
import ipaddress
import os
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon import (
    _health,
    _parse,
    _sockets,
)
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._sockets import Listener
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._spec import Health
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._systemd import Status
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers by path."""

    def do_GET(self) -> None:
        secret = self.headers.get("Authorization") == "Basic dTpww6Q="  # u:pä
        status, text = {
            "/ok": (200, "Ready.\nmore"),
            "/metrics": (200, "up 1\nreloads 5\nredis_up 0\n"),
            "/other": (200, "reloads 7\n"),
            "/sick": (503, "not ready\n"),
            "/empty": (200, ""),
            "/bytes": (200, "\udcff"),
            "/private": (200 if secret else 401, "private"),
            "/named": (200 if self.headers["Host"] == "grafana.example.com" else 301, ""),
            "/away": (302, ""),
        }.get(self.path, (404, "no such page"))
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/ok")
        self.end_headers()
        self.wfile.write(text.encode("utf-8", "surrogateescape"))

    def log_message(self, *_args: Any) -> None:
        """Be quiet."""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def health(*probes: dict[str, Any], **more: Any) -> Health:
    return _parse.health({"probes": probes, **more}, [])


def closed_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def test_a_password_may_stand_in_a_file(server: str, tmp_path: Path) -> None:
    password = tmp_path / "password"
    probe = {"url": f"{server}/private"}
    named = health(probe, url_username="u", url_password_file=str(password))
    assert "No such file" in _health.probe(named, None).faults[0]
    password.write_text("pä\n")
    assert _health.probe(named, None).faults == ()


def test_a_final_status_ends_the_round(server: str) -> None:
    """Wrong passwords are counted: neither another probe nor another round may bring one more."""
    pages = ("sick", "private", "ok", "?")
    probes = [{"url": f"{server}/{page}", "final": [401], "hint": "why"} for page in pages]
    report = _health.probe(health(*probes), None)
    assert [fault.split()[0] for fault in report.faults] == [
        f"{server}/sick:",
        f"{server}/private:",
    ]
    assert report.faults[1].endswith("answers 401 (private), wanted 200 (why)")
    assert report.final
    assert not _health.probe(health({"url": f"{server}/private"}), None).final


def test_a_probe_sends_its_headers(server: str) -> None:
    named = {"url": f"{server}/named", "headers": {"Host": "grafana.example.com"}}
    assert _health.probe(health(named), None).faults == ()


PROBES: list[tuple[str, dict[str, Any], list[str]]] = [
    ("/ok", {}, []),
    ("/ok", {"body": "^Ready"}, []),
    ("/ok", {"body": "^more"}, ["answers 'Ready.', wanted something that matches '^more'"]),
    ("/sick", {}, ["answers 503 (not ready), wanted 200"]),
    ("/sick", {"status": 503}, []),
    ("/none", {}, ["answers 404 (no such page), wanted 200"]),
    ("/away", {}, ["answers 302 (empty answer), wanted 200"]),
    ("/away", {"status": 302}, []),
    ("/empty", {"body": "."}, ["answers 'empty answer', wanted something that matches '.'"]),
    ("/bytes", {}, []),
    ("/private", {}, ["answers 401 (private), wanted 200"]),
    ("/metrics", {"metrics": [{"name": "up", "equals": 1}]}, []),
    (
        "/metrics",
        {"metrics": [{"name": "up", "equals": 2}, {"name": "x"}]},
        ["up is 1, wanted 2", "x is missing"],
    ),
]


@pytest.mark.parametrize(("path", "probe", "faults"), PROBES)
def test_a_probe_judges_the_answer(
    server: str, path: str, probe: dict[str, Any], faults: list[str]
) -> None:
    found = _health.probe(health({"url": server + path, **probe}), {})
    assert found.faults == tuple(f"{server}{path}: {fault}" for fault in faults)
    assert found.warnings == ()


def test_optional_conditions_warn_and_values_are_kept(server: str) -> None:
    metrics = [
        {"name": "redis_up", "equals": 1, "optional": True},
        {"name": "reloads", "not_risen": True},
    ]
    probe = health({"url": f"{server}/metrics", "metrics": metrics})
    first = _health.probe(probe, {})
    assert first.warnings == (f"{server}/metrics: redis_up is 0, wanted 1",)
    assert sorted(first.readings.values()) == [0, 5]
    assert first.faults == (f"{server}/metrics: reloads rose from 0 to 5",)
    assert _health.probe(probe, first.readings).faults == ()


def test_two_probes_with_one_metric_do_not_mix(server: str) -> None:
    metrics = [{"name": "reloads", "not_risen": True}]
    probes = [{"url": f"{server}{path}", "metrics": metrics} for path in ("/other", "/metrics")]
    first = _health.probe(health(*probes), {})
    assert len(first.faults) == 2
    assert _health.probe(health(*probes), first.readings).faults == ()


def test_a_password_is_sent_and_proxies_are_not_asked(
    server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    probe = health({"url": f"{server}/private"}, url_username="u", url_password="pä")
    assert _health.probe(probe, {}).faults == ()


def test_nobody_there_is_a_fault_of_that_probe_alone(server: str) -> None:
    url = f"http://127.0.0.1:{closed_port()}/"
    found = _health.probe(health({"url": url}, {"url": f"{server}/sick"}), {})
    assert found.faults[0] == f"{url}: Connection refused"
    assert "503" in found.faults[1]


def serve(answer: bytes, listening: socket.socket) -> None:
    """Answer each connection with these bytes, whatever it asks."""
    while True:
        try:
            connection = listening.accept()[0]
        except OSError:
            return
        with connection:
            connection.recv(4096)
            connection.sendall(answer)


CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n10\r\nabc"
NO_ANSWERS: list[tuple[bytes, str]] = [
    (b"\x15\x03\x03\x00\x02\x02\x50", r"gives no HTTP answer: '\x15\x03\x03\x00\x02\x02P'"),
    (b"SSH-2.0-OpenSSH\r\n", "gives no HTTP answer: 'SSH-2.0-OpenSSH"),
    (b"HTTP/9 200 OK\r\n\r\n", "gives no HTTP answer: 'HTTP/9'"),
    (b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200 + b"\r\n", "gives no HTTP answer: 'got more than"),
    (b"", "Remote end closed connection without response"),
    (b"HTTP/1.1 200 OK\r\n" + CHUNKED, "the answer was cut off"),
    (b"HTTP/1.1 503 Sick\r\n" + CHUNKED, "the answer was cut off"),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nup 1", "the answer was cut off"),
    (b"HTTP/1.1 503 No\r\nContent-Length: 9\r\n\r\n", "the answer was cut off"),
]


@pytest.mark.parametrize(("answer", "words"), NO_ANSWERS)
def test_what_is_no_whole_answer_is_a_fault(answer: bytes, words: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=serve, args=(answer, listening), daemon=True).start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        (fault,) = _health.probe(health({"url": url, "metrics": [{"name": "up"}]}), {}).faults
        listening.shutdown(socket.SHUT_RDWR)
    assert fault.startswith(f"{url}: {words}")


def test_silence_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_health, "_REQUEST_TIMEOUT", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        found = _health.probe(health({"url": url}), {})
    assert found.faults == (f"{url}: gives no answer within 0.05 s",)


def test_a_server_without_tls_is_a_fault(server: str) -> None:
    url = server.replace("http:", "https:")
    (fault,) = _health.probe(health({"url": url}), {}).faults
    assert fault.startswith(f"{url}: [SSL")


def test_waiting_does_not_help_against_an_untrusted_certificate(tmp_path: Path) -> None:
    with _served(tmp_path) as url:
        found = _health.probe(health({"url": url}), {})
        blind = _health.probe(health({"url": url}, validate_certs=False), {})
    assert (found.final, blind.final, blind.faults) == (True, False, ())
    assert "shows a certificate that is not trusted (unable to get local issuer" in found.faults[0]
    assert "name its authority in health.ca_path" in found.faults[0]


def test_an_authority_may_be_as_loose_as_the_daemons_take_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python is stricter from 3.13 on, and this one says nothing of what its key may be used for."""
    make = ssl.create_default_context

    def strict(**options: Any) -> ssl.SSLContext:
        context = make(**options)
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        return context

    monkeypatch.setattr(ssl, "create_default_context", strict)
    with _served(tmp_path) as url:
        authority = str(tmp_path / "authority.pem")
        assert _health.probe(health({"url": url}, ca_path=authority), {}).faults == ()


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    """Answer over TLS."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(_certificate(folder))
    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
        server.handle_error = lambda *_arguments: None  # type: ignore[method-assign]
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"https://127.0.0.1:{server.server_address[1]}/ok"
        server.shutdown()


def _certificate(folder: Path) -> Path:
    """A certificate for an hour of an authority of its own, with its key in the same file."""
    keys = {name: ec.generate_private_key(ec.SECP256R1()) for name in ("authority", "test")}
    names = {name: x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]) for name in keys}
    now = datetime.datetime.now(datetime.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    path = folder / "certificate.pem"
    for name, key in keys.items():
        certificate = (
            x509.CertificateBuilder(names["authority"], names[name], key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now)
            .not_valid_after(now + datetime.timedelta(hours=1))
            .add_extension(x509.BasicConstraints(name == "authority", None), critical=True)
            .add_extension(x509.SubjectAlternativeName([address]), critical=False)
            .sign(keys["authority"], hashes.SHA256())
        )
        text = certificate.public_bytes(Encoding.PEM)
        (folder / f"{name}.pem").write_bytes(text)
    form = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(text + key.private_bytes(*form))
    return path


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_unusable_authorities_are_named(tmp_path: Path, content: str | None) -> None:
    authorities = tmp_path / "ca.pem"
    if content:
        authorities.write_text(content)
    probe = health({"url": "https://127.0.0.1/"}, ca_path=str(authorities))
    (fault,) = _health.probe(probe, {}).faults
    words = f"https://127.0.0.1/: the certificate authorities in {authorities} cannot be used: "
    assert fault.startswith(words)


# Such addresses are refused before, but a record may hold one.
INVALID = [
    "http://127.0.0.1:99999/",
    "http://127.0.0.1:abc/",
    "http://[::1/",
    "http://127.0.0.1/\x7f",
]


@pytest.mark.parametrize("url", INVALID)
def test_an_invalid_address_is_a_fault(url: str) -> None:
    (fault,) = _health.probe(health({"url": url}), {}).faults
    assert fault.startswith(f"{url}: is no valid address")


def test_an_endpoint_is_looked_up_once() -> None:
    urls = [
        "http://127.0.0.1:9090/a",
        "http://127.0.0.1:9090/b",
        "http://127.0.0.1/",
        "https://127.0.0.1/",
        "http://[::1]/",
    ]
    found = _health.endpoints(health(*({"url": url} for url in urls)))
    assert [(one.host, one.port, one.addresses) for one in found] == [
        ("127.0.0.1", 9090, ("127.0.0.1",)),
        ("127.0.0.1", 80, ("127.0.0.1",)),
        ("127.0.0.1", 443, ("127.0.0.1",)),
        ("::1", 80, ("::1",)),
    ]


UNKNOWN = ["http://no.such.host.invalid/", "http://a..b/", *INVALID[:3]]


@pytest.mark.parametrize("url", UNKNOWN)
def test_what_cannot_be_looked_up_is_left_to_the_probe(url: str) -> None:
    assert _health.endpoints(health({"url": url})) == []


MINE, OTHER = "1", "2"  # inodes of sockets of the unit and of another process
NAMED = "localhost:9 is not held by the unit's processes but by nobody"
FIRST = "[::1]:9 is not held by the unit's processes but by other ([::1]:9)"
SECOND = "127.0.0.1:9 is not held by the unit's processes but by other (127.0.0.1:9)"
WILD = "127.0.0.1:9 is not held by the unit's processes but by other (0.0.0.0:9)"
ALL_FIRST = "[::1]:9 is not held by the unit's processes but by other ([::]:9)"
ALL_SECOND = "127.0.0.1:9 is not held by the unit's processes but by other ([::]:9)"
HOLDERS: list[tuple[dict[str, str], list[str], list[str]]] = [
    ({}, [NAMED], []),
    ({"127.0.0.1": MINE}, [], []),
    ({"::1": MINE}, [], []),
    ({"::1": MINE, "127.0.0.1": MINE}, [], []),
    ({"0.0.0.0": MINE}, [], []),
    ({"::": MINE}, [], []),
    ({"127.0.0.1": OTHER}, [SECOND], ["port 9 is held by other (127.0.0.1:9)"]),
    ({"::1": OTHER, "127.0.0.1": MINE}, [FIRST], ["port 9 is held by other ([::1]:9)"]),
    ({"::1": MINE, "127.0.0.1": OTHER}, [SECOND], ["port 9 is held by other (127.0.0.1:9)"]),
    # A socket for all IPv6 addresses alone leaves those of IPv4 to others.
    ({"::": MINE, "0.0.0.0": OTHER}, [WILD], ["port 9 is held by other (0.0.0.0:9)"]),
    ({"::": OTHER}, [ALL_FIRST, ALL_SECOND], ["port 9 is held by other ([::]:9)"]),
    ({"192.0.2.1": OTHER}, [NAMED], []),
]


@pytest.mark.parametrize(("sockets", "unowned", "foreign"), HOLDERS)
def test_a_name_stands_for_all_its_addresses(
    monkeypatch: pytest.MonkeyPatch, sockets: dict[str, str], unowned: list[str], foreign: list[str]
) -> None:
    infos = [(0, 0, 0, "", (address, 9)) for address in ("::1", "127.0.0.1")]
    found = [Listener(address, 9, inode) for address, inode in sockets.items()]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_more: infos)
    monkeypatch.setattr(_sockets, "listeners", lambda _port: found)
    monkeypatch.setattr(_sockets, "owner", lambda one, _pids: int(one.inode == MINE))
    monkeypatch.setattr(_sockets, "describe", lambda one: f"other ({one})")
    probe = health({"url": "http://localhost:9/"})
    assert _health.unowned(probe, Status()) == unowned
    assert _health.foreign_holders(probe, Status()) == foreign


def test_the_port_must_be_held_by_the_unit(server: str) -> None:
    probe = health({"url": f"{server}/ok"})
    port = server.rpartition(":")[2]
    group = "/no/such/group"
    mine, other = (Status(main_pid=pid, control_group=group) for pid in (os.getpid(), 1))
    me = f"(pid {os.getpid()}, 127.0.0.1:{port})"
    assert (_health.unowned(probe, mine), _health.foreign_holders(probe, mine)) == ([], [])
    held = _health.foreign_holders(probe, other)
    assert [text.partition(" (")[0].rpartition(" ")[0] for text in held] == [
        f"port {port} is held by"
    ]
    assert held[0].endswith(me)
    assert _health.unowned(probe, other)[0].endswith(me)
    assert "is not held by the unit's processes but by" in _health.unowned(probe, other)[0]


def test_a_port_that_nobody_holds_is_free_but_not_served() -> None:
    port = closed_port()
    probe = health({"url": f"http://127.0.0.1:{port}/"})
    assert _health.foreign_holders(probe, Status()) == []
    wanted = f"127.0.0.1:{port} is not held by the unit's processes but by nobody"
    assert _health.unowned(probe, Status()) == [wanted]


def test_the_owner_may_be_any_process_of_the_unit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_sockets, "listeners", lambda port: [Listener("::", port, "1")])
    monkeypatch.setattr(_sockets, "unit_processes", lambda _group, _pid: [5, 6])
    monkeypatch.setattr(_sockets, "owner", lambda _listener, pids: 6 if 6 in pids else 0)
    assert _health.unowned(health({"url": "http://127.0.0.1:9/"}), Status(main_pid=5)) == []


def test_a_place_without_http_must_be_held_by_the_unit() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        place = f"127.0.0.1:{listener.getsockname()[1]}"
        health = _parse.health({"listens": [place]}, [])
        mine = Status(active="active", main_pid=os.getpid())
        assert _health.unowned(health, mine) == []
        assert _health.foreign_holders(health, mine) == []
        assert "is held by" in _health.foreign_holders(health, Status())[0]
    assert "by nobody" in _health.unowned(health, mine)[0]


@pytest.mark.parametrize("place", ["5044", "host", "host:", "a b:1", "http://x:1"])
def test_a_place_is_host_and_port(place: str) -> None:
    faults: list[str] = []
    _parse.health({"listens": [place]}, faults)
    assert len(faults) == 1
