# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is counted in this process, and the application as a service of its own on loopback."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

EXAMPLE = Path(__file__).parents[3] / "examples" / "ai_assistant"


class Counted:
    """How much a value of this process' registry has risen; other tests count there too."""

    def __init__(self) -> None:
        self._before = self._values()

    @staticmethod
    def _values() -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
        samples = (sample for metric in REGISTRY.collect() for sample in metric.samples)
        return {(sample.name, frozenset(sample.labels.items())): sample.value for sample in samples}

    def risen(self, name: str) -> dict[frozenset[str], float]:
        """Return the series of a metric that have risen: the values of their labels, and by how much."""
        rises = ((key, value - self._before.get(key, 0.0)) for key, value in self._values().items())
        return {
            frozenset(value for _label, value in labels): rise
            for (metric, labels), rise in rises
            if metric == name and rise
        }

    def has(self, name: str, **labels: str) -> bool:
        """Tell whether there is such a series, at whatever value."""
        return (name, frozenset(labels.items())) in self._values()


@dataclass
class Service:
    """The application as a service: its process, its address, what it has logged."""

    process: subprocess.Popen[str]
    log: Path
    url: str = ""
    client: httpx.Client = field(default_factory=lambda: httpx.Client(trust_env=False, timeout=40))

    def lines(self) -> list[dict[str, Any]]:
        """Return the log; every line must be one JSON object."""
        found = [json.loads(line) for line in self.log.read_text().splitlines()]
        assert all(isinstance(line, dict) for line in found)
        return found

    def said(self, message: str, times: int = 1) -> list[dict[str, Any]]:
        """Wait until a message was logged that often, and return the lines."""
        return self._found(lambda line: message in line["message"], times, message)

    def of_request(self, request_id: str, times: int) -> list[dict[str, Any]]:
        """Wait until a request has that many lines, and return them."""
        return self._found(lambda line: line.get("request_id") == request_id, times, request_id)

    def _found(
        self, wanted: Callable[[dict[str, Any]], bool], times: int, what: str
    ) -> list[dict[str, Any]]:
        limit = time.monotonic() + 30
        while time.monotonic() < limit:
            ended = self.process.poll() is not None
            found = [line for line in self.lines() if wanted(line)]
            if len(found) >= times:
                return found
            assert not ended, self.log.read_text()
            time.sleep(0.05)
        raise AssertionError(f"{what!r} was not logged {times} times: {self.log.read_text()}")

    def get(self, path: str) -> httpx.Response:
        """Ask for a path on a connection of its own, so that every worker gets its turn."""
        return httpx.get(f"{self.url}{path}", trust_env=False, timeout=40)

    def metrics(self) -> dict[str, dict[frozenset[str], float]]:
        """Scrape: name -> values of the labels -> value, without the series that are zero."""
        found: dict[str, dict[frozenset[str], float]] = {}
        for family in text_string_to_metric_families(self.get("/metrics").text):
            for sample in family.samples:
                if sample.value:
                    labels = frozenset(sample.labels.values())
                    found.setdefault(sample.name, {})[labels] = sample.value
        return found

    def stop(self) -> float:
        """Ask it to stop, as systemd does, and return how many seconds that took."""
        start = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)
        return time.monotonic() - start
