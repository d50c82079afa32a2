# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the panels of a Grafana dashboard ask, in the form in which Grafana asks it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

Json = Mapping[str, Any]
_NONE: Mapping[str, Any] = MappingProxyType({})
STEP = 60
# What Grafana fills in, with values of the right form. Five minutes hold two samples at any usual interval.
MACROS = {
    "__rate_interval": "5m", "__interval": "1m", "__range": "15m", "__interval_ms": "60000",
    "__range_s": "900", "__range_ms": "900000",
}  # fmt: skip
_VARIABLE = re.compile(r"\$\{(\w+)(?::\w+)?\}|\$(\w+)|\[\[(\w+)(?::\w+)?\]\]")


@dataclass(frozen=True)
class Question:
    """One query of a panel."""

    panel: str  # its title
    ref: str
    source: str  # uid of the data source; empty: the default one
    kind: str  # of the data source, as far as the board says
    target: Json


def questions(
    board: Json, values: Mapping[str, str], library: Mapping[str, Json] = _NONE
) -> Iterator[Question]:
    """List what is asked by the panels, those in folded rows too. What is computed from other answers is not.

    values: of the variables. library: the panels that lie there, by their uids.
    """
    for placed in _panels(board):
        kept = library.get(str((placed.get("libraryPanel") or {}).get("uid")), _NONE)
        panel = {**placed, **kept}
        for target in panel.get("targets") or ():
            source = target.get("datasource") or panel.get("datasource") or {}
            uid, kind = (
                (source, "") if isinstance(source, str) else (source.get("uid"), source.get("type"))
            )
            if (
                target.get("hide")
                or kind == "__expr__"
                or uid in ("__expr__", "-- Grafana --", "grafana")
            ):
                continue
            title = str(panel.get("title") or panel.get("id", ""))
            yield Question(
                title,
                str(target.get("refId", "")),
                fill(str(uid or ""), values),
                str(kind or ""),
                target,
            )


def _panels(board: Json) -> Iterator[Json]:
    # In boards of an old schema, which the browser alone brings up to date, all panels stand in rows.
    for row in board.get("rows") or ():
        yield from row.get("panels") or ()
    for panel in board.get("panels") or ():
        if panel.get("type") == "row":
            yield from panel.get("panels") or ()
        else:
            yield panel


def of_library(board: Json) -> dict[str, str]:
    """The panels that lie in the library, of which a board has the names alone: uid -> title."""
    found = ((panel.get("libraryPanel") or {}, panel.get("title")) for panel in _panels(board))
    return {str(it["uid"]): str(title or it.get("name", "")) for it, title in found if "uid" in it}


def variables(board: Json) -> dict[str, str]:
    """What each variable stands for while everything is chosen, or else what is chosen at first."""
    return {str(v["name"]): _value(v) for v in (board.get("templating") or {}).get("list") or ()}


def _value(variable: Json) -> str:
    if variable.get("allValue"):
        return str(variable["allValue"])
    current = (variable.get("current") or {}).get("value")
    chosen = [str(each) for each in current] if isinstance(current, list) else [str(current or "")]
    if not any(chosen):
        chosen = [_first(variable)]
    if chosen[0].startswith("$__auto_interval"):
        return MACROS["__interval"]
    if "$__all" in chosen or variable.get("type") == "query" and not any(chosen):
        return ".*"
    return "|".join(chosen)


def _first(variable: Json) -> str:
    """What a variable stands for that nobody has chosen anything of yet."""
    kind, query = variable.get("type"), str(variable.get("query") or "")
    if kind in ("constant", "textbox"):
        return query
    if kind in ("custom", "interval"):
        return query.split(",", maxsplit=1)[0].rpartition(" : ")[2].strip()
    return ""


def matches(pattern: str, name: str) -> bool:
    """Tell whether a browser would say that a pattern, /of/this/ form or another, takes a name."""
    found = re.fullmatch(r"/(.*)/(\w*)", pattern)
    expression, flags = (found[1], found[2]) if found else (f"^{pattern}$" if pattern else "", "")
    try:
        return bool(re.search(expression, name, re.IGNORECASE if "i" in flags else 0))
    except re.error:  # what a browser alone understands
        return True


def fill(text: str, values: Mapping[str, str]) -> str:
    """Fill in variables; what is not known stays."""

    def replace(match: re.Match[str]) -> str:
        name = match[1] or match[2] or match[3]
        return values.get(name, MACROS.get(name, match[0]))

    return _VARIABLE.sub(replace, text)


