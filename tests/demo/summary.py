# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What runs, read from the running services, for people."""

from __future__ import annotations

import math
import time

from demo.services import Prometheus, has_pages
from demo.stack import GRAFANA_PASSWORD, Stack
from receivers.shown import line

EXPECTED = (
    "ai-assistant",
    "redis",
    "postgres",
    "elasticsearch",
    "node-exporter",
    "cadvisor",
    "prometheus",
    "alertmanager",
    "grafana",
)
RECENT = "@timestamp:>now-15m"
# Targets count as down until their first scrape, which comes within one interval (15 s).
PATIENCE = 45.0
REQUESTS = 'sum(rate(http_requests_total{job="ai-assistant"}[1m]))'
FIGURES = {
    "requests a second": REQUESTS,
    "failed, of all": 'sum(rate(http_requests_total{status_code=~"5.."}[5m])) '
    "/ sum(rate(http_requests_total[5m])) or vector(0)",
    "95% within, seconds": "histogram_quantile(0.95, "
    "sum by (le) (rate(http_request_duration_seconds_bucket[5m])))",
    "tool runs a minute": "60 * sum(rate(tool_executions_total[5m]))",
    "cache hits, of all": 'sum(rate(cache_requests_total{result="hit"}[5m])) '
    "/ sum(rate(cache_requests_total[5m]))",
    "connections of PostgreSQL": "sum(pg_stat_activity_count)",
    "clients of Redis": "redis_connected_clients",
}


def report(stack: Stack) -> list[str]:
    """Print the summary and return what is not as it should be."""
    prometheus, alertmanager = stack.prometheus, stack.alertmanager
    faults = _targets(prometheus)
    _await_requests(prometheus)
    print("\nAI assistant")
    for name, expr in FIGURES.items():
        print(f"  {name:<28}{_figure(prometheus, expr)}")
    print(f"\nAlertmanager {alertmanager.version()}")
    print(f"  receivers {', '.join(alertmanager.receivers())}")
    print("  arrived at the test receivers, the latest")
    for message in stack.receivers.received()[-5:]:
        print(f"    {line(message)}")
    faults += _grafana(stack) + _logs(stack)
    print("\nOpen from this machine")
    print(
        f"  {stack.grafana.url}  (admin; docker exec {stack.monitor.name} cat {GRAFANA_PASSWORD})"
    )
    print(f"  {_page(prometheus.url, 'api/v1/targets')}")
    print(f"  {_page(alertmanager.url, 'api/v2/status')}")
    print(f"  http://{stack.app.address()}:8000/docs")
    print(
        "\n'make demo-faults' causes the documented faults, 'make demo-summary' shows this again,"
    )
    print("'make demo' repeats the run, 'make clean' removes the hosts.")
    return faults


def _targets(prometheus: Prometheus) -> list[str]:
    """Print rules and targets, and return what is missing."""
    targets = prometheus.targets(PATIENCE)
    alerting, recording = prometheus.rules()
    print(f"\nPrometheus {prometheus.version()}")
    print(f"  rules     {alerting} alerting, {recording} recording")
    print(f"  alerts    {', '.join(prometheus.alerts()) or 'none pending or firing'}")
    print("  targets")
    for target in targets:
        state = f"{target['health']:<8}{target['labels']['instance']:<24}"
        text = f"    {target['scrapePool']:<16}{state}{target['scrapeUrl']}  {target['lastError']}"
        print(text.rstrip())
    for job in prometheus.idle_jobs(targets):
        print(f"    {job:<16}not deployed yet")
    jobs = {target["scrapePool"] for target in targets}
    faults = [f"no target in job {job}" for job in EXPECTED if job not in jobs]
    faults += [f"{t['scrapeUrl']} is {t['health']}" for t in targets if t["health"] != "up"]
    return faults if alerting else [*faults, "no alert is loaded"]


def _grafana(stack: Stack) -> list[str]:
    """Print data sources and dashboards, and return what is missing."""
    grafana = stack.grafana
    print(f"\nGrafana {grafana.version()}")
    sources = grafana.datasources()
    mute = [uid for uid, kind in sources.items() if not grafana.answers(uid, kind)]
    for uid, kind in sources.items():
        print(f"  data source {uid:<16}{'silent' if uid in mute else 'answers'}  ({kind})")
    boards = grafana.dashboards()
    print(f"  dashboards  {', '.join(board['title'] for board in boards)}")
    faults = [f"the data source {uid} does not answer through Grafana" for uid in mute]
    return faults if boards else [*faults, "Grafana has no dashboard"]


def _logs(stack: Stack) -> list[str]:
    """Print how many lines have come from the application, and the newest; none is a fault."""
    logs, limit = stack.logs, time.monotonic() + PATIENCE
    while time.monotonic() < limit and not logs.count(RECENT):
        time.sleep(1)
    found = logs.find(RECENT, size=1)
    print(f"\nElasticsearch {logs.version()}")
    print(f"  lines of the last quarter of an hour  {logs.count(RECENT)}")
    for entry in found:
        place = f"{entry['log'].get('level', '-')} {entry['log'].get('logger', '-')}"
        print(f"  the newest  {entry['@timestamp']} {place}: {entry['message'][:60]}")
    return [] if found else ["no line of a log has arrived in Elasticsearch"]


def _await_requests(prometheus: Prometheus) -> None:
    """Wait until two scrapes have seen requests, so that rates have a value."""
    limit = time.monotonic() + PATIENCE
    while time.monotonic() < limit and not prometheus.query(f"{REQUESTS} > 0"):
        time.sleep(1)


def _figure(prometheus: Prometheus, expr: str) -> str:
    values = [float(series["value"][1]) for series in prometheus.query(expr)]
    return "nothing yet" if not values or math.isnan(values[0]) else f"{values[0]:.3g}"


def _page(url: str, api: str) -> str:
    if has_pages(url):
        return url
    return f"{url}/{api}  (this build has no web pages)"
