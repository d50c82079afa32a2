# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of what is known of an expression before it runs."""

from __future__ import annotations

import pytest
from ansible_collections.barehost.monitoring.plugins.plugin_utils._promql_checks import analyse

ERRORS = 'http_requests_total{status_code=~"5.."}'
FAULTS = [
    (f"rate({ERRORS}[5m]) / rate(http_requests_total[5m]) > 0.1", "divides"),
    (f"{ERRORS} / http_requests_total > 0.1", "divides"),
    ("histogram_quantile(0.9, sum by (job) (rate(x_bucket[5m]))) > 1", 'needs the label "le"'),
    ("sum by (a) (x) / sum by (b) (y) > 1", "never matches"),
    ("sum(x) and sum by (job) (y) > 1", "never matches"),
    ("sum by (a) (x) / on (b) sum by (b) (y) > 1", "never matches"),
    ("sum by (a) (sum by (b) (x)) > 1", "has no such label"),
    ('x{le="1"} > 1', 'write le=~"1(\\\\.0)?"'),
    ('x{le="5.0"} > 1', 'write le=~"5(\\\\.0)?"'),
    ("rate(x) > 1", "needs a range vector, got a vector; add a range"),
    ("sum(x[5m]) > 1", "aggregates a vector, got a range vector"),
    ("x[5m] > 1", "cannot take a range vector"),
    ("abs(x[5m]) > 1", "needs a vector, got a range vector"),
    ("x == 'a'", "cannot take a string"),
    ("1 > 2", 'needs "bool"'),
    ("x and 1", "joins vectors, got a number"),
    ("1 and 2", "joins vectors, got numbers"),
    ("ratee(x[5m]) > 1", 'unknown function "ratee"; did you mean "rate"?'),
    ("rate(node_memory_MemFree_bytes[5m]) > 1", "is a gauge"),
    ("clamp(x, 1) > 1", "takes 3 argument(s), got 2"),
    ("time(1) > bool 1", "takes 0 argument(s), got 1"),
    ("vector(x) > 1", "needs a scalar, got a vector"),
    ('x{a="1"} offset 1d / x offset 1d > 2', "divides"),
    ('max_over_time(x{a="1"}[1h]) / max_over_time(x[1h]) > 2', "divides"),
    ("+".join(["x"] * 5000), "is no valid PromQL: it is nested too deeply"),
]
SOUND = [
    "x{mode='a'} / ignoring (mode) group_left () y > 1",
    "sum by (job) (rate(x{a='1'}[5m])) / sum by (job) (rate(x[5m])) > 0.1",
    "rate(x{a='1'}[5m]) / rate(x{a='1'}[5m]) > 0.1",
    "x_sum / x_count > 1",
    "histogram_quantile(0.9, sum by (job) (rate(x[5m]))) > 1",
    "rate(pg_stat_database_xact_commit[5m]) > 1",
    "rate(junos_interface_transmit_bytes[5m]) > 1",
    'x{le="0.5"} > 1',
    'x{le=~"1(\\\\.0)?"} > 1',
    "some_function_of_tomorrow(x) > 1",
    "sum(x) or vector(0)",
    "sum by (a) (x) > on (a) group_left () sum by (a, b) (y)",
    "sum without (a) (x) / sum without (a) (y) > 1",
    "sum by (dst) (label_replace(sum by (a) (x), 'dst', '$1', 'a', '(.*)')) > 1",
    "sum by (v) (count_values by (a) ('v', x)) > 1",
    "(sum by (job) (rate(x[10m])) or 0 * sum by (job) (rate(y[10m]))) > 1",
    'x{a="1"} / x offset 1d > 2',
    'x{a="1"} / x @ end() > 2',
    'max_over_time(x{a="1"}[1h]) / min_over_time(x[1h]) > 2',
    'count_over_time(x{a="1"}[5m]) / count_over_time(x[10m]) > 0.5',
    'quantile_over_time(0.9, x{a="1"}[5m]) / quantile_over_time(0.5, x[5m]) > 2',
]


@pytest.mark.parametrize(("text", "fault"), FAULTS)
def test_a_fault_is_found_and_named(text: str, fault: str) -> None:
    assert any(fault in found for found in analyse(text).faults), analyse(text).faults


@pytest.mark.parametrize("text", SOUND)
def test_a_sound_expression_is_left_in_peace(text: str) -> None:
    assert analyse(text).faults == ()


