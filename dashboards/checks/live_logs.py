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

from dashboards.checks.live import DIRECT, NOTHING, allowed
from dashboards.checks.view import BoardView, Target

Search = Callable[[dict[str, Any]], dict[str, Any]]
"""Takes the body of a search and returns Elasticsearch's answer to it."""

INDEX, STEP = "logs-*", "15s"


def searcher(url: str, headers: dict[str, str] | None = None) -> Search:
    """Search in an Elasticsearch, or through Grafana at .../api/datasources/proxy/uid/UID."""

    def search(body: dict[str, Any]) -> dict[str, Any]:
        head = {"index": INDEX, "ignore_unavailable": True}
        lines = f"{json.dumps(head)}\n{json.dumps(body)}\n".encode()
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
    asked = target.json
    query = str(asked.get("query") or "*")
    for variable in board.variables:
        value = str(variable.get("current", {}).get("value", ""))
        query = query.replace(f"${{{variable['name']}:raw}}", value)
    now = int(time.time() * 1000)
    span = {"gte": now - int(minutes * 60_000), "lte": now, "format": "epoch_millis"}
    chosen = [
        {"range": {asked["timeField"]: span}},
        {"query_string": {"analyze_wildcard": True, "query": query or "*"}},
    ]
    made: dict[str, Any] = {"size": 0, "query": {"bool": {"filter": chosen}}}
    if aggregations := asked.get("bucketAggs"):
        made["aggs"] = _nested(aggregations)
    else:
        newest = {asked["timeField"]: {"order": "desc", "unmapped_type": "boolean"}}
        made |= {"size": int(asked["metrics"][0]["settings"]["limit"]), "sort": [newest]}
    return made


def _nested(aggregations: list[dict[str, Any]]) -> dict[str, Any]:
    """Put each aggregation into the one before it."""
    first, *rest = aggregations
    made: dict[str, Any] = {first["type"]: _settings(first)}
    if rest:
        made["aggs"] = _nested(rest)
    return {first["id"]: made}


def _settings(aggregation: dict[str, Any]) -> dict[str, Any]:
    settings = aggregation.get("settings", {})
    match aggregation["type"]:
        case "date_histogram":
            least = int(settings.get("min_doc_count", 0))
            return {
                "field": aggregation["field"],
                "fixed_interval": STEP,
                "min_doc_count": least,
            }
        case "terms":
            # Grafana writes what it is given; without a direction Elasticsearch refuses it.
            order = {settings["orderBy"]: settings["order"]} if "order" in settings else {}
            return {"field": aggregation["field"], "size": int(settings["size"]), "order": order}
        case "filters":
            filters = {
                each["label"] or each["query"]: {"query_string": {"query": each["query"]}}
                for each in settings["filters"]
            }
            return {"filters": filters}
    raise LookupError(f"a kind of aggregation that is not known here: {aggregation['type']}")


def _fault(answer: dict[str, Any]) -> str:
    if "error" in answer:
        return str(answer["error"])
    if failed := answer["_shards"]["failed"]:
        return f"{failed} shards failed: {answer['_shards'].get('failures')}"
    if "aggregations" in answer:
        return "" if _count(answer["aggregations"]) else NOTHING
    return "" if answer["hits"]["hits"] else NOTHING


def _count(aggregations: dict[str, Any]) -> int:
    """Add up what the outermost buckets hold."""
    (outer,) = aggregations.values()
    buckets = outer["buckets"]
    each = buckets.values() if isinstance(buckets, dict) else buckets
    return sum(int(bucket["doc_count"]) for bucket in each)
