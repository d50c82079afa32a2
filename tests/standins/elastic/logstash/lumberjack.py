# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The receiving end of Beats' protocol, lumberjack v2: windows of events, acknowledged when stored."""

import json
import socket
import socketserver
import ssl
import struct
import threading
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, BinaryIO

from elastic.logstash.logs import Log

_KEEP_ALIVE = 5  # seconds until a client that waits is told that it does not wait in vain
Data = dict[str, Any]


class Broken(Exception):
    """A peer that does not keep to the protocol."""


@dataclass
class Peer:
    """Who sent a window."""

    address: str
    tls: dict[str, str] = field(default_factory=dict)


# Stores a window's events, calls the second argument now and then meanwhile; False: it could not.
Store = Callable[[list[Data], Peer, Callable[[], None]], bool]


def windows(stream: Any) -> Any:
    """Yield the events of each window with the number of its last one."""
    pending: list[tuple[int, Data]] = []
    size = 0
    for kind, number, payload in _frames(stream):
        if kind == "W":
            size, pending = number, []
            continue
        pending.append((number, _decoded(payload)))
        if len(pending) >= size:
            yield [data for _number, data in pending], pending[-1][0]
            pending = []


def _frames(stream: BinaryIO) -> Any:
    while version := stream.read(1):
        kind = stream.read(1)
        if version not in b"12" or kind not in (b"W", b"J", b"C", b"D"):
            raise Broken(f"Invalid Frame Type, received: {kind[0] if kind else -1}")
        if kind == b"W":
            yield "W", _number(stream), b""
        elif kind == b"J":
            number = _number(stream)
            yield "J", number, _exactly(stream, _number(stream))
        elif kind == b"D":
            number = _number(stream)
            pairs = {_text(stream): _text(stream) for _count in range(_number(stream))}
            yield "D", number, json.dumps(pairs).encode()
        else:
            try:
                inner = zlib.decompress(_exactly(stream, _number(stream)))
            except zlib.error as exc:
                raise Broken(f"Invalid compressed frame: {exc}") from None
            yield from _frames(BytesIO(inner))


def _text(stream: BinaryIO) -> str:
    return _exactly(stream, _number(stream)).decode(errors="replace")


def _number(stream: BinaryIO) -> int:
    return int(struct.unpack(">I", _exactly(stream, 4))[0])


def _exactly(stream: BinaryIO, length: int) -> bytes:
    data = stream.read(length)
    if len(data) < length:
        raise Broken("the connection ended within a frame")
    return data


def _decoded(payload: bytes) -> Data:
    try:
        data = json.loads(payload.decode(errors="replace"))
    except (ValueError, RecursionError) as exc:
        raise Broken(f"Invalid JSON: {exc}") from None
    return data if isinstance(data, dict) else {"message": data}


class Listener(socketserver.ThreadingTCPServer):
    """Listens on a port; raises OSError or OverflowError."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(
        self, host: str, port: int, tls: ssl.SSLContext | None, idle: float, store: Store, log: Log
    ) -> None:
        self.tls, self.idle, self.store, self.log = tls, idle, store, log
        self.connections = set[socket.socket]()
        if ":" in host:
            self.address_family = socket.AF_INET6
        super().__init__((host, port), _Handler)
        threading.Thread(target=self.serve_forever, args=(0.1,), daemon=True).start()

    def stop(self) -> None:
        """Stop listening and end all connections."""
        self.shutdown()
        self.server_close()
        for connection in list(self.connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Handlers speak for themselves."""


class _Handler(socketserver.BaseRequestHandler):
    server: Listener

    def handle(self) -> None:
        """Serve one connection until it ends."""
        peer = Peer(self.client_address[0])
        connection = self.request
        connection.settimeout(self.server.idle or None)
        try:
            if self.server.tls:
                connection = self.server.tls.wrap_socket(connection, server_side=True)
                peer.tls = _tls(connection)
        except (OSError, ValueError) as exc:
            self.server.log.info(
                f"[local: {self.request.getsockname()[0]}, remote: {peer.address}] Handling "
                f"exception: {exc}"
            )
            return
        self.server.connections.add(connection)
        try:
            self._serve(connection, peer)
        except (Broken, OSError) as exc:
            if not isinstance(exc, TimeoutError):
                self.server.log.info(f"[remote: {peer.address}] Handling exception: {exc}")
        finally:
            self.server.connections.discard(connection)
            connection.close()

    def _serve(self, connection: socket.socket, peer: Peer) -> None:
        with connection.makefile("rb", 1 << 16) as stream:
            for events, last in windows(stream):
                told = time.monotonic()

                def alive() -> None:
                    nonlocal told
                    if time.monotonic() - told >= _KEEP_ALIVE:
                        told = time.monotonic()
                        connection.sendall(b"2A" + struct.pack(">I", 0))

                if not self.server.store(events, peer, alive):
                    return
                connection.sendall(b"2A" + struct.pack(">I", last))


def _tls(connection: ssl.SSLSocket) -> dict[str, str]:
    certificate = connection.getpeercert() or {}
    subject: Any = certificate.get("subject", ())
    names = [f"{key}={value}" for part in subject for key, value in part]
    return {"version": connection.version() or "", "subject": ",".join(str(name) for name in names)}
