# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of _rule_tests."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import InputError
from ansible_collections.barehost.monitoring.plugins.plugin_utils._rule_tests import rule_tests

RULES: dict[str, Any] = {
    "groups": [
        {
            "name": "g",
            "rules": [
                {"record": "x", "expr": "y"},
                {
                    "alert": "A",
                    "expr": "up == 0",
                    "annotations": {"summary": "{{ $value }}", "runbook_url": "https://x"},
                },
            ],
        }
    ]
}
CASE: dict[str, Any] = {
    "name": "fires",
    "series": {"up": "1 0"},
    "at": {"0m": [], "1m": [{"labels": {"severity": "warning"}, "summary": "0"}]},
}


def test_a_test_becomes_promtools_own() -> None:
    found = rule_tests(RULES, {"A": [CASE]}, rule_files=["r.yml"])
    assert found.pop("tests")[:1] == [
        {
            "name": "A: fires",
            "interval": "1m",
            "input_series": [{"series": "up", "values": "1 0"}],
            "alert_rule_test": [
                {"eval_time": "0m", "alertname": "A", "exp_alerts": []},
                {
                    "eval_time": "1m",
                    "alertname": "A",
                    "exp_alerts": [
                        {
                            "exp_labels": {"severity": "warning"},
                            "exp_annotations": {"runbook_url": "https://x", "summary": "0"},
                        }
                    ],
                },
            ],
        }
    ]
    assert found == {"rule_files": ["r.yml"], "evaluation_interval": "1m"}


def test_entries_with_tests_are_taken_as_well() -> None:
    found = rule_tests(RULES, {"A": {"expr": "x", "tests": [CASE]}, "B": {}}, rule_files=["r"])
    assert found["tests"][0]["name"] == "A: fires"


@pytest.mark.parametrize(
    ("tests", "fault"),
    [
        (5, "tests: 5 is a number, not a dictionary of alert names"),
        ({"A": 5}, "tests.A: 5 is a number, not a list"),
        ({"Aa": [CASE]}, "tests.Aa: no rule makes this alert"),
        ({"A": [5]}, "tests.A[0]: 5 is a number, not a dictionary"),
        ({"A": [{"name": "x"}]}, "tests.A[0].at: is missing"),
        ({"A": [CASE | {"seres": {}}]}, 'tests.A[0].seres: unknown key; did you mean "series"?'),
        ({"A": [CASE | {"series": {"up": 16}}]}, "since YAML takes 0x10 for the number 16"),
        ({"A": [CASE | {"at": {5: []}}]}, "tests.A[0].at: wants moments"),
        ({"A": [CASE | {"at": {"5m": 5}}]}, "tests.A[0].at.5m[0]: 5 is a number, not labels"),
        ({"A": [CASE | {"at": {"5m": [{}]}}]}, "tests.A[0].at.5m[0].labels: is missing"),
    ],
)
def test_a_fault_is_named_with_its_path(tests: Any, fault: str) -> None:
    with pytest.raises(InputError) as caught:
        rule_tests(RULES, tests, rule_files=["r.yml"])
    assert fault in str(caught.value)


@pytest.mark.parametrize("rules", [5, {}, {"groups": 5}])
def test_wrong_rules_are_refused(rules: Any) -> None:
    with pytest.raises(InputError, match="rules: wants what alert_rules returns"):
        rule_tests(rules, {}, rule_files=["r.yml"])
