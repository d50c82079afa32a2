# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a configuration lets one expect of the Prometheus that runs it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.barehost.monitoring.plugins.plugin_utils import _prometheus_expectations

FILE = {"file_sd_configs": [{"files": ["targets/a.yml"]}]}
STATIC = {"static_configs": [{"targets": ["x:1"]}]}


@pytest.mark.parametrize(
    ("job", "targets"),
    [
        (FILE, ["w1:9100", "w2:9100"]),
        (STATIC, ["x:1"]),
        ({**FILE, **STATIC}, ["x:1", "w1:9100", "w2:9100"]),
        ({"file_sd_configs": [{"files": ["other/*.yml"]}]}, None),
        ({**STATIC, "consul_sd_configs": [{}]}, None),
        ({"static_configs": []}, []),
    ],
)
def test_targets_of_a_job(job: dict[str, Any], targets: list[str] | None) -> None:
    groups = {"a": [{"targets": ["w1:9100"], "labels": {}}, {"targets": ["w2:9100"]}]}
    config = {"scrape_configs": [{"job_name": "a", **job}]}
    found = _prometheus_expectations.expectations(config, targets=groups, rules={})
    assert found["jobs"] == ["a"]
    assert found["targets"] == ({} if targets is None else {"a": targets})


def test_rules_and_alertmanagers() -> None:
    managers = [{"static_configs": [{"targets": ["m:9093"]}]}, {"dns_sd_configs": [{}]}]
    rules = {"groups": [{"name": "g", "rules": [{"alert": "A"}, {"record": "r:x"}]}]}
    config = {"alerting": {"alertmanagers": managers}}
    found = _prometheus_expectations.expectations(config, targets={}, rules=rules)
    assert found["rules"] == {"g": ["A", "r:x"]}
    assert found["alertmanagers"] == ["m:9093"]
