# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules that ask for series which nobody exposes: they can never fire, and no checker says so.

Prometheus itself takes the expressions of its rules apart, so that no matcher is overlooked.
"""

from __future__ import annotations

import urllib.parse
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from demo.services import Prometheus

RANGE = "10m"
# What a healthy stack need not have.
RARE = {
    "barehost_fire_drill_last_success_timestamp_seconds": "only once a fire drill has passed",
    "barehost_fire_drill_overdue_after_seconds": "only where fire drills have a schedule",
    "barehost_fire_drill_success": "only once a fire drill has run",
    "barehost_fire_drill_until_seconds": "only while a fire drill runs",
    "container_cpu_cfs_periods_total": "only of services with CPUQuota=",
    "container_cpu_cfs_throttled_periods_total": "only of services with CPUQuota=",
    "container_spec_memory_limit_bytes": "only where control groups have the memory controller",
    "log:errors:per_minute5m": "only once a line had the level of an error",
    "log:lines:increase5m": "of errors and of refused lines only once there is one",
    "node_md_disks": "only with a software RAID",
    "node_md_disks_required": "only with a software RAID",
    "node_textfile_mtime_seconds": "only once somebody writes a file of metrics",
    "redis_master_link_up": "only of a replica",
}
Parse = Callable[[str], Any]
Query = Callable[[str], list[Any]]


def dead(prometheus: Prometheus) -> list[str]:
    """Name every rule that is loaded and needs a series that is not there."""
    groups = prometheus.ask("rules")["groups"]
    # Pairs: steps of a ladder, jobs and objectives have rules of one name.
    rules = [(rule["name"], rule["query"]) for group in groups for rule in group["rules"]]

    def parse(expr: str) -> Any:
        return prometheus.ask(f"parse_query?{urllib.parse.urlencode({'query': expr})}")

    return list(missing(rules, parse, prometheus.query))


def missing(rules: Iterable[tuple[str, str]], parse: Parse, query: Query) -> Iterator[str]:
    """Say what each rule lacks, unless that is known to be rare."""
    seen: dict[str, bool] = {}

    def there(selector: str) -> bool:
        if selector not in seen:
            seen[selector] = bool(query(f"count(last_over_time({selector}[{RANGE}]))"))
        return seen[selector]

    for name, expr in rules:
        for metric, matchers in selectors(parse(expr)):
            selector = f"{metric}{{{','.join(matchers)}}}"
            if metric not in RARE and not there(selector):
                yield f"{name}: there is no series {selector}"


def selectors(node: Any) -> Iterator[tuple[str, list[str]]]:
    """Find the metrics in a parsed expression, each with its matchers."""
    if isinstance(node, dict) and "matchers" in node:
        yield node["name"], [_written(m) for m in node["matchers"] if m["name"] != "__name__"]
    elif isinstance(node, dict | list):
        for child in node.values() if isinstance(node, dict) else node:
            yield from selectors(child)


def _written(matcher: dict[str, str]) -> str:
    value = matcher["value"].replace("\\", "\\\\").replace('"', '\\"')
    return f'{matcher["name"]}{matcher["type"]}"{value}"'
