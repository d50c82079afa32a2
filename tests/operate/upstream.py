# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A web server that stands for upstream: it has the releases of the test mirror, and may be made to misbehave."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from hosts.shell import CACHE

RELEASES = CACHE / "mirror"


@dataclass
class Upstream:
    """What is served, what was asked for, and where it differs from the test mirror."""

    address: str = ""
    asked: list[str] = field(default_factory=list)
    exchanged: dict[str, bytes] = field(default_factory=dict)
    cut: set[str] = field(default_factory=set)  # half of these arrives, then the connection ends

    def content(self, path: str) -> bytes | None:
        """Return what is published at a path."""
        if path in self.exchanged:
            return self.exchanged[path]
        file: Path = RELEASES / path
        return file.read_bytes() if file.is_file() else None


@contextmanager
def serving() -> Iterator[Upstream]:
    """Serve on loopback for a while."""
    upstream = Upstream()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # noqa: N802 (the base class names it)
            path = self.path.lstrip("/")
            upstream.asked.append(path)
            content = upstream.content(path)
            if content is None:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[: len(content) // 2] if path in upstream.cut else content)

        def log_message(self, *_words: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    upstream.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield upstream
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
