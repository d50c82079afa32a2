# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the stand-ins talk to in these tests: an Elasticsearch that does as it is told."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from elastic.common.web import Answer, Request, Web


class Elasticsearch:
    """Keeps documents by index; `verdicts` says what becomes of a document with a word in it."""

    def __init__(self) -> None:
        self.documents: dict[str, list[dict[str, Any]]] = {}
        self.ids = set[tuple[str, str]]()
        self.actions: list[str] = []
        self.verdicts: dict[str, int] = {}
        self.status = 200
        self.requests: list[Request] = []
        self._web = Web("127.0.0.1", 0, self._answer)
        self.port = self._web.port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def stop(self) -> None:
        self._web.close()

    def start(self) -> None:
        self._web = Web("127.0.0.1", self.port, self._answer)

    def found(self, index: str = "logs-app-default") -> list[dict[str, Any]]:
        return self.documents.get(index, [])

    def _answer(self, request: Request) -> Answer:
        self.requests.append(request)
        if request.path == "/":
            return Answer(200, {"version": {"number": "8.5.0"}})
        if request.path != "/_bulk":
            return Answer(200, {})
        if self.status != 200:
            return Answer(self.status, {})
        lines = [json.loads(line) for line in request.body.splitlines()]
        items = [self._kept(a, d) for a, d in zip(lines[::2], lines[1::2], strict=True)]
        failed = any(next(iter(item.values()))["status"] > 201 for item in items)
        return Answer(200, {"errors": failed, "items": items})

    def _kept(self, action: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
        (kind, head), text = next(iter(action.items())), document.get("message", "")
        self.actions.append(kind)
        for word, status in list(self.verdicts.items()):
            if word in text:
                if status == 429:
                    del self.verdicts[word]
                return {kind: {"status": status, "error": {"type": "told", "reason": "as told"}}}
        if "_id" in head:
            if kind == "create" and (head["_index"], head["_id"]) in self.ids:
                return {
                    kind: {"status": 409, "error": {"type": "version_conflict_engine_exception"}}
                }
            self.ids.add((head["_index"], head["_id"]))
        self.documents.setdefault(head["_index"], []).append(document)
        return {kind: {"status": 201}}


def wait(true: Callable[[], Any], seconds: float = 10) -> Any:
    """Wait until it is."""
    until = time.monotonic() + seconds
    while not (value := true()):
        assert time.monotonic() < until, "it did not come true in time"
        time.sleep(0.02)
    return value
