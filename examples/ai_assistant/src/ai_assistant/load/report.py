# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was sent and what came back, in the words of the application's metrics."""

from __future__ import annotations

from collections import Counter
from typing import Any

from .plan import Step

ITEM = "/api/items/{item_id}"


class Report:
    """Counts what a client sees, to be compared with what the application counts."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.requests: Counter[tuple[str, str, int]] = Counter()
        self.tools: Counter[tuple[str, str]] = Counter()
        self.cache: Counter[tuple[str, str]] = Counter()
        self.failures: Counter[str] = Counter()
        self.durations: list[float] = []

    def answered(self, step: Step, status: int, duration: float, body: Any) -> None:
        """Count an answer. body: the JSON of it, None when it is none."""
        self.requests[step.method, step.endpoint, status] += 1
        self.durations.append(duration)
        told = body if isinstance(body, dict) else {}
        kind = {"/api/chat": "reply", ITEM: "item"}.get(step.endpoint)
        if kind and "cache" in told:
            self.cache[kind, told["cache"]] += 1
        elif step.endpoint == ITEM and status in (404, 503):  # the cache was asked before
            self.cache["item", "miss"] += 1
        if tool := _tool(step, status, told):
            self.tools[tool] += 1

    def failed(self, fault: Exception) -> None:
        """Count a request without an answer."""
        self.failures[type(fault).__name__] += 1

    def as_json(self) -> dict[str, Any]:
        """Return everything as plain data, in a stable order."""
        times = sorted(self.durations)
        return {
            "answered": len(times),
            "without_answer": dict(sorted(self.failures.items())),
            "requests": [
                {"method": method, "endpoint": endpoint, "status_code": str(status), "count": count}
                for (method, endpoint, status), count in sorted(self.requests.items())
            ],
            "tools": [
                {"tool_name": tool, "status": status, "count": count}
                for (tool, status), count in sorted(self.tools.items())
            ],
            "cache": [
                {"cache_type": kind, "result": result, "count": count}
                for (kind, result), count in sorted(self.cache.items())
            ],
            "seconds": {
                name: round(times[int(part * (len(times) - 1))], 4) if times else None
                for name, part in (("median", 0.5), ("p95", 0.95), ("longest", 1.0))
            },
        }


def _tool(step: Step, status: int, told: dict[str, Any]) -> tuple[str, str] | None:
    """Return the tool that a request made run, and how that ended."""
    if status != 200:
        return None
    if step.endpoint == "/api/tools/{tool_name}":
        return step.path.rpartition("/")[2], "success" if told["success"] else "error"
    if step.endpoint == "/api/chat/stream":
        return "calculator", "success"  # the plan asks it for nothing else
    return (told["tool"], told["tool_status"]) if told.get("tool") else None
