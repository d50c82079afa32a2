# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a daemon is told over its API: read, compared, written where it differs."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon import _api, _parse
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._errors import DaemonError
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._spec import Resource

HEALTH = _parse.health({"url_username": "u", "url_password": "p"}, [])


@dataclass
class Server:
    """Keeps what it is told, with defaults of its own, and refuses what it is told to refuse."""

    kept: dict[str, Any] = field(default_factory=dict)
    written: list[tuple[str, str]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    refuses: int = 0
    busy: int = 0
    url: str = ""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(_api, "_PAUSE", 0)
    state = Server()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if state.busy:
                state.busy -= 1
                return self.answer(503, "busy")
            found = state.kept.get(self.path)
            self.answer(404 if found is None else 200, {"items": [{"item": found}]})

        def do_PUT(self) -> None:
            text = self.rfile.read(int(self.headers["Content-Length"]))
            state.headers = dict(self.headers)
            if state.refuses:
                return self.answer(state.refuses, {"error": "unknown setting [x]"})
            state.written.append((self.command, self.path))
            state.kept[self.path.removesuffix("/new")] = {**json.loads(text), "added": 1}
            self.answer(200, {})

        do_POST = do_PUT

        def answer(self, status: int, body: Any) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *_arguments: Any) -> None:
            pass

    httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=httpd.serve_forever, daemon=True).start()
    state.url = f"http://127.0.0.1:{httpd.server_port}"
    yield state
    httpd.shutdown()
    httpd.server_close()


def resource(server: Server, body: Any, **more: Any) -> Resource:
    return Resource("it", f"{server.url}/it", body, answer=("items", "0", "item"), **more)


def test_it_is_written_once(server: Server) -> None:
    one = resource(server, {"a": {"n": 1, "on": True}, "l": ["x", "y"]})
    assert _api.due(one, HEALTH) is True
    assert _api.settle(one, HEALTH)
    assert _api.due(one, HEALTH) is False
    assert not _api.settle(one, HEALTH)
    assert server.written == [("PUT", "/it")]
    assert server.headers["Authorization"].startswith("Basic ")


@pytest.mark.parametrize(
    ("found", "same"),
    [
        ({"a": {"n": "1", "on": "true"}, "l": ["x"]}, True),
        ({"a": {"n": "1", "on": True}, "l": "x"}, True),
        ({"a": {"n": 2, "on": True}, "l": ["x"]}, False),
        ({"a": {"n": 1}, "l": ["x"]}, False),
        ({"a": {"n": 1, "on": True}, "l": ["x", "y"]}, False),
        ({"a": "text", "l": ["x"]}, False),
    ],
)
def test_more_than_is_wanted_is_no_difference(server: Server, found: Any, same: bool) -> None:
    server.kept["/it"] = {**found, "more": {}}
    one = resource(server, {"a": {"n": 1, "on": True}, "l": ["x"]})
    assert _api.due(one, HEALTH) is not same
    assert _api.settle(one, HEALTH) is not same


def test_what_people_may_change_is_only_made(server: Server) -> None:
    one = resource(server, {"a": 1}, create=True, method="POST", write_url=f"{server.url}/it/new")
    assert _api.settle(one, HEALTH)
    server.kept["/it"] = {"a": 2}
    assert _api.due(one, HEALTH) is False
    assert not _api.settle(one, HEALTH)
    assert server.written == [("POST", "/it/new")]


def test_a_refusal_carries_the_daemons_words(server: Server) -> None:
    server.refuses = 400
    with pytest.raises(DaemonError, match=r"it: PUT .*/it answers 400: .*unknown setting \[x\]"):
        _api.settle(resource(server, {}), HEALTH)


def test_a_busy_daemon_is_waited_for(server: Server) -> None:
    server.busy = 3
    assert _api.due(resource(server, {}), HEALTH) is None
    assert _api.settle(resource(server, {}), HEALTH)


def test_who_does_not_answer_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_api, "_PATIENCE", 0)
    nobody = Resource("it", "http://127.0.0.1:9/it", {})
    assert _api.due(nobody, HEALTH) is None
    with pytest.raises(DaemonError, match="it: http://127.0.0.1:9/it: "):
        _api.settle(nobody, HEALTH)
