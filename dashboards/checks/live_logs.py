# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask a running Elasticsearch every search of every panel: each must find lines.

It is asked through Grafana's data source proxy, in the form in which Grafana asks.
"""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from typing import Any

from ansible_collections.barehost.monitoring.plugins.module_utils.verify import _panels

from dashboards.checks.live import DIRECT, NOTHING, allowed
from dashboards.checks.view import BoardView, Target

Search = Callable[[dict[str, Any]], dict[str, Any]]
"""Takes the body of a search and returns Elasticsearch's answer to it."""

INDEX, STEP = "logs-*", "15s"


def searcher(url: str, headers: dict[str, str] | None = None) -> Search:
    """Search in an Elasticsearch, or through Grafana at .../api/datasources/proxy/uid/UID."""

    def search(body: dict[str, Any]) -> dict[str, Any]:
        lines = _panels.multi_search(INDEX, body)
        given = {"Content-Type": "application/x-ndjson", **(headers or {})}
        request = urllib.request.Request(f"{url}/_msearch", lines, given)
        try:
            with DIRECT.open(request, timeout=30) as answer:
                found: dict[str, Any] = json.load(answer)["responses"][0]
        except urllib.error.HTTPError as refusal:
            found = {"error": f"status {refusal.code}"}
        return found

    return search


def faults(boards: Iterable[BoardView], search: Search, *, minutes: float = 15) -> list[str]:
    """List the searches that fail or find nothing, unless a reason is known."""
    found = []
    for board in boards:
        for panel, target in board.searches:
            fault = _fault(search(body(target, board, minutes)))
            if fault and not (fault == NOTHING and allowed(board, panel, target)):
                found.append(f"{board.uid}: {panel.title}: {target.ref}: {fault}")
    return found


def body(target: Target, board: BoardView, minutes: float) -> dict[str, Any]:
    """Write a search as Grafana does, for the minutes before now."""
    return _panels.search(target.json, _panels.variables(board.json), time.time(), minutes, STEP)


def _fault(answer: dict[str, Any]) -> str:
    if "error" in answer:
        return str(answer["error"])
    if failed := answer["_shards"]["failed"]:
        return f"{failed} shards failed: {answer['_shards'].get('failures')}"
    return "" if _panels.found_lines(answer) else NOTHING
