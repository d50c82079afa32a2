# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole stack, asked over HTTP: every host watches every host of the inventory."""

from __future__ import annotations

from typing import Any

import pytest

HOSTS = ("barehost-molecule-bookworm", "barehost-molecule-trixie")
PORTS = {"node-exporter": 9100, "prometheus": 9090, "alertmanager": 9093}
PROMETHEUS = "http://127.0.0.1:9090"


def test_every_host_of_the_inventory_is_scraped(ask: Any, eventually: Any) -> None:
    def up() -> set[tuple[str, str]]:
        series = ask.json(f"{PROMETHEUS}/api/v1/query?query=up==1")["result"]
        return {(s["metric"]["job"], s["metric"]["instance"]) for s in series}

    wanted = {(job, f"{name}:{port}") for job, port in PORTS.items() for name in HOSTS}
    assert eventually(lambda: up() == wanted), wanted ^ up()


def test_metrics_of_a_host_carry_its_name(ask: Any, eventually: Any) -> None:
    def kernels() -> dict[str, str]:
        series = ask.json(f"{PROMETHEUS}/api/v1/query?query=node_uname_info")["result"]
        return {s["metric"]["host"]: s["metric"]["nodename"] for s in series}

    assert eventually(lambda: kernels() == {name: name for name in HOSTS}), kernels()


def test_prometheus_knows_every_alertmanager(host: Any, ask: Any) -> None:
    own = host.check_output("hostname")
    active = ask.json(f"{PROMETHEUS}/api/v1/alertmanagers")["activeAlertmanagers"]
    names = {"127.0.0.1" if name == own else name for name in HOSTS}
    assert {a["url"] for a in active} == {f"http://{name}:9093/api/v2/alerts" for name in names}


def test_the_heartbeat_and_nothing_else_arrives_at_alertmanager(ask: Any, eventually: Any) -> None:
    def arrived() -> set[str]:
        return {a["labels"]["alertname"] for a in ask.json("http://127.0.0.1:9093/api/v2/alerts")}

    # What fired before the first Alertmanager was discovered is sent again after a minute.
    assert eventually(lambda: arrived() == {"Watchdog"}, seconds=90), arrived()


@pytest.mark.parametrize("unit", ["prometheus", "alertmanager", "node_exporter"])
def test_a_unit_started_once_and_runs(host: Any, unit: str) -> None:
    shown = host.check_output("systemctl show -p ActiveState -p NRestarts --value %s", unit)
    assert shown.split() == ["0", "active"] or shown.split() == ["active", "0"]
