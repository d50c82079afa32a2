# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The receiver of a drill: it takes what Alertmanager sends, and remembers when."""

from __future__ import annotations

import errno
import http.server
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


class Busy(Exception):
    """The address is taken: by another drill, or by somebody else."""


class Inbox:
    """What has arrived of one drill (without a name: of any), and when."""

    def __init__(self, drill: str = "", clock: Callable[[], float] = time.time) -> None:
        self.drill = drill
        self.clock = clock
        self.seen: dict[str, float] = {}  # status (firing, resolved) -> when it came first

    def take(self, message: Any) -> None:
        """Read a message; what is not about this drill (an earlier one's end) is left."""
        alerts = message.get("alerts", []) if isinstance(message, dict) else []
        for alert in alerts:
            if not self.drill or alert.get("labels", {}).get("drill") == self.drill:
                self.seen.setdefault(str(alert.get("status")), self.clock())


def _handler(inbox: Inbox) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        """Answers Alertmanager."""

        def do_POST(self) -> None:  # noqa: N802
            """Take a message. An earlier drill's is taken too, or it would be sent for ever."""
            try:
                size = int(self.headers.get("Content-Length") or 0)
                inbox.take(json.loads(self.rfile.read(min(size, 1 << 20))))
                status = 200
            except ValueError:
                status = 400
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing."""

    return Handler


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, place: tuple[str, int], inbox: Inbox) -> None:
        if ":" in place[0]:
            self.address_family = socket.AF_INET6
        super().__init__(place, _handler(inbox))

    def server_bind(self) -> None:
        """Bind without a look-up of this host's name, which may take its time."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()


@contextmanager
def listening(place: tuple[str, int], inbox: Inbox, wait: float) -> Iterator[int]:
    """Listen; yields the port. One drill at a time has the address, so that it is the lock, too.

    wait: seconds for another one to end. Raises Busy.
    """
    limit = time.monotonic() + wait
    while True:
        try:
            server = _Server(place, inbox)
            break
        except OSError as exc:
            if exc.errno != errno.EADDRINUSE:
                raise Busy(f"cannot listen on {place[0]}:{place[1]}: {exc.strerror}") from exc
            if time.monotonic() >= limit:
                raise Busy(
                    f"{place[0]}:{place[1]} is taken: another drill runs, or another program has "
                    f"the port (ss -tlnp 'sport = :{place[1]}')"
                ) from exc
        time.sleep(0.5)
    thread = threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True)
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()
