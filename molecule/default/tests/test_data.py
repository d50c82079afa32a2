# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every documented job delivers, and what Prometheus counts is what clients saw."""

from __future__ import annotations

from typing import Any

import pytest

from demo import quiet
from demo.dead_rules import dead
from demo.load import COUNTERS

EVERYWHERE = {"node-exporter": 9100, "cadvisor": 8080}
ON_APP = {"ai-assistant": 8000, "redis": 9121, "postgres": 9187}
ON_MONITOR = {"prometheus": 9090, "alertmanager": 9093, "grafana": 3000, "elasticsearch": 9114}
DOCUMENTED = (
    "http_requests_total",
    "http_request_duration_seconds_bucket",
    "active_connections",
    "tool_executions_total",
    "tool_execution_duration_seconds_bucket",
    "cache_hit_rate",
    "node_memory_MemTotal_bytes",
    "node_memory_MemAvailable_bytes",
    "node_filesystem_avail_bytes",
    "node_filesystem_size_bytes",
)


def test_every_documented_job_is_up(stack: Any, eventually: Any) -> None:
    app, monitor = stack.app_name, stack.monitor_name
    wanted = {
        (job, f"{name}:{port}") for job, port in EVERYWHERE.items() for name in (app, monitor)
    }
    wanted |= {(job, f"{app}:{port}") for job, port in ON_APP.items()}
    wanted |= {(job, f"{monitor}:{port}") for job, port in ON_MONITOR.items()}

    def up() -> set[tuple[str, str]]:
        labels = [series["metric"] for series in stack.prometheus.query("up == 1")]
        return {(found["job"], found["instance"]) for found in labels}

    assert eventually(lambda: up() == wanted), wanted ^ up()


def test_the_databases_answer_their_exporters(stack: Any) -> None:
    assert stack.prometheus.value("redis_up") == 1
    assert stack.prometheus.value("pg_up") == 1
    assert stack.prometheus.query("pg_scrape_collector_success == 0") == []


def test_the_client_got_an_answer_to_everything(load: Any) -> None:
    assert load.report["sent"] == load.report["answered"] > 100
    assert {line["status_code"] for line in load.report["requests"]} >= {"200", "404", "405", "422"}


@pytest.mark.parametrize("metric", COUNTERS)
def test_prometheus_counts_what_the_client_saw(load: Any, eventually: Any, metric: str) -> None:
    assert load.seen(metric)
    assert eventually(lambda: load.counted(metric) == load.seen(metric)), load.counted(metric)


def test_no_request_is_under_way_any_more(load: Any, stack: Any, eventually: Any) -> None:
    assert eventually(lambda: stack.prometheus.value("sum(active_connections)") == 0)


def test_the_hit_rate_is_that_of_the_counters(load: Any, stack: Any, eventually: Any) -> None:
    hits = 'sum by (cache_type) (increase(cache_requests_total{result="hit"}[5m]))'
    ratio = f"{hits} / sum by (cache_type) (increase(cache_requests_total[5m]))"
    assert eventually(lambda: stack.prometheus.query("cache_hit_rate") != [])
    off = f"abs(cache_hit_rate - on (cache_type) group_left () ({ratio})) > 0.05"
    assert eventually(lambda: stack.prometheus.query(off) == []), stack.prometheus.query(off)


@pytest.mark.parametrize("metric", DOCUMENTED)
def test_a_documented_series_is_there(load: Any, stack: Any, metric: str) -> None:
    assert stack.prometheus.query(metric) != []


@pytest.mark.parametrize("service", ["ai-assistant", "redis-server", "postgresql@15-main"])
def test_a_service_has_series_of_its_own_under_its_name(stack: Any, service: str) -> None:
    at = f'{{service="{service}",host="{stack.app_name}"}}'
    assert stack.prometheus.query(f"container_memory_working_set_bytes{at}")
    assert stack.prometheus.query(f"time() - container_last_seen{at} < 60")
    # Its processor time is counted by the kernel; how cAdvisor calls it depends on its version.
    used = f'{{__name__=~"container_cpu_(user_|usage_)?seconds_total",service="{service}"}}'
    assert stack.prometheus.query(f"{used} >= 0")


def test_a_healthy_stack_is_silent(load: Any, stack: Any, eventually: Any) -> None:
    assert quiet.names(stack.prometheus, "firing", seconds=3600) == []
    # Nor does any alert wait to fire. (A job is absent until its targets are scraped for the first time.)
    assert eventually(lambda: quiet.noise(stack.prometheus) == set()), quiet.noise(stack.prometheus)


def test_no_rule_waits_for_series_that_nobody_exposes(
    load: Any, stack: Any, eventually: Any
) -> None:
    assert eventually(lambda: dead(stack.prometheus) == [], seconds=60), dead(stack.prometheus)