@pytest.mark.parametrize(
    ("text", "filters"),
    [
        ("up", False),
        ("up == 0", True),
        ("up == bool 0", False),
        ("(up == 0) == bool 0", True),
        ("absent(up)", True),
        ("absent_over_time(up[5m])", True),
        ("vector(1)", False),
        ("a and b", True),
        ("a and on (pod) b{node='x'}", True),
        ("a and on () vector(1)", False),
        ("a and b > 1", True),
        ("a and on () vector(1) > 0", True),
        ("a unless b", True),
        ("a unless on () vector(1)", True),
        ("a > 1 or b", False),
        ("a > 1 or b > 1", True),
        ("count(a > 1)", True),
        ("sum(a)", False),
        ("1 - (a > 1)", True),
        ("max_over_time((a > 1)[5m:])", True),
        ("a / b", False),
        ("sum by (x) (a / b < 0.1 and c == 0)", True),
    ],
)
def test_it_is_known_whether_a_condition_decides(text: str, filters: bool) -> None:
    assert analyse(text).shape.filters is filters


@pytest.mark.parametrize(
    ("text", "there", "gone"),
    [
        ("x", {"a"}, set()),
        ('x{a=""}', {"b"}, {"a"}),
        ("sum by (a) (x)", {"a"}, {"b"}),
        ("sum without (a) (x)", {"b"}, {"a"}),
        ("sum(x)", set(), {"a"}),
        ("topk(1, x)", {"a"}, set()),
        ('absent(x{a="1",b=~"2"})', {"a"}, {"b"}),
        ("x / on (a) y", {"a"}, {"b"}),
        ("x / ignoring (a) y", {"b"}, {"a"}),
        ("x * on (a) group_left (c) sum by (a, c) (y)", {"a", "b", "c"}, set()),
        ("sum by (a) (x) * on (a) group_right () y", {"b"}, set()),
        ("sum by (a) (x) or sum by (b) (y)", {"a", "b"}, {"c"}),
        ("sum by (a) (x) and on (a) y", {"a"}, {"b"}),
        ("x / sum by (a) (y)", {"a"}, {"b"}),
        ("histogram_quantile(0.9, sum by (a, le) (rate(x_bucket[5m])))", {"a"}, {"le"}),
        ("vector(1)", set(), {"a"}),
    ],
)
def test_it_is_known_which_labels_survive(text: str, there: set[str], gone: set[str]) -> None:
    shape = analyse(text).shape
    assert {name for name in there | gone if shape.may_have(name)} == there


@pytest.mark.parametrize(
    ("text", "per_second"),
    [
        ("rate(x[5m])", True),
        ("sum(rate(x[5m]))", True),
        ("rate(x[5m]) > 1", True),
        ("sum(rate(x[5m])) / sum(rate(y[5m]))", False),
        ("increase(x[5m])", False),
        ("count(rate(x[5m]))", False),
        ("rate(x[5m]) * 100", False),
        ("max_over_time(rate(x[1m])[5m:])", True),
        ("rate(x_seconds_count[5m])", True),
        ("rate(cpu_seconds_total[5m])", False),
        ("1 - avg by (instance) (rate(cpu_seconds_total{mode='idle'}[5m]))", False),
        ("rate((cpu_seconds_total)[5m:1m])", False),
        ("rate(x_duration_seconds_sum[5m])", False),
    ],
)
def test_it_is_known_what_is_per_second(text: str, per_second: bool) -> None:
    assert analyse(text).shape.per_second is per_second


def test_jobs_metrics_and_ranges_are_noted() -> None:
    found = analyse('rate(a_total{job="x"}[5m]) > max_over_time(b{job=~"y"}[1d:1h])')
    assert found.jobs == {"x"}
    assert found.metrics == {"a_total", "b"}
    assert found.longest == 86_400_000


def test_the_shortest_range_is_noted_for_each_job() -> None:
    found = analyse(
        'rate(a{job="x"}[5m]) + rate(b{job="x"}[1m]) > rate(c[2m]) + avg_over_time(d[1s])'
    )
    assert dict(found.windows) == {"x": 60_000, "": 120_000}


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("x", 0),
        ("rate(x[5m])", 5),
        ("x offset 1h", 60),
        ("rate(x[5m] offset 1h)", 65),
        ("rate(x[5m] offset -2m)", 3),
        ("x offset -1h", 0),
        ("max_over_time(rate(x[5m])[1h:1m])", 65),
        ("max_over_time(rate(x[5m] offset 1h)[1h:1m] offset 10m) + y", 135),
        ("rate(x[5m]) > rate(x[1h])", 60),
    ],
)
def test_it_is_known_how_far_back_an_expression_looks(text: str, minutes: int) -> None:
    assert analyse(text).longest == minutes * 60_000
