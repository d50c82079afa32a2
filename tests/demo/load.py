# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Load for the application, and what Prometheus counts of it beside what the client saw."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from demo.stack import LOAD, Stack

Counts = dict[tuple[str, ...], float]
# counter -> the part of the client's report that it must equal, and the labels of both
COUNTERS = {
    "http_requests_total": ("requests", ("method", "endpoint", "status_code")),
    "http_request_duration_seconds_count": ("requests", ("method", "endpoint")),
    "tool_executions_total": ("tools", ("tool_name", "status")),
    "tool_execution_duration_seconds_count": ("tools", ("tool_name",)),
    "cache_requests_total": ("cache", ("cache_type", "result")),
}


@dataclass(frozen=True)
class Load:
    """What a client has sent and seen, and what Prometheus had counted before."""

    stack: Stack
    report: dict[str, Any]
    before: dict[str, Counts]

    @classmethod
    def send(cls, stack: Stack, *options: str) -> Load:
        """Send ordinary requests from the application's host."""
        before = {metric: _counts(stack, metric) for metric in COUNTERS}
        sent = stack.app.output(*LOAD, "traffic", *options)
        return cls(stack, json.loads(sent), before)

    def counted(self, metric: str) -> Counts:
        """Return what Prometheus has counted since."""
        before = self.before[metric]
        risen = {
            key: value - before.get(key, 0) for key, value in _counts(self.stack, metric).items()
        }
        return {key: value for key, value in risen.items() if value}

    def seen(self, metric: str) -> Counts:
        """Return what the client has seen, in the same form."""
        part, labels = COUNTERS[metric]
        found: Counts = {}
        for line in self.report[part]:
            key = tuple(line[label] for label in labels)
            found[key] = found.get(key, 0) + line["count"]
        return found


def _counts(stack: Stack, metric: str) -> Counts:
    labels = COUNTERS[metric][1]
    series = stack.prometheus.query(
        f'sum by ({", ".join(labels)}) ({metric}{{job="ai-assistant"}})'
    )
    return {tuple(s["metric"][label] for label in labels): float(s["value"][1]) for s in series}
