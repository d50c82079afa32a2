# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends windows of events to Logstash with pylogbeat, until they are acknowledged."""

import json
import socket
import ssl
import struct
import threading
from typing import Any

from pylogbeat import ConnectionException, PyLogBeatClient

from elastic.common.elasticsearch import trust
from elastic.filebeat.logs import log
from elastic.filebeat.settings import Output

_PORT = 10200  # Filebeat's default
_FIRST_WAIT, _LONGEST_WAIT = 1.0, 60.0


class _Client(PyLogBeatClient):  # type: ignore[misc]
    """Sends all of a chunk, waits so long and no longer, and looks at the name in a certificate."""

    def __init__(self, host: str, port: int, output: Output) -> None:
        super().__init__(host, port, timeout=output.timeout)
        self._output = output

    def _create_and_connect_socket(self) -> None:
        self._socket = socket.create_connection((self._host, self._port), self._output.timeout)
        if tls := self._output.tls:
            mode = tls["mode"]
            context = trust(None, mode != "none", mode in ("full", "strict"))
            for path in tls["authorities"]:
                context.load_verify_locations(path)
            if tls["certificate"]:
                context.load_cert_chain(tls["certificate"], tls["key"])
            self._socket = context.wrap_socket(self._socket, server_hostname=self._host)
        # Blocking, with the kernel's own limits: a socket with Python's may send a part of a chunk.
        self._socket.settimeout(None)
        limit = struct.pack("ll", int(self._output.timeout), 0)
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            self._socket.setsockopt(socket.SOL_SOCKET, option, limit)

    def _read_ack(self) -> None:
        frame = b""
        while len(frame) < 6:
            part = self._socket.recv(6 - len(frame))
            if not part:
                raise ConnectionException("the connection was closed")
            frame += part
        if frame[:2] != b"2A":
            raise ConnectionException(f"no acknowledgement: {frame!r}")
        self._last_ack = struct.unpack(">I", frame[2:])[0]


class Shipper:
    """Sends to the hosts in turn: the next one after a failure."""

    def __init__(self, output: Output, ended: threading.Event) -> None:
        self._output, self._ended = output, ended
        self._client: _Client | None = None
        self._at = 0
        self.figures = {"acked": 0, "failed": 0, "total": 0, "batches": 0}

    def send(self, events: list[dict[str, Any]]) -> bool:
        """Return when all of them are acknowledged; False: the end came first."""
        wait = _FIRST_WAIT
        payload = [
            json.dumps(event, ensure_ascii=False).encode("utf-8", "replace") for event in events
        ]
        while not self._ended.is_set():
            host, port = endpoint(self._output.hosts[self._at % len(self._output.hosts)])
            self.figures["total"] += len(events)
            try:
                if self._client is None:
                    log("info", f"Connecting to backoff(async(tcp://{host}:{port}))")
                    client = _Client(host, port, self._output)
                    client.connect()
                    self._client = client
                    log("info", f"Connection to backoff(async(tcp://{host}:{port})) established")
                self._client.send(payload)
            except (OSError, ConnectionException, ssl.SSLError, struct.error) as exc:
                log("error", f"Failed to connect to backoff(async(tcp://{host}:{port})): {exc}")
                self.figures["failed"] += len(events)
                self.close()
                self._at += 1
                if self._ended.wait(wait):
                    return False
                wait = min(wait * 2, _LONGEST_WAIT)
                continue
            self.figures["acked"] += len(events)
            self.figures["batches"] += 1
            return True
        return False

    def close(self) -> None:
        """Close the connection."""
        if self._client and self._client._socket:
            self._client._socket.close()
        self._client = None


def endpoint(host: str) -> tuple[str, int]:
    """Divide host and port."""
    host = host.partition("://")[2] or host
    name, colon, port = host.rpartition(":")
    return (name.strip("[]"), int(port)) if colon and port.isdigit() else (host, _PORT)
