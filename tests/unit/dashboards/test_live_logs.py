# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The check against a running Elasticsearch asks what Grafana asks, and sees what is missing."""

from __future__ import annotations

from typing import Any

import pytest

from dashboards.checks import live_logs
from dashboards.checks.view import BoardView

SHARDS = {"failed": 0}
BUCKETS = {"4": {"buckets": {"bad": {"doc_count": 2}}}}
ASKED = {
    "refId": "A",
    "datasource": {"type": "elasticsearch"},
    "query": "${query:raw}",
    "timeField": "@timestamp",
}


def board(typed: str = "*", **target: Any) -> BoardView:
    """Return a board with one panel and a box for a search."""
    return BoardView(
        {
            "uid": "board",
            "templating": {"list": [{"name": "query", "current": {"value": typed}}]},
            "panels": [{"title": "Panel", "type": "stat", "targets": [{**ASKED, **target}]}],
        }
    )


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        ({"_shards": SHARDS, "aggregations": BUCKETS}, None),
        (
            {"_shards": SHARDS, "aggregations": {"2": {"buckets": [{"doc_count": 0}]}}},
            "no data",
        ),
        ({"_shards": SHARDS, "hits": {"hits": [{}]}}, None),
        ({"_shards": SHARDS, "hits": {"hits": []}}, "no data"),
        ({"_shards": {"failed": 1}, "hits": {"hits": [{}]}}, "1 shards failed: None"),
        ({"error": "parsing_exception"}, "parsing_exception"),
    ],
)
def test_a_search_must_find_something(answer: dict[str, Any], fault: str | None) -> None:
    wanted = [f"board: Panel: A: {fault}"] if fault else []
    boards = [board(metrics=[{"settings": {"limit": "5"}}])]
    assert live_logs.faults(boards, lambda _body: answer) == wanted


@pytest.mark.parametrize(("typed", "query"), [("level:x", "level:x"), ("", "*")])
def test_what_is_typed_is_asked(typed: str, query: str) -> None:
    shown = board(typed, metrics=[{"settings": {"limit": "5"}}])
    ((_panel, target),) = shown.searches
    body = live_logs.body(target, shown, 1)
    assert body["query"]["bool"]["filter"][1]["query_string"]["query"] == query
    assert body["size"] == 5


def test_aggregations_lie_within_each_other() -> None:
    histogram = {"type": "date_histogram", "id": "2", "field": "@timestamp", "settings": {}}
    kept = {"label": "", "query": "level:error"}
    filters = {"type": "filters", "id": "4", "settings": {"filters": [kept]}}
    terms = {"type": "terms", "id": "3", "field": "logger"}
    terms["settings"] = {"size": "10", "orderBy": "_count", "order": "desc"}
    shown = board(bucketAggs=[filters, terms, histogram])
    ((_panel, target),) = shown.searches
    outer = live_logs.body(target, shown, 1)["aggs"]
    assert list(outer["4"]["filters"]["filters"]) == ["level:error"]
    assert outer["4"]["aggs"]["3"]["terms"]["order"] == {"_count": "desc"}
    assert outer["4"]["aggs"]["3"]["aggs"]["2"]["date_histogram"]["fixed_interval"] == "15s"
