# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Conditions on Prometheus text."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon import _metrics
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._spec import Metric

TEXT = r"""
# HELP up Whether it is up.
# TYPE up gauge
up{job="a",instance="h:1"} 1
up{job="b", instance="h:2",} 0
up_total 5
rules{group="x"} 3
rules{group="y"} 4 1700000000000
escaped{path="C:\\n",text="a\"b\nc"} 7
reloaded 1.7e+09
big 1e3
nothing NaN
endless +Inf
broken one
  indented 1
"""


def metric(name: str, **fields: Any) -> Metric:
    options = dict.fromkeys(("sum", "since_activation", "not_risen", "optional"), False)
    limits = dict.fromkeys(("equals", "at_least", "at_most"))
    return Metric(**{"name": name, "labels": {}, **options, **limits, **fields})


CONDITIONS: list[tuple[Metric, dict[str, float], str]] = [
    (metric("up", equals=1), {}, ""),
    (metric("up", equals=0), {}, "up is 1, wanted 0"),
    (metric("up", labels={"job": "b"}, equals=0), {}, ""),
    (
        metric("up", labels={"job": "b", "instance": "h:2"}, equals=1),
        {},
        'up{instance="h:2",job="b"} is 0, wanted 1',
    ),
    (metric("up", labels={"job": "c"}, equals=1), {}, 'up{job="c"} is missing'),
    (metric("u", equals=1), {}, "u is missing"),
    (metric("broken", equals=1), {}, "broken is missing"),
    (metric("rules", sum=True, equals=7), {}, ""),
    (metric("rules", equals=3), {}, ""),
    (metric("rules", sum=True, equals=8), {}, "rules is 7, wanted 8"),
    (metric("escaped", labels={"text": 'a"b\nc', "path": "C:\\n"}, equals=7), {}, ""),
    (metric("big", equals=1000), {}, ""),
    (metric("nothing", equals=0), {}, "nothing is nan, wanted 0"),
    (metric("nothing", at_least=0), {}, "nothing is nan, wanted at least 0"),
    (metric("nothing", at_most=0), {}, "nothing is nan, wanted at most 0"),
    (metric("endless", at_least=1), {}, ""),
    (metric("big", at_least=1000, at_most=1000), {}, ""),
    (metric("big", at_least=1001), {}, "big is 1000, wanted at least 1001"),
    (metric("big", at_most=999), {}, "big is 1000, wanted at most 999"),
    (metric("big", not_risen=True), {"big": 1000}, ""),
    (metric("big", not_risen=True), {"big": 999}, "big rose from 999 to 1000"),
    (metric("big", not_risen=True), {}, "big rose from 0 to 1000"),
    (metric("absent", not_risen=True), {}, ""),
    (metric("reloaded", since_activation=True), {"reloaded": 1.6e9}, ""),
    (
        metric("reloaded", since_activation=True),
        {"reloaded": 1.7e9},
        "reloaded did not change: the new state is not loaded",
    ),
    (metric("reloaded", since_activation=True), {}, ""),
    (metric("absent", since_activation=True), {}, "absent is missing"),
]


@pytest.mark.parametrize(("condition", "baseline", "fault"), CONDITIONS)
@pytest.mark.parametrize("optional", [False, True])
def test_a_condition_holds_or_says_why_not(
    condition: Metric, baseline: dict[str, float], fault: str, optional: bool
) -> None:
    wanted = [fault] if fault else []
    given = Metric(**{**vars(condition), "optional": optional})
    found = _metrics.faults(iter([given]), TEXT, baseline)
    assert found == (([], wanted) if optional else (wanted, []))


def test_readings_are_the_baseline_of_the_next_look() -> None:
    conditions = [metric("rules", sum=True, not_risen=True), metric("up", labels={"job": "b"})]
    conditions += [metric("absent"), metric("reloaded", since_activation=True)]
    before = _metrics.readings(iter(conditions), TEXT)
    assert sorted(before.values()) == [0, 7, 1.7e9]
    assert _metrics.faults(conditions[:1], TEXT, before) == ([], [])
    assert _metrics.faults(conditions[:1], TEXT.replace("} 3", "} 4"), before)[0]


def test_without_an_activation_nothing_can_have_risen_or_stayed() -> None:
    conditions = [metric("rules", sum=True, not_risen=True), metric("reloaded", not_risen=True)]
    assert len(_metrics.faults(conditions, TEXT, {})[0]) == 2
    assert _metrics.faults(conditions, TEXT, None) == ([], [])


def test_two_conditions_on_one_series_do_not_mix() -> None:
    conditions = [metric("rules", sum=True, not_risen=True), metric("rules", equals=3)]
    before = _metrics.readings(conditions, TEXT)
    assert _metrics.faults(conditions, TEXT, before) == ([], [])


def test_a_long_answer_is_read_fast() -> None:
    text = 'other_metric{a="b"} 1\n' * 100_000 + "up 1\n"
    assert _metrics.faults([metric("up", equals=1)], text, {}) == ([], [])
