# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A web server for releases on the test host: http, https or forward proxy, with a log of its requests.

web.py DIRECTORY ADDRESS:PORT LOG [CERTIFICATE KEY]
"""

from __future__ import annotations

import http.server
import ssl
import sys
import urllib.parse
from functools import partial
from pathlib import Path
from typing import Any

CUT = "/cut"


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves a directory; a request for a whole address (a proxy's) is served by its path."""

    log = Path()

    def translate_path(self, path: str) -> str:
        """Find the file of a path or of a whole address."""
        return super().translate_path(urllib.parse.urlsplit(path).path.removeprefix(CUT))

    def copyfile(self, source: Any, outputfile: Any) -> None:
        """Send a file; below CUT the connection ends after its first half."""
        if not self.path.startswith(f"{CUT}/"):
            super().copyfile(source, outputfile)
            return
        content = source.read()
        outputfile.write(content[: len(content) // 2])
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class names it)
        """Write the request line to the log."""
        with self.log.open("a", encoding="utf-8") as log:
            log.write(format % args + "\n")


def main(directory: str, address: str, log: str, *tls: str) -> None:
    """Serve until killed."""
    host, _separator, port = address.rpartition(":")
    Handler.log = Path(log)
    server = http.server.ThreadingHTTPServer(
        (host, int(port)), partial(Handler, directory=directory)
    )
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*tls)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