def prometheus_query(
    target: Json, values: Mapping[str, str], now: float, minutes: float
) -> tuple[str, dict[str, Any]]:
    """Return the path below /api/v1 and its parameters: the present moment, or the minutes before it."""
    query = fill(str(target.get("expr", "")), values)
    if target.get("instant") and not target.get("range"):
        return "query", {"query": query, "time": now}
    return "query_range", {"query": query, "start": now - minutes * 60, "end": now, "step": STEP}


def has_numbers(data: Json) -> bool:
    """Tell whether the data of an answer has a value that can be drawn."""
    result = data["result"]
    if data.get("resultType") in ("scalar", "string"):
        result = [{"value": result}]
    return any(map(_has_numbers, result))


def _has_numbers(series: Json) -> bool:
    if series.get("histograms") or series.get("histogram"):
        return True
    points = [*series.get("values", ()), *([series["value"]] if "value" in series else ())]
    return any(_drawn(value) for _time, value in points)


def _drawn(value: str) -> bool:
    try:
        return math.isfinite(float(value))
    except ValueError:  # a text
        return bool(value)


def multi_search(index: str, body: Json) -> bytes:
    """Return what is posted to find one search's answer."""
    head = {"index": index, "ignore_unavailable": True}
    return f"{json.dumps(head)}\n{json.dumps(body)}\n".encode()


def search(
    target: Json, values: Mapping[str, str], now: float, minutes: float, step: str = f"{STEP}s"
) -> dict[str, Any]:
    """Return the body of the search that a target makes, for the minutes before now."""
    query = fill(str(target.get("query") or ""), values) or "*"
    time_field = str(target.get("timeField") or "@timestamp")
    end = int(now * 1000)
    span = {"gte": end - int(minutes * 60_000), "lte": end, "format": "epoch_millis"}
    chosen = [
        {"range": {time_field: span}},
        {"query_string": {"analyze_wildcard": True, "query": query}},
    ]
    made: dict[str, Any] = {"size": 0, "query": {"bool": {"filter": chosen}}}
    if aggregations := target.get("bucketAggs"):
        return {**made, "aggs": _nested(aggregations, step)}
    metric = (target.get("metrics") or [{}])[0]
    limit = int((metric.get("settings") or {}).get("limit") or 500)
    newest = {time_field: {"order": "desc", "unmapped_type": "boolean"}}
    return {**made, "size": limit, "sort": [newest]}


def _nested(aggregations: Sequence[Json], step: str) -> dict[str, Any]:
    """Put each aggregation into the one before it."""
    first, rest = aggregations[0], aggregations[1:]
    made: dict[str, Any] = {str(first["type"]): _settings(first, step)}
    if rest:
        made["aggs"] = _nested(rest, step)
    return {str(first["id"]): made}


def _settings(aggregation: Json, step: str) -> dict[str, Any]:
    settings, field = aggregation.get("settings") or {}, aggregation.get("field")
    if aggregation["type"] == "date_histogram":
        least = int(settings.get("min_doc_count") or 0)
        return {"field": field, "fixed_interval": step, "min_doc_count": least}
    if aggregation["type"] == "terms":
        # Grafana writes what it is given; without a direction Elasticsearch refuses it. The number of
        # a metric is one that is not asked for here; what is found does not depend on it.
        by = str(settings.get("orderBy")).replace("_term", "_key")
        by = by if by.startswith("_") else "_count"
        order = {by: settings["order"]} if "order" in settings else {}
        return {"field": field, "size": int(settings.get("size") or 0) or 500, "order": order}
    if aggregation["type"] == "filters":
        filters = {
            each.get("label") or each["query"]: {"query_string": {"query": each["query"]}}
            for each in settings["filters"]
        }
        return {"filters": filters}
    return {key: value for key, value in {"field": field, **settings}.items() if value}


def found_lines(answer: Json) -> int:
    """Count what a search has found: hits, or what the outermost buckets hold."""
    aggregations = answer.get("aggregations")
    if not aggregations:
        return len(answer["hits"]["hits"])
    (outer,) = list(aggregations.values())[:1]
    buckets = outer["buckets"]
    each = buckets.values() if isinstance(buckets, dict) else buckets
    return sum(int(bucket["doc_count"]) for bucket in each)
