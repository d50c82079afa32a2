# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask a running Prometheus every query of every panel: each must have data.

It is asked at its own address, or through Grafana's data source proxy, which has the same API.
"""

from __future__ import annotations

import json
import math
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from dashboards.checks.exceptions import EMPTY
from dashboards.checks.view import BoardView, PanelView, Target

Read = Callable[[str], dict[str, Any]]
"""Takes path and query of an address below /api/v1/ and returns the whole answer."""

Series = dict[str, Any]
STEP = 15
_LABEL_VALUES = re.compile(r"label_values\((?:(?P<metric>.*), *)?(?P<label>\w+)\)")
# Test hosts are reached directly, whatever proxy this machine uses.
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def reader(url: str, headers: dict[str, str] | None = None) -> Read:
    """Read from a Prometheus, or from Grafana at .../api/datasources/proxy/uid/UID."""

    def read(path: str) -> dict[str, Any]:
        request = urllib.request.Request(f"{url}/api/v1/{path}", headers=headers or {})
        try:
            with DIRECT.open(request, timeout=30) as answer:
                found: dict[str, Any] = json.load(answer)
        except urllib.error.HTTPError as refusal:
            found = _refused(refusal)
        return found

    return read


def _refused(refusal: urllib.error.HTTPError) -> dict[str, Any]:
    """Return Prometheus' own words, which come with status 400; a proxy has none."""
    try:
        found: dict[str, Any] = json.load(refusal)
    except ValueError:
        found = {"status": "error", "error": f"status {refusal.code}"}
    return found


def faults(boards: Iterable[BoardView], read: Read, *, minutes: float = 5) -> list[str]:
    """List the queries and variables that fail or have no data, unless a reason is known."""
    found = []
    for board in boards:
        found += [f"{board.uid}: {fault}" for fault in _variables(board, read)]
        for panel, target in board.queries:
            fault = _fault(target, board, read, minutes)
            if fault and not (fault == NOTHING and allowed(board, panel, target)):
                found.append(f"{board.uid}: {panel.title}: {target.ref}: {fault}")
    return found


NOTHING = "no data"


def allowed(board: BoardView, panel: PanelView, target: Target) -> str:
    """Return the reason why there may be no data; empty when there is none."""
    keys = ((board.uid, panel.title, ref) for ref in (target.ref, "*"))
    return next((EMPTY[key] for key in keys if key in EMPTY), "")


def _fault(target: Target, board: BoardView, read: Read, minutes: float) -> str:
    answer = ask(target, board, read, minutes)
    if answer.get("status") != "success":
        return str(answer.get("error") or answer)
    if told := answer.get("warnings"):
        return f"Prometheus warns: {'; '.join(told)}"
    series: list[Series] = answer["data"]["result"]
    return "" if any(map(has_numbers, series)) else NOTHING


def ask(
    target: Target, board: BoardView, read: Read, minutes: float, now: float = 0
) -> dict[str, Any]:
    """Ask as the panel asks: the present moment, or the minutes before it."""
    query = with_everything_chosen(target.promql, board)
    now = now or time.time()
    if target.instant:
        return read("query?" + urllib.parse.urlencode({"query": query, "time": now}))
    given = {"query": query, "start": now - minutes * 60, "end": now, "step": STEP}
    return read("query_range?" + urllib.parse.urlencode(given))


def with_everything_chosen(query: str, board: BoardView) -> str:
    """Fill in the variables as Grafana does while "All" is chosen."""
    for variable in board.variables:
        if "allValue" in variable:
            query = query.replace(f"${variable['name']}", variable["allValue"])
    return query


def has_numbers(series: Series) -> bool:
    """Tell whether a series has any value that can be drawn."""
    samples = series.get("values") or [series["value"]]
    return any(math.isfinite(float(value)) for _time, value in samples)


def _variables(board: BoardView, read: Read) -> Iterator[str]:
    """Every variable has something to choose from."""
    for variable in board.variables:
        match = _LABEL_VALUES.fullmatch(variable.get("definition", ""))
        if not match:
            continue
        metric = with_everything_chosen(match["metric"] or '{__name__=~".+"}', board)
        query = f"group by ({match['label']}) ({metric})"
        answer = read("query?" + urllib.parse.urlencode({"query": query}))
        if answer.get("status") != "success" or not answer["data"]["result"]:
            yield f"the variable {variable['name']} has nothing to choose from"
