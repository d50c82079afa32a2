# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the services of the whole stack say about themselves and about each other."""

from __future__ import annotations

from typing import Any

import pytest

ON_MONITOR = (
    *("prometheus", "alertmanager", "grafana", "node_exporter", "cadvisor"),
    *("elasticsearch", "elasticsearch_exporter", "logstash", "kibana"),
)
ON_APP = (
    *("ai-assistant", "redis_exporter", "postgres_exporter", "node_exporter", "cadvisor"),
    "filebeat",
)


def test_metrics_of_a_host_carry_its_name(stack: Any) -> None:
    series = [found["metric"] for found in stack.prometheus.query("node_uname_info")]
    names = {stack.app_name, stack.monitor_name}
    assert {found["host"]: found["nodename"] for found in series} == {name: name for name in names}


def test_prometheus_knows_the_alertmanager(stack: Any) -> None:
    active = stack.prometheus.ask("alertmanagers")["activeAlertmanagers"]
    assert [found["url"] for found in active] == ["http://127.0.0.1:9093/api/v2/alerts"]


def test_the_heartbeat_arrives_outside(stack: Any) -> None:
    heartbeats = stack.receivers.wait("webhook", seconds=90)
    assert {found["body"]["groupLabels"]["alertname"] for found in heartbeats} == {"Watchdog"}


def test_every_unit_started_once_and_runs(stack: Any) -> None:
    for host, units in ((stack.monitor, ON_MONITOR), (stack.app, ON_APP)):
        for unit in units:
            shown = host.output("systemctl", "show", "-p", "ActiveState,NRestarts", unit)
            assert set(shown.split()) == {"ActiveState=active", "NRestarts=0"}, (host.name, unit)


@pytest.mark.parametrize("path", ["docs", "healthz"])
def test_the_application_answers(stack: Any, path: str) -> None:
    code = "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1]).status)"
    url = f"http://127.0.0.1:8000/{path}"
    assert stack.app.output("python3", "-c", code, url) == "200"
