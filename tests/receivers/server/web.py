# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An address for Slack messages and webhooks, and one that tells what has arrived.

POST /slack/...     a Slack message           GET /           what this is
POST /webhook/...   a webhook                 GET /received   everything, ?kind= and ?since= choose
"""

from __future__ import annotations

import http.server
import json
import threading
from functools import partial
from typing import Any
from urllib.parse import parse_qs, urlsplit

from receivers.server.store import Store

KINDS = ("slack", "webhook")
BANNER = (
    "Test receivers of barehost: they keep mail, Slack messages and webhooks, and deliver nothing."
)


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers one request."""

    def __init__(self, store: Store, *connection: Any) -> None:
        self.store = store
        super().__init__(*connection)

    def do_POST(self) -> None:  # noqa: N802
        """Keep a message; Slack answers "ok" too."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        kind = self.path.split("/")[1]
        if kind not in KINDS:
            return self.answer(404, "text/plain", "no receiver has this address")
        try:
            content = json.loads(body)
        except ValueError as exc:
            return self.answer(400, "text/plain", f"not JSON: {exc}")
        self.store.keep(kind, path=self.path, body=content)
        return self.answer(200, "text/plain", "ok")

    def do_GET(self) -> None:  # noqa: N802
        """Tell what has arrived."""
        address = urlsplit(self.path)
        if address.path != "/received":
            return self.answer(200, "text/plain", f"{BANNER}\n")
        query = {name: values[0] for name, values in parse_qs(address.query).items()}
        found = self.store.messages(query.get("kind", ""), float(query.get("since", 0)))
        return self.answer(200, "application/json", json.dumps(found, ensure_ascii=False))

    def answer(self, status: int, kind: str, text: str) -> None:
        """Send an answer."""
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class names it)
        """Write nothing: addresses may be secrets."""


def start(store: Store, host: str, port: int) -> int:
    """Serve in the background and return the port."""
    server = http.server.ThreadingHTTPServer((host, port), partial(Handler, store))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return int(server.server_address[1])
