# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prometheus, asked over HTTP for what it runs with."""

from __future__ import annotations

import os
from typing import Any

import pytest
import yaml

PREFIX = os.environ.get("BAREHOST_MOLECULE", "barehost-molecule")
HOSTS = (f"{PREFIX}-bookworm", f"{PREFIX}-trixie")
URL = "http://127.0.0.1:9090"
AGENT = "http://127.0.0.1:9091"
LOGIN = "reader:correct horse"
JOBS = {
    "ai-assistant": "5s",
    "redis": "15s",
    "postgres": "15s",
    "elasticsearch": "15s",
    "node-exporter": "15s",
    "cadvisor": "15s",
    "prometheus": "15s",
    "alertmanager": "15s",
    "grafana": "15s",
}


# Every host is in every group but the application's, whether its exporters run or not. The application has no
# target, so that nothing about it is loaded.
PORTS = {
    "redis": 9121,
    "postgres": 9187,
    "elasticsearch": 9114,
    "node-exporter": 9100,
    "cadvisor": 8080,
    "prometheus": 9090,
    "alertmanager": 9093,
    "grafana": 3000,
}
DOCUMENTED = {"HighMemoryUsage", "DiskSpaceLow", "TargetDown", "JobAbsent", "Watchdog"}
LEFT_OUT = {"HighErrorRate", "HighResponseTime", "ToolExecutionFailure"}


def test_the_documented_jobs_are_loaded_with_their_intervals(ask: Any) -> None:
    config = yaml.safe_load(ask.json(f"{URL}/api/v1/status/config")["yaml"])
    assert {j["job_name"]: j["scrape_interval"] for j in config["scrape_configs"]} == JOBS
    assert config["global"]["evaluation_interval"] == "15s"


def test_targets_are_those_of_the_inventory(ask: Any) -> None:
    active = ask.json(f"{URL}/api/v1/targets?state=active")["activeTargets"]
    found = {(t["labels"]["job"], t["labels"]["instance"], t["labels"]["host"]) for t in active}
    assert found == {(job, f"{h}:{port}", h) for job, port in PORTS.items() for h in HOSTS}


def test_it_scrapes_itself(ask: Any, eventually: Any) -> None:
    query = f"{URL}/api/v1/query?query=up{{job=%22prometheus%22}}==1"
    assert eventually(lambda: len(ask.json(query)["result"]) == len(HOSTS))


def test_the_alerts_of_the_role_are_loaded_and_healthy(ask: Any) -> None:
    groups = ask.json(f"{URL}/api/v1/rules")["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    names = {rule["name"] for rule in rules}
    assert names >= DOCUMENTED
    assert not names & LEFT_OUT
    assert "OwnAlert" in names
    assert {rule["health"] for rule in rules} <= {"ok", "unknown"}


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("storage.tsdb.retention.time", "8d8h"),
        ("storage.tsdb.path", "/var/lib/prometheus"),
        ("web.enable-lifecycle", "true"),
        ("web.page-title", '50% of $HOME is "quoted"'),
    ],
)
def test_flags(ask: Any, flag: str, value: str) -> None:
    flags = ask.json(f"{URL}/api/v1/status/flags")
    assert flags[flag] == value


def test_it_runs_the_wanted_release(host: Any) -> None:
    pid = host.check_output("systemctl show -p MainPID --value prometheus")
    assert host.check_output(f"readlink /proc/{pid}/exe") == "/opt/prometheus/3.5.3/prometheus"


def test_a_reload_over_http_is_allowed(ask: Any) -> None:
    assert ask.answer(f"{URL}/-/reload", body={})[0] == 200


def test_the_unit_is_sealed(exposure: Any) -> None:
    assert exposure("prometheus") <= 2.0


def test_a_key_of_the_unit_is_passed_through(host: Any) -> None:
    shown = host.check_output("systemctl show -p MemoryMax -p Nice --value prometheus")
    assert shown.split() == ["2147483648", "5"] or shown.split() == ["5", "2147483648"]


def test_the_second_instance_is_an_agent_behind_a_password(ask: Any) -> None:
    assert ask.answer(f"{AGENT}/-/ready")[0] == 401
    flags = ask.json(f"{AGENT}/api/v1/status/flags", user=LOGIN)
    assert flags["agent"] == "true"
    assert flags["storage.agent.path"] == "/var/lib/prometheus-agent"
    config = yaml.safe_load(ask.json(f"{AGENT}/api/v1/status/config", user=LOGIN)["yaml"])
    assert "alerting" not in config
    assert [w["url"] for w in config["remote_write"]] == [f"{URL}/api/v1/write"]


def test_the_agent_forwards_to_the_first_instance(ask: Any, eventually: Any) -> None:
    query = f"{URL}/api/v1/query?query=up{{job=%22relayed%22}}"
    assert eventually(lambda: len(ask.json(query)["result"]) == 1)


def test_the_password_is_in_its_file_only(host: Any) -> None:
    path = "/etc/prometheus-agent/secrets/reader_password"
    assert host.check_output("stat -c %s %s", "%a %U:%G", path) == "640 root:prometheus-agent"
    assert host.run("grep -rl 'correct horse' /etc /opt /var/log").stdout.split() == [path]
