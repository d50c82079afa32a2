# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the short form of tests, and of those that every alert gets."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.barehost.monitoring.plugins.plugin_utils._alerts import alert_rules
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import InputError
from ansible_collections.barehost.monitoring.plugins.plugin_utils._rule_tests import rule_tests

DISK: dict[str, Any] = {
    "expr": 'free{job="<job>"} / size{job="<job>"}',
    "job": "node",
    "op": "<",
    "threshold": 0.1,
    "for": "5m",
    "summary": "<instance> is full",
    "description": "<value:percent> are free, less than <threshold:percent>",
}
FREE, SIZE = 'free{job="node",instance="a"}', 'size{job="node",instance="a"}'
LABELS = {"severity": "warning", "job": "node", "instance": "a"}
SHORT: dict[str, Any] = {
    "series": {FREE: [9, 11], SIZE: 100},
    "fires": {"labels": LABELS, "value": 0.09},
}


def made(case: Any, entry: Any = None) -> dict[str, Any]:
    """Make the tests of one alert, by name."""
    rules = alert_rules({"A": entry or DISK})
    found = rule_tests(rules, {"A": [case]}, rule_files=["r.yml"])["tests"]
    return {test["name"].removeprefix("A: "): test for test in found}


def seen(test: dict[str, Any]) -> dict[str, int]:
    """Count the alerts that are expected at each moment."""
    return {look["eval_time"]: len(look["exp_alerts"]) for look in test["alert_rule_test"]}


def values(test: dict[str, Any]) -> dict[str, str]:
    """Give the series and their values."""
    return {series["series"]: series["values"] for series in test["input_series"]}


def test_it_fires_after_its_time_and_not_before() -> None:
    found = made(SHORT)["over the threshold"]
    assert values(found) == {FREE: "9x15", SIZE: "100x15"}
    assert seen(found) == {"4m": 0, "5m": 1}


def test_texts_are_made_of_labels_and_value() -> None:
    (alert,) = made(SHORT)["over the threshold"]["alert_rule_test"][1]["exp_alerts"]
    assert alert == {
        "exp_labels": LABELS,
        "exp_annotations": {
            "summary": "a is full",
            "description": "9% are free, less than 10%",
        },
    }


def test_texts_that_are_written_down_count() -> None:
    case = SHORT | {"fires": {"labels": LABELS, "summary": "x", "description": "y"}}
    (alert,) = made(case)["over the threshold"]["alert_rule_test"][1]["exp_alerts"]
    assert alert["exp_annotations"] == {"summary": "x", "description": "y"}


def test_it_is_silent_just_under_the_threshold() -> None:
    found = made(SHORT)["over the threshold: just under"]
    assert values(found) == {FREE: "11x15", SIZE: "100x15"}
    assert seen(found) == {"4m": 0, "5m": 0, "15m": 0}


def test_it_is_silent_where_something_differs() -> None:
    found = made(SHORT | {"silent": {"larger": {SIZE: 50}, "gone": {SIZE: None, "x": "1 2"}}})
    assert values(found["over the threshold: larger"]) == {FREE: "9x15", SIZE: "50x15"}
    assert values(found["over the threshold: gone"]) == {FREE: "9x15", "x": "1 2"}
    assert set(seen(found["over the threshold: larger"]).values()) == {0}


def test_a_counter_needs_a_minute_before_it_shows() -> None:
    entry = {"expr": "rate(x[5m]) > 1", "summary": "x", "for": "2m"}
    case = {"series": {"x": ["+66", "+54"]}, "fires": {"labels": {"severity": "warning"}}}
    found = made(case, entry)
    assert values(found["over the threshold"]) == {"x": "0+66x13"}
    assert seen(found["over the threshold"]) == {"2m": 0, "3m": 1}
    assert seen(made(case | {"from": "6m"}, entry)["over the threshold"]) == {"7m": 0, "8m": 1}


def test_each_step_of_a_ladder_waits_for_its_own_time() -> None:
    entry = DISK | {"threshold": {"warning": 0.2, "critical": 0.1}, "for": {"warning": "9m"}}
    both = [{"labels": LABELS | {"severity": s}, "value": 0.09} for s in ("warning", "critical")]
    found = made(SHORT | {"name": "both", "fires": both}, entry)
    assert seen(found["both"]) == {"0m": 1, "8m": 1, "9m": 2}


def test_just_under_a_severe_step_the_milder_one_is_left() -> None:
    entry = DISK | {"threshold": {"warning": 0.2, "critical": 0.1}}
    both = [{"labels": LABELS | {"severity": s}, "value": 0.09} for s in ("warning", "critical")]
    under = {"labels": LABELS, "value": 0.11}
    found = made(SHORT | {"fires": both, "under": under}, entry)["over the threshold: just under"]
    assert seen(found) == {"4m": 0, "5m": 1, "15m": 1}


def test_every_alert_is_tried_without_data_and_with_another_job() -> None:
    found = made(SHORT)
    assert values(found["without data"]) == {}
    assert seen(found["without data"]) == {"4m": 0, "5m": 0}
    other = {key.replace('"node"', '"other-than-node"'): text for key, text in
             values(found["over the threshold"]).items()}  # fmt: skip
    assert values(found["another job"]) == other
    assert set(seen(found["another job"]).values()) == {0}


@pytest.mark.parametrize(
    ("expr", "names"),
    [
        ("x > 1", {"fires", "without data"}),
        ('x{job="j"} > 1', {"fires", "without data", "another job"}),
        ('x{job="j"} > 1 and y', {"fires", "without data"}),
        ('x{job=~"j"} > 1', {"fires", "without data"}),
        ('absent(x{job="j"})', {"fires"}),
        ("vector(1) > 0", {"fires"}),
    ],
)
def test_what_every_alert_is_tried_with_depends_on_its_expression(
    expr: str, names: set[str]
) -> None:
    case = {
        "name": "fires",
        "series": {'x{job="j"}': "2x9"},
        "at": {"0m": {"labels": {"severity": "warning"}}},
    }
    assert set(made(case, {"expr": expr, "summary": "x"})) == names


FAULTS: list[tuple[dict[str, Any], str]] = [
    ({"series": [5]}, "tests.A[0].series: wants series with one value or [over, under]"),
    ({"series": {"x": [1]}}, "tests.A[0].series: wants series with one value or [over, under]"),
    ({"series": {"x": True}}, "tests.A[0].series: wants series with one value or [over, under]"),
    ({"silent": {"x": 5}}, "tests.A[0].silent: wants a name and what differs then"),
    ({"fires": 5}, "tests.A[0].fires[0]: wants labels, and value or texts"),
    ({"fires": {}}, "tests.A[0].fires[0].labels: is missing"),
    ({"fires": {"labels": {}}}, "tests.A[0].fires[0].labels: no rule of this alert has such label"),
    ({"fires": {"labels": LABELS}}, 'tests.A[0].fires[0].description: is missing; "value" makes'),
    ({"from": "5"}, 'tests.A[0].from: "5" is not a Prometheus duration'),
    ({"silence": {}}, 'tests.A[0].silence: unknown key; did you mean "silent"?'),
]


@pytest.mark.parametrize(("change", "fault"), FAULTS, ids=lambda value: str(value)[:40])
def test_a_wrong_test_is_refused_with_its_path(change: dict[str, Any], fault: str) -> None:
    with pytest.raises(InputError) as caught:
        made(SHORT | change)
    assert fault in str(caught.value)
