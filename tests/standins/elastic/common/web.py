# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small web server: a function answers, in threads of its own."""

import http.server
import json
import socket
import ssl
import threading
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Request:
    """One request."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """Read the body; raises ValueError."""
        return json.loads(self.body or b"null")


@dataclass
class Answer:
    """Status, body (data becomes JSON) and headers."""

    status: int
    body: Any = b""
    headers: dict[str, str] = field(default_factory=dict)


class Web:
    """Listens from the moment it is made; raises OSError."""

    def __init__(
        self,
        host: str,
        port: int,
        answer: Callable[[Request], Answer],
        tls: ssl.SSLContext | None = None,
    ) -> None:
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 60

            def do(self) -> None:
                """Answer any method."""
                url = urllib.parse.urlsplit(self.path)
                query = dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True))
                headers = {name.lower(): value for name, value in self.headers.items()}
                body = self.rfile.read(int(headers.get("content-length") or 0))
                path = urllib.parse.unquote(url.path)
                told = answer(Request(self.command, path, query, headers, body))
                kind = "text/plain" if isinstance(told.body, bytes) else "application/json"
                text = told.body if isinstance(told.body, bytes) else json.dumps(told.body).encode()
                self.send_response(told.status)
                headers = {"Content-Type": kind, **told.headers, "Content-Length": str(len(text))}
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(text)

            do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do

            def log_message(self, *_arguments: Any) -> None:
                """The products do not log requests either."""

        class Server(http.server.ThreadingHTTPServer):
            address_family = socket.AF_INET6 if ":" in host else socket.AF_INET

        self._server = Server((host, port), Handler)
        self._server.daemon_threads = True
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.host, self.port = host, self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
