# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client of Elasticsearch: one request at a time over a connection that is kept."""

import base64
import http.client
import json
import ssl
import urllib.parse
from dataclasses import dataclass, field
from typing import Any


class Away(Exception):
    """No answer came: the node is stopped, starting, or not to be trusted."""


@dataclass
class Client:
    """Asks the hosts in turn: the next one after a failure."""

    hosts: list[str]
    headers: dict[str, str] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None
    timeout: float = 60
    _connection: http.client.HTTPConnection | None = None
    _at: int = 0

    def ask(
        self, method: str, path: str, body: bytes | dict[str, Any] | None = None
    ) -> tuple[int, Any]:
        """Return status and body, decoded if it is JSON; raises Away."""
        if isinstance(body, dict):
            body = json.dumps(body).encode()
        kind = "application/x-ndjson" if "_bulk" in path else "application/json"
        headers = {**self.headers, **({"Content-Type": kind} if body is not None else {})}
        for again in (True, False):
            fresh = self._connection is None
            try:
                connection, prefix = self._connected()
                connection.request(method, prefix + path, body, headers)
                answer = connection.getresponse()
                text = answer.read()
            except (OSError, http.client.HTTPException) as exc:
                self.close()
                if fresh or not again:
                    self._at += 1
                    raise Away(f"{type(exc).__name__}: {exc}") from exc
                continue  # a kept connection may have been closed meanwhile
            try:
                return answer.status, json.loads(text or b"null")
            except ValueError:
                return answer.status, text.decode(errors="replace")
        raise AssertionError

    def close(self) -> None:
        """Close the connection."""
        if self._connection:
            self._connection.close()
        self._connection = None

    def _connected(self) -> tuple[http.client.HTTPConnection, str]:
        url = urllib.parse.urlsplit(self.hosts[self._at % len(self.hosts)])
        if not self._connection:
            host, port = url.hostname or "localhost", url.port or 9200
            if url.scheme == "https":
                self._connection = http.client.HTTPSConnection(
                    host, port, timeout=self.timeout, context=self.tls
                )
            else:
                self._connection = http.client.HTTPConnection(host, port, timeout=self.timeout)
        return self._connection, url.path.rstrip("/")


def basic(user: str, password: str) -> dict[str, str]:
    """Return the header of basic authentication."""
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def trust(authority: str | None, verify: bool = True, names: bool = True) -> ssl.SSLContext:
    """Say whom to trust: an authority's file or the system's."""
    context = ssl.create_default_context(cafile=authority)
    if not verify or not names:
        context.check_hostname = False
    if not verify:
        context.verify_mode = ssl.CERT_NONE
    return context
