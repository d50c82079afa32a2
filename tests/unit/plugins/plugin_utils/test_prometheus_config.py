# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs, targets and Alertmanagers become a configuration that means what was meant."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import InputError
from ansible_collections.barehost.monitoring.plugins.plugin_utils._prometheus_config import (
    prometheus_config,
    scraped_jobs,
)

REDIS = {"job_name": "redis"}
CONSUL = {"job_name": "consul", "consul_sd_configs": [{"server": "a:8500"}]}
GROUP = {"targets": ["192.0.2.7:9121"]}
MANAGER = {"static_configs": [{"targets": ["127.0.0.1:9093"]}]}


def test_a_job_without_a_discovery_reads_its_targets_from_a_file() -> None:
    config = prometheus_config([REDIS, CONSUL])
    files = [{"files": ["targets/redis.yml"]}]
    assert config["scrape_configs"] == [{**REDIS, "file_sd_configs": files}, CONSUL]


def test_sections_of_a_server() -> None:
    config = prometheus_config(
        [REDIS], settings={"scrape_interval": "15s"}, alertmanagers=[MANAGER]
    )
    assert list(config) == ["global", "rule_files", "alerting", "scrape_configs"]
    assert config["alerting"] == {"alertmanagers": [MANAGER]}


def test_an_agent_has_neither_rules_nor_alerts() -> None:
    config = prometheus_config([REDIS], alertmanagers=[MANAGER], agent=True, alerts=3)
    assert list(config) == ["global", "scrape_configs"]


def test_further_sections_join_and_replace() -> None:
    extra = {"remote_write": [{"url": "http://a/"}], "rule_files": ["mine/*.yml"]}
    config = prometheus_config([REDIS], extra=extra)
    assert config["rule_files"] == ["mine/*.yml"]
    assert config["remote_write"] == [{"url": "http://a/"}]


@pytest.mark.parametrize(
    "alertmanagers",
    [[], [{"static_configs": []}], [{"static_configs": [{"targets": []}]}], [{"scheme": "https"}]],
)
def test_alerts_that_would_reach_nobody_are_refused(alertmanagers: Any) -> None:
    with pytest.raises(InputError, match="2 alerts would reach nobody"):
        prometheus_config([REDIS], alertmanagers=alertmanagers, alerts=2)


@pytest.mark.parametrize(
    "options",
    [
        {"alertmanagers": [MANAGER]},
        {"alertmanagers": [{"dns_sd_configs": [{"names": ["a"]}]}]},
        {"extra": {"alerting": {"alertmanagers": [MANAGER]}}},
    ],
)
def test_any_way_to_an_alertmanager_will_do(options: dict[str, Any]) -> None:
    assert prometheus_config([REDIS], alerts=2, **options)


def test_all_faults_are_told_at_once() -> None:
    jobs = [REDIS, REDIS, CONSUL, {"scheme": "https"}, {"job_name": "node-exporter"}]
    targets = {"node_exporter": [GROUP], "consul": [GROUP], "redis": ["192.0.2.7:9121"]}
    with pytest.raises(InputError) as refused:
        prometheus_config(jobs, targets=targets, settings=[], alertmanagers={})
    assert refused.value.faults == (
        "settings: [] is a list, not a dictionary",
        "alertmanagers: {} is a dictionary, not a list",
        'jobs[3]: {"scheme": "https"} has no job_name (example: redis)',
        'jobs: 2 jobs are named "redis"',
        'targets.node_exporter: there is no such job; did you mean "node-exporter"?',
        "targets.consul: the job finds its targets elsewhere and never reads targets/consul.yml",
        'targets.redis: ["192.0.2.7:9121"] is no list of target groups',
    )


def test_jobs_are_no_list() -> None:
    with pytest.raises(InputError, match="not a list"):
        prometheus_config({"redis": {}})


def test_scraped_jobs_have_targets_or_a_discovery() -> None:
    jobs = [REDIS, CONSUL, {"job_name": "idle"}, {"job_name": "empty"}]
    found = scraped_jobs(jobs, targets={"redis": [GROUP], "empty": []})
    assert found == ["redis", "consul"]
