# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What listens: from a request to one of the answers in api.py."""

import base64
import http.server
import json
import ssl
import urllib.parse
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

from standin import Refused, dashboards, datasources, documents, log
from standin.database import Database
from standin.ini import Sections

_COOKIE = "grafana_session"


class Server:
    """Settings, database and what is provisioned."""

    def __init__(self, settings: Sections, database: Database, version: str) -> None:
        self.settings, self.database, self.version = settings, database, version
        self.folder = Path(settings["paths"]["provisioning"])
        root = urllib.parse.urlsplit(settings["server"]["root_url"])
        below = settings["server"]["serve_from_sub_path"] == "true"
        self.prefix = root.path.rstrip("/") if below else ""
        self.watcher = dashboards.Watcher([], database)
        self.alerting: list[dict[str, Any]] = []

    def provision(self) -> None:
        """Read the provisioning files; dashboards come later, by themselves."""
        datasources.provision(self.folder / "datasources", self.database)
        self.watcher = dashboards.Watcher(
            dashboards.providers(self.folder / "dashboards"), self.database
        )
        if (self.folder / "alerting").is_dir():
            files = documents.read(self.folder / "alerting")
            self.alerting = [documents.interpolated(data) for _name, data in files]
        self.watcher.start()

    def on(self, section: str, key: str) -> bool:
        """Whether a switch is on."""
        return self.settings.get(section, {}).get(key) == "true"


@dataclass
class Request:
    """One request, with the user that it comes from (0: nobody)."""

    server: Server
    method: str
    path: str
    query: dict[str, str]
    body: bytes
    user: int
    headers: dict[str, str] = field(default_factory=dict)

    def json(self) -> dict[str, Any]:
        """Read the body."""
        try:
            data = json.loads(self.body or b"{}")
        except ValueError:
            return {}
        return data if isinstance(data, dict) else {}


@dataclass
class Answer:
    """Status, body (data becomes JSON) and headers."""

    status: int
    body: Any = b""
    headers: dict[str, str] = field(default_factory=dict)


def listener(server: Server) -> http.server.ThreadingHTTPServer:
    """Bind the address of the settings."""
    from standin import api  # it knows Request and Answer

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do(self) -> None:
            """Answer any method."""
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length)
            answer = _routed(self, body)
            text = (
                answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
            )
            self.send_response(answer.status)
            headers = {"Content-Type": "application/json", **answer.headers}
            for name, value in {**headers, "Content-Length": str(len(text))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(text)

        do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do

        def log_message(self, *_arguments: Any) -> None:
            """Grafana does not log requests either."""

    def _routed(handler: Handler, body: bytes) -> Answer:
        url = urllib.parse.urlsplit(handler.path)
        path = url.path
        domain = server.settings["server"]["domain"]
        host = (handler.headers.get("Host") or "").rpartition(":")[0] or handler.headers.get("Host")
        free = path in ("/api/health", "/metrics")
        if server.on("server", "enforce_domain") and host != domain and not free:
            return Answer(301, b"", {"Location": server.settings["server"]["root_url"]})
        if server.prefix:
            if not path.startswith(server.prefix):
                return Answer(301, b"", {"Location": server.prefix + handler.path})
            path = path[len(server.prefix) :] or "/"
        query = dict(urllib.parse.parse_qsl(url.query))
        # These are answered before anybody looks at a password.
        asked = path not in ("/api/health", "/healthz", "/metrics")
        user, refused = _user(handler, server.database) if asked else (0, False)
        if refused:
            return Answer(401, {"message": "Invalid username or password"})
        headers = dict(handler.headers.items())
        request = Request(server, handler.command, path, query, body, user, headers)
        request.query["?"] = url.query
        try:
            return api.answer(request)
        except Refused as exc:
            return Answer(500, {"message": str(exc)})

    settings = server.settings["server"]
    try:
        port = int(settings["http_port"])
        bound = http.server.ThreadingHTTPServer((settings["http_addr"], port), Handler)
    except (ValueError, OSError, OverflowError) as exc:
        raise Refused(
            f"failed to open listener on address {settings['http_addr']}: {exc}"
        ) from None
    if settings.get("protocol") == "https":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(settings["cert_file"], settings["cert_key"])
        bound.socket = context.wrap_socket(bound.socket, server_side=True)
    return bound


def _user(handler: Any, database: Database) -> tuple[int, bool]:
    """Return the user, and whether a wrong password was given."""
    kind, _blank, words = (handler.headers.get("Authorization") or "").partition(" ")
    if kind == "Basic":
        try:
            name, _colon, password = base64.b64decode(words).decode().partition(":")
        except ValueError:
            return 0, True
        user = database.login(name, password)
        return user, not user
    cookie = SimpleCookie(handler.headers.get("Cookie") or "").get(_COOKIE)
    return (database.session(cookie.value) if cookie else 0), False


def logged_in(request: Request, user: int) -> Answer:
    """Begin a session."""
    token = request.server.database.begin_session(user)
    log("info", "Successful Login", user=user)
    cookie = f"{_COOKIE}={token}; Path=/; HttpOnly; SameSite=Lax"
    return Answer(200, {"message": "Logged in"}, {"Set-Cookie": cookie})
