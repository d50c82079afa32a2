# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Elasticsearch: is it well, and do lines arrive?"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..daemon._finding import Finding
from ._client import Client, Unanswered, Verdict
from ._prometheus import same_version, version_finding


@dataclass(frozen=True)
class Wanted:
    """What the inventory says of it."""

    unit: str
    version: str
    nodes: int
    index: str = "logs-*"
    newest: float = 900  # seconds within which a line must have been written; 0: none need be


def verify(client: Client, wanted: Wanted) -> Verdict:
    """Ask it everything. A part that is not answered is a finding; the others are still asked."""
    verdict = Verdict()
    for part in (_cluster, _lines):
        try:
            verdict.findings += part(client, wanted, verdict.seen)
        except Unanswered as exc:
            name = part.__name__.strip("_")
            verdict.findings.append(Finding(name, str(exc), f"systemctl status {wanted.unit}"))
    return verdict


def _cluster(client: Client, wanted: Wanted, seen: dict[str, Any]) -> Iterator[Finding]:
    running = str(client.get("/")["version"]["number"])
    seen["version"] = running
    if not same_version(running, wanted.version):
        yield version_finding(running, wanted.version, wanted.unit)
    health = client.get("/_cluster/health")
    nodes, status = int(health["number_of_nodes"]), str(health["status"])
    seen["cluster"] = f"{status}, {nodes} nodes" if nodes != 1 else f"{status}, 1 node"
    if nodes != wanted.nodes:
        fault = f"its cluster has {nodes} of {wanted.nodes} nodes"
        yield Finding("cluster", fault, "look at the log of the node that is missing")
    if status == "red":
        fault = "its cluster is red: some lines can neither be found nor written"
        yield Finding("cluster", fault, "GET _cluster/allocation/explain says why")
    elif status == "yellow" and nodes > 1:
        fault = "its cluster is yellow: some lines exist only once"
        yield Finding("cluster", fault, "GET _cluster/allocation/explain says why", True)


def _lines(client: Client, wanted: Wanted, seen: dict[str, Any]) -> Iterator[Finding]:
    newest = {"size": 1, "sort": [{"@timestamp": "desc"}], "_source": ["@timestamp"]}
    hits = _ask(client, wanted, "_search", "lte", newest)["hits"]["hits"]
    ahead = int(_ask(client, wanted, "_count", "gt", {})["count"])
    if ahead:
        lines = "1 line is" if ahead == 1 else f"{ahead} lines are"
        fault = f"{lines} of a time that has not come yet"
        yield Finding("lines", fault, _AHEAD.format(index=wanted.index), True)
    if not hits:
        if wanted.newest:
            yield Finding("lines", f"there is no line in {wanted.index}", _WHERE)
        return
    # What it sorts by, in milliseconds since the epoch.
    age = max(time.time() - float(hits[0]["sort"][0]) / 1000, 0)
    seen["newest_line"] = f"{age:.0f} s ago"
    if wanted.newest and age > wanted.newest:
        since = datetime.fromtimestamp(time.time() - age).astimezone().isoformat(" ", "seconds")
        yield Finding("lines", f"the newest line is of {since}", _WHERE)


def _ask(client: Client, wanted: Wanted, what: str, side: str, body: dict[str, Any]) -> Any:
    """Ask about the lines on one side of now, which is Elasticsearch's; clocks may differ a little."""
    times = {"range": {"@timestamp": {side: f"now+{_SKEW}s"}}}
    path = f"/{wanted.index}/{what}?ignore_unavailable=true"
    return client.post(path, json.dumps({**body, "query": times}).encode(), "application/json")


_SKEW = 60  # seconds that the clock of who writes a line may be ahead
_AHEAD = (
    f"GET {{index}}/_search?q=@timestamp:>now%2B{_SKEW}s shows them: the clock of their host, or the way "
    "their time is read, is wrong"
)
_WHERE = "follow the way of a line in docs/logs.md: file, Filebeat, Logstash, Elasticsearch"
