# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A chain in a clock of its own: it scrapes, evaluates, notifies, and breaks where a test wants it to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from ansible_collections.barehost.monitoring.plugins.module_utils.fire_drill import _textfile
from ansible_collections.barehost.monitoring.plugins.module_utils.fire_drill._inbox import Inbox
from ansible_collections.barehost.monitoring.plugins.module_utils.fire_drill._settings import (
    Settings,
)
from ansible_collections.barehost.monitoring.plugins.module_utils.fire_drill._world import World

STEP = 0.25
BEGIN = 1_700_000_000.0
SAMPLE = re.compile(r'\{drill="(\w+)"(?:,page="(\w+)")?\} (\d+)')


def iso(at: float) -> str:
    """Write a time as the services do."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f000Z")


class Chain:
    """One Prometheus and one Alertmanager."""

    def __init__(self, directory: Path, drill: str = "d1") -> None:
        self.directory, self.drill = directory, drill
        self.clock = 0.0
        self.inbox = Inbox(drill)
        self.scrape, self.evaluate = 5.0, 3.0  # intervals
        self.samples: list[tuple[float, float]] = []
        self.fresh = False
        self.page = False
        self.active = 0.0  # since when the alert fires
        self.known = 0.0  # since when Alertmanager has it
        self.broken: set[str] = set()
        self.down: dict[str, str] = {}  # part of an address -> what becomes of a request
        self.rules = ["FireDrill", "FireDrillPage", "Watchdog"]
        self.receivers = ["fire-drill"]
        self.named = ["http://127.0.0.1:9093"]  # Alertmanagers, as Prometheus calls them
        self.others: dict[str, list[str]] = {}  # receivers of an Alertmanager with other routes
        self.external: dict[str, str] = {}
        self.strays: list[str] = []  # what Alertmanager tells against amtool's word
        self.silenced: list[str] = []
        self.routed: list[dict[str, str]] = []  # the labels that were asked about

    @property
    def world(self) -> World:
        """What a drill sees of it."""
        return World(
            get=self.get,
            receivers=self.route,
            monotonic=lambda: self.clock,
            now=lambda: BEGIN + self.clock,
            sleep=self.sleep,
            here=lambda host: host == "mon",
        )

    def settings(self, **more: Any) -> Settings:
        """Describe a drill on it."""
        return Settings(
            textfile_directory=str(self.directory), **{"patience": 30, "hold": 8, **more}
        )

    def sleep(self, seconds: float) -> None:
        """Let time pass, and everything happen that happens meanwhile."""
        for _step in range(max(1, round(seconds / STEP))):
            self.clock += STEP
            if self.clock % self.scrape == 0 and "scrape" not in self.broken:
                self._scrape()
            if self.clock % self.evaluate == 0 and "rule" not in self.broken:
                self._evaluate()

    def _scrape(self) -> None:
        found = SAMPLE.search(_textfile.read(str(self.directory), _textfile.FAULT))
        self.fresh = found is not None
        if found:
            self.page = found[2] == "yes"
            self.samples.append((BEGIN + self.clock, float(found[3])))

    def _evaluate(self) -> None:
        fires = self.fresh and self.samples[-1][1] > BEGIN + self.clock
        if fires and not self.active:
            self.active = BEGIN + self.clock
            if "alertmanager" not in self.broken:
                self.known = self.active
                self._notify("firing", "receiver")
        if not fires and self.active:
            self.active = self.known = 0
            self._notify("resolved", "resolved")

    def _notify(self, status: str, way: str) -> None:
        told = "fire-drill" in (self.strays or self.receivers)
        if told and way not in self.broken and not self.silenced:
            self.inbox.seen[status] = BEGIN + self.clock

    # -- what they answer -----------------------------------------------------

    def route(self, config: str, labels: Mapping[str, str]) -> list[str]:
        """Be amtool."""
        self.routed.append(dict(labels))
        return self.receivers if config == "the configuration" else self.others[config]

    def get(self, url: str) -> Any:
        """Answer a request."""
        for part, words in self.down.items():
            if part in url:
                raise OSError(words)
        for other in self.others:
            if url == f"{other}/api/v2/status":
                return {"config": {"original": other}}
        if ":9090" in url:
            return {"status": "success", "data": self._prometheus(url.partition("/api/v1/")[2])}
        return self._alertmanager(unquote(url.partition("/api/v2/")[2]))

    @property
    def labels(self) -> dict[str, str]:
        """The labels of the metric."""
        page = {"page": "yes"} if self.page else {}
        return {"drill": self.drill, "job": "node-exporter", "host": "mon", **page}

    def _prometheus(self, path: str) -> Any:
        if path.startswith("query"):
            series = {"metric": {"__name__": "x", **self.labels}}
            values = [[when, str(value)] for when, value in self.samples]
            return {"result": [{**series, "values": values}] if values else []}
        if path.startswith("rules"):
            rules = [{"name": name, "labels": {"severity": "none"}} for name in self.rules]
            return {"groups": [{"rules": rules}]}
        if path == "alertmanagers":
            return {"activeAlertmanagers": [{"url": f"{url}/api/v2/alerts"} for url in self.named]}
        heartbeat = {"labels": {"alertname": "Watchdog", "severity": "none"}, "state": "firing"}
        own = {"labels": self.labels, "state": "firing", "activeAt": iso(self.active)}
        return {"alerts": [heartbeat, *([own] if self.active else [])]}

    def _alertmanager(self, path: str) -> Any:
        if path == "status":
            return {"config": {"original": "the configuration"}}
        if "Watchdog" in path:
            return [{"labels": {"alertname": "Watchdog", "severity": "none", **self.external}}]
        assert path == f'alerts?filter=drill="{self.drill}"', path
        status = {"state": "active", "silencedBy": self.silenced, "inhibitedBy": []}
        told = [{"name": name} for name in self.strays or self.receivers]
        alert = {"updatedAt": iso(self.known), "status": status, "receivers": told}
        return [alert] if self.known else []
