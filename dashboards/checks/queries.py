# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules about each query; those of grafana/dashboard-linter have its names.

Queries are read by the collection's own PromQL parser, so that what holds of alerts holds of panels.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from ansible_collections.barehost.monitoring.plugins.plugin_utils import _promql_nodes as tree
from ansible_collections.barehost.monitoring.plugins.plugin_utils._promql_checks import analyse
from ansible_collections.barehost.monitoring.plugins.plugin_utils._promql_parser import parse

from dashboards.checks.view import MACROS, PanelView, Target

_COUNTER = re.compile(r".*_(total|bucket|count|sum)")
# pg_stat_activity_count and the like: how many there are, no counters.
_GAUGES = frozenset(("pg_stat_activity_count", "pg_locks_count"))
_COUNTING = frozenset(("rate", "irate", "increase", "changes", "resets", "count", "group"))
_PER_SECOND = frozenset(("rate", "irate"))
# Made by rules or by Prometheus itself: they carry no labels of a single target.
_MADE_BY_RULES = re.compile(r"ALERTS|ALERTS_FOR_STATE|.*:.*")
_SELECTED = {"job": "$job", "instance": "$instance"}
_WIDE = "$__range"


@lru_cache(maxsize=2048)
def selectors(promql: str) -> tuple[tuple[tree.Selector, str], ...]:
    """List the selectors of a query, each with the function or aggregation that takes it.

    What is no PromQL has none; the rule about that says so.
    """
    try:
        return tuple(_selectors(parse(promql), ""))
    except tree.PromqlError:
        return ()


def _selectors(node: object, function: str) -> Iterator[tuple[tree.Selector, str]]:
    if isinstance(node, tree.Selector):
        yield node, function
    elif isinstance(node, tree.Call):
        for argument in node.arguments:
            yield from _selectors(argument, node.function)
    elif isinstance(node, tree.Aggregation):
        yield from _selectors(node.body, node.op)
    elif isinstance(node, tree.Group | tree.Subquery):
        yield from _selectors(node.body, function)
    elif isinstance(node, tuple) and not isinstance(node, tree.Matching):
        for part in node:
            yield from _selectors(part, "")


def target_promql_rule(panel: PanelView, target: Target) -> Iterator[str]:
    """It is PromQL that can have a result."""
    yield from analyse(target.promql).faults


def target_rate_interval_rule(panel: PanelView, target: Target) -> Iterator[str]:
    """A rate follows the zoom of the graph."""
    for text in re.findall(r"\b(?:rate|irate)\([^\[]*\[([^\]]*)\]", target.expr):
        if text != "$__rate_interval":
            yield f"a rate over {text}"


def target_job_rule(panel: PanelView, target: Target) -> Iterator[str]:
    """Every series is of the chosen jobs."""
    yield from _unselected(target, "job")


def target_instance_rule(panel: PanelView, target: Target) -> Iterator[str]:
    """Every series is of the chosen instances."""
    yield from _unselected(target, "instance")


def _unselected(target: Target, label: str) -> Iterator[str]:
    wanted = tree.Matcher(label, "=~", _SELECTED[label])
    for selector, _function in selectors(target.promql):
        if wanted not in selector.matchers and not _MADE_BY_RULES.fullmatch(selector.metric):
            yield f'{selector.metric} without {label}=~"{wanted.value}"'


def target_counter_agg_rule(panel: PanelView, target: Target) -> Iterator[str]:
    """A counter is only good for its increase, whatever matchers it has."""
    for selector, function in selectors(target.promql):
        counts = _COUNTER.fullmatch(selector.metric) and selector.metric not in _GAUGES
        if counts and function not in _COUNTING:
            yield f"{selector.metric} is a counter, shown as it is"


def legends_survive(panel: PanelView, target: Target) -> Iterator[str]:
    """What the legend shows is still there after the aggregation."""
    shape = analyse(target.promql).shape
    for label in target.legend:
        if not shape.may_have(label):
            yield f"{{{{{label}}}}} is aggregated away; there are: {shape.listed()}"


def series_can_be_told_apart(panel: PanelView, target: Target) -> Iterator[str]:
    """A query that keeps labels says so in its legend."""
    if panel.type == "table" or target.json.get("legendFormat"):
        return
    shape = analyse(target.promql).shape
    if panel.type != "stat" and (shape.open or shape.labels):
        yield "several series, and no legend"


def columns_are_labels(panel: PanelView, target: Target) -> Iterator[str]:
    """Each column of a table is a label of the result, or its value."""
    if panel.type != "table":
        return
    shape = analyse(target.promql).shape
    organized = panel.json["transformations"][1]["options"]["renameByName"]
    for source in organized:
        if not source.startswith("Value") and not shape.may_have(source):
            yield f"the column {source} is no label of query {target.ref}"


def tables_ask_once(panel: PanelView, target: Target) -> Iterator[str]:
    """Tables show the present moment; so does what looks at the whole chosen time."""
    if panel.type == "table" and not (target.instant and target.json.get("format") == "table"):
        yield "a table asks for more than the present moment"
    if _WIDE in target.expr and not target.instant:
        yield f"{_WIDE} at every point of a graph"


def macros_are_known(panel: PanelView, target: Target) -> Iterator[str]:
    """Grafana fills in what stands there."""
    for macro in re.findall(r"\$__\w+", target.expr):
        if macro not in MACROS:
            yield f"{macro} is unknown"
    for name in re.findall(r"<\w+>", target.expr):
        yield f"{name} was not filled in"


RULES = {
    "target-promql-rule": target_promql_rule,
    "target-rate-interval-rule": target_rate_interval_rule,
    "target-job-rule": target_job_rule,
    "target-instance-rule": target_instance_rule,
    "target-counter-agg-rule": target_counter_agg_rule,
    "legends-survive": legends_survive,
    "series-can-be-told-apart": series_can_be_told_apart,
    "columns-are-labels": columns_are_labels,
    "tables-ask-once": tables_ask_once,
    "macros-are-known": macros_are_known,
}
