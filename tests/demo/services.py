# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the running services say about themselves."""

from __future__ import annotations

import base64
import json
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from typing import Any

# Test hosts are reached directly, whatever proxy this machine uses.
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
# What a data source of a type is asked, to see that it answers.
ASKED = {
    "prometheus": "api/v1/query?query=vector(1)",
    "alertmanager": "api/v2/status",
    "elasticsearch": "_cluster/health",
}


@dataclass(frozen=True)
class Prometheus:
    """The Prometheus at an address."""

    url: str

    def ask(self, path: str) -> Any:
        """Return the data of an answer of the API."""
        return read(f"{self.url}/api/v1/{path}")["data"]

    def version(self) -> str:
        """Return the version that runs."""
        return str(self.ask("status/buildinfo")["version"])

    def targets(self, patience: float) -> list[dict[str, Any]]:
        """Return the targets once each was scraped and is up, or when patience ends."""
        limit = time.monotonic() + patience
        while True:
            targets: list[dict[str, Any]] = self.ask("targets?state=active")["activeTargets"]
            if time.monotonic() > limit or (targets and all(t["health"] == "up" for t in targets)):
                return sorted(targets, key=lambda t: (t["scrapePool"], t["scrapeUrl"]))
            time.sleep(1)

    def idle_jobs(self, targets: list[dict[str, Any]]) -> list[str]:
        """List the configured jobs that have no target, since no host is in their group."""
        busy = {str(target["scrapePool"]) for target in targets}
        return [job for job in self.ask("scrape_pools")["scrapePools"] if job not in busy]

    def rules(self) -> tuple[int, int]:
        """Count the alerting and the recording rules that are loaded."""
        rules = [rule for group in self.ask("rules")["groups"] for rule in group["rules"]]
        alerting = sum(rule["type"] == "alerting" for rule in rules)
        return alerting, len(rules) - alerting

    def firing(self) -> set[str]:
        """Return the names of the alerts that fire now."""
        alerts = self.ask("alerts")["alerts"]
        return {a["labels"]["alertname"] for a in alerts if a["state"] == "firing"}

    def query(self, expr: str) -> list[dict[str, Any]]:
        """Return the series that an expression gives now."""
        words = urllib.parse.urlencode({"query": expr})
        series: list[dict[str, Any]] = self.ask(f"query?{words}")["result"]
        return series

    def value(self, expr: str) -> float:
        """Return the value of an expression that gives one series."""
        series = self.query(expr)
        if len(series) != 1:
            raise LookupError(f"{len(series)} series instead of one: {expr}")
        return float(series[0]["value"][1])

    def alerts(self) -> list[str]:
        """List the alerts that are pending or firing."""
        alerts = self.ask("alerts")["alerts"]
        return sorted({f"{alert['labels']['alertname']} ({alert['state']})" for alert in alerts})


@dataclass(frozen=True)
class Alertmanager:
    """The Alertmanager at an address."""

    url: str

    def version(self) -> str:
        """Return the version that runs."""
        return str(read(f"{self.url}/api/v2/status")["versionInfo"]["version"])

    def receivers(self) -> list[str]:
        """List the receivers that it can notify."""
        return [receiver["name"] for receiver in read(f"{self.url}/api/v2/receivers")]


@dataclass(frozen=True)
class Grafana:
    """The Grafana at an address, as its administrator sees it."""

    url: str
    user: str
    password: str

    @property
    def headers(self) -> dict[str, str]:
        """Return the headers that let one in."""
        login = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        return {"Authorization": f"Basic {login}"}

    def ask(self, path: str) -> Any:
        """Return an answer of the API."""
        return read(f"{self.url}/api/{path}", self.headers)

    def version(self) -> str:
        """Return the version that runs."""
        return str(self.ask("frontend/settings")["buildInfo"]["version"])

    def through(self, uid: str) -> str:
        """Return the address at which Grafana passes requests on to a data source."""
        return f"{self.url}/api/datasources/proxy/uid/{uid}"

    def datasources(self) -> dict[str, str]:
        """Return uid and type of each data source."""
        return {found["uid"]: found["type"] for found in self.ask("datasources")}

    def answers(self, uid: str, kind: str) -> bool:
        """Tell whether a data source answers through Grafana."""
        try:
            read(f"{self.through(uid)}/{ASKED[kind]}", self.headers)
        except urllib.error.HTTPError:
            return False
        return True

    def dashboards(self) -> list[dict[str, Any]]:
        """Return the dashboards as Grafana shows them."""
        uids = sorted(found["uid"] for found in self.ask("search?type=dash-db"))
        return [self.ask(f"dashboards/uid/{uid}")["dashboard"] for uid in uids]


@dataclass(frozen=True)
class Logs:
    """The lines in Elasticsearch, reached as Grafana reaches them."""

    grafana: Grafana
    uid: str = "elasticsearch"

    def ask(self, path: str) -> Any:
        """Return an answer of Elasticsearch."""
        return read(f"{self.grafana.through(self.uid)}/{path}", self.grafana.headers)

    def version(self) -> str:
        """Return the version that runs."""
        return str(self.ask("")["version"]["number"])

    def find(self, query: str, size: int = 100) -> list[dict[str, Any]]:
        """Return the newest lines that a query finds, in Lucene's language."""
        given = {"q": query, "size": size, "sort": "@timestamp:desc", "ignore_unavailable": "true"}
        hits = self.ask(f"logs-*/_search?{urllib.parse.urlencode(given)}")["hits"]["hits"]
        return [hit["_source"] for hit in hits]

    def count(self, query: str) -> int:
        """Count the lines that a query finds."""
        return int(self.ask(f"logs-*/_count?{urllib.parse.urlencode({'q': query})}")["count"])


def read(url: str, headers: dict[str, str] | None = None) -> Any:
    """Return the JSON at an address."""
    request = urllib.request.Request(url, headers=headers or {})
    with DIRECT.open(request, timeout=5) as answer:
        return json.load(answer)


def has_pages(url: str) -> bool:
    """Tell whether web pages are built into the service (Debian's builds have none)."""
    try:
        with DIRECT.open(url, timeout=5) as answer:
            return "text/html" in answer.headers.get("Content-Type", "")
    except urllib.error.HTTPError:
        return False
