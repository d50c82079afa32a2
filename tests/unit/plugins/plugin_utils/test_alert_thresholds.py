# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the thresholds of single hosts, and of the series of all thresholds."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.barehost.monitoring.plugins.plugin_utils._alerts import alert_rules
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import InputError

USED: dict[str, Any] = {"expr": "used / size", "threshold": 0.9, "unit": "ratio", "summary": "x"}
STEPS = USED | {"threshold": {"warning": 0.8, "critical": 0.9}}
OWN = 'alert:threshold{alert="A",severity="warning",host!=""}'


def rules(entry: dict[str, Any], thresholds: Any = None) -> list[dict[str, Any]]:
    """Make the rules of one alert, its recordings among them."""
    found: list[dict[str, Any]] = alert_rules({"A": entry}, thresholds=thresholds)["groups"]
    return [rule for group in found for rule in group["rules"]]


def recorded(entry: dict[str, Any], thresholds: Any = None) -> list[tuple[str, str, str]]:
    """List severity, host and value of the recorded thresholds, which stand above the alerts."""
    found = rules(entry, thresholds)
    series = [rule for rule in found if "record" in rule]
    assert found[: len(series)] == series
    return [(r["labels"]["severity"], r["labels"].get("host", ""), r["expr"]) for r in series]


def test_every_threshold_is_recorded() -> None:
    assert recorded(STEPS) == [("warning", "", "vector(0.8)"), ("critical", "", "vector(0.9)")]
    assert recorded({"expr": "up == 0", "summary": "x"}) == []


def test_the_host_of_a_threshold_is_a_label_of_its_series() -> None:
    found = recorded(STEPS, {"b": {"A": {"critical": 0.95}}, "a": {"A": {"warning": 0.5}}})
    assert found == [
        *[("warning", "", "vector(0.8)"), ("warning", "a", "vector(0.5)")],
        *[("critical", "", "vector(0.9)"), ("critical", "b", "vector(0.95)")],
    ]


def test_a_rule_holds_the_number_where_no_host_differs() -> None:
    (series, rule) = rules(USED, {"a": {"A": 0.9}, "b": {}})
    assert (series["labels"], rule["expr"]) == (
        {"alert": "A", "severity": "warning"},
        "used / size > 0.9",
    )


def test_one_rule_serves_all_hosts() -> None:
    rule = rules(USED | {"guard": "size > 1"}, {"a": {"A": 0.5}, "b": {"A": 0.6}})[-1]
    own = f"used / size > on (host) group_left () {OWN}"
    usual = f"(used / size unless on (host) {OWN}) > 0.9"
    assert rule["expr"] == f"({own} or {usual}) and (size > 1)"


def test_texts_ask_for_the_threshold_of_the_host() -> None:
    entry = USED | {"summary": "<threshold:percent>", "description": "<threshold>"}
    told = rules(entry, {"a": {"A": 0.5}})[-1]["annotations"]
    asked = 'query (printf `alert:threshold{alert="A",severity="warning",host=%q}` $labels.host)'
    value, usual = "{{ . | first | value | humanizePercentage }}", "{{ else }}90%{{ end }}"
    assert told["summary"] == f"{{{{ with {asked} }}}}{value}{usual}"
    assert told["description"].endswith('| value | printf "%.15g" }}{{ else }}0.9{{ end }}')


def test_an_alert_that_is_left_out_records_nothing() -> None:
    entry = USED | {"enabled": False}
    assert rules(entry, {"a": {"A": 0.5}}) == []


FAULTS: list[tuple[dict[str, Any], Any, str]] = [
    (USED, 5, "thresholds: 5 is a number, not thresholds by host"),
    (USED, {"a": 5}, "thresholds.a: 5 is a number, not thresholds by alert (example: {HighMemory"),
    (USED, {"a": {"A": "5"}}, 'thresholds.a.A: "5" is a string, not a finite number'),
    (USED, {"a": {"A": True}}, "thresholds.a.A: true is a boolean, not a finite number"),
    (USED, {"a": {"B": 5}}, "thresholds.a.B: there is no such alert"),
    (USED, {"a": {"A": 90}}, "thresholds.a.A: 90 is no ratio from 0 to 1; write 0.9"),
    (USED, {"a": {"A": {"critical": 0.5}}}, "thresholds.a.A.critical: is no step of this alert (s"),
    (STEPS, {"a": {"A": 0.9}}, "thresholds.a.A: the alert has several steps; say which (steps: w"),
    (STEPS, {"a": {"A": {"critical": 90}}}, "thresholds.a.A.critical: 90 is no ratio from 0 to 1"),
    (STEPS, {"a": {"A": {"warning": 0.95}}}, "thresholds.a.A: with > the step critical (0.9) must"),
    (USED | {"expr": "sum(used) / sum(size)"}, {"a": {"A": 0.5}}, "looks at several hosts at once"),
    # A recorded series, whose labels nobody sees here.
    (
        USED | {"expr": "used:ratio", "per": ["cluster", "dataset"]},
        {"a": {"A": 0.5}},
        "looks at several hosts at once",
    ),
    ({"expr": "up == 0", "summary": "x"}, {"a": {"A": 1}}, "A: the alert has no threshold"),
    (USED, {h: {"A": 90} for h in "abcdef"}, "write 0.9 (likewise b, c, d and 2 more)"),
    (USED, {h: {"B": 1} for h in "ab"}, "thresholds.a.B: there is no such alert (likewise b)"),
]


@pytest.mark.parametrize(("entry", "thresholds", "fault"), FAULTS, ids=lambda v: str(v)[:40])
def test_a_wrong_threshold_is_refused_with_host_and_alert(
    entry: dict[str, Any], thresholds: Any, fault: str
) -> None:
    with pytest.raises(InputError) as caught:
        rules(entry, thresholds)
    assert fault in str(caught.value)
    assert len(caught.value.faults) == 1


def test_a_fault_of_the_expression_is_not_told_as_one_of_the_threshold() -> None:
    with pytest.raises(InputError, match=r"\Aalerts.A.expr: is no valid PromQL"):
        rules(USED | {"expr": "used /"}, {"a": {"A": 0.5}})


@pytest.mark.parametrize("per", [["host"], ["instance", "device"], []])
def test_an_alert_of_a_host_can_have_one(per: list[str]) -> None:
    assert OWN in str(rules(USED | {"expr": "used:ratio", "per": per}, {"a": {"A": 0.5}}))
