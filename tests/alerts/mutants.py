# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules with one thing changed: the tests of an alert must notice every such mutant."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from ansible_collections.barehost.monitoring.plugins.plugin_utils import _promql_nodes as tree
from ansible_collections.barehost.monitoring.plugins.plugin_utils._durations import (
    milliseconds,
    spelled,
)
from ansible_collections.barehost.monitoring.plugins.plugin_utils._promql_functions import (
    COMPARISONS,
)
from ansible_collections.barehost.monitoring.plugins.plugin_utils._promql_nodes import Node, bare
from ansible_collections.barehost.monitoring.plugins.plugin_utils._promql_parser import parse

from alerts.promql import Change, changed, mapped, written

Rule = dict[str, Any]
_TURNED = {">": "<", "<": ">", ">=": "<", "<=": ">", "==": "!=", "!=": "=="}
_MINUTE = 60_000


def mutants(rule: Rule) -> Iterator[tuple[str, Rule]]:
    """Name and make the mutants of a rule."""
    node = parse(rule["expr"])
    found = [one for source in _SOURCES for one in changed(node, source)]
    for name, other in [*found, *_labels(node)]:
        yield name, {**rule, "expr": written(other)}
    if "alert" not in rule:
        return
    hold = milliseconds(rule.get("for", "0")) or 0
    for other_hold in {hold + _MINUTE, max(hold - _MINUTE, 0)} - {hold}:
        yield f"for: {spelled(other_hold)}", {**rule, "for": spelled(other_hold)}
    yield "severity", {**rule, "labels": {**rule["labels"], "severity": "page"}}
    for key in ("summary", "description"):
        text = rule["annotations"].get(key, "")
        if "{{" in text:
            yield f"text: {key}", {**rule, "annotations": {**rule["annotations"], key: text + "."}}


def _thresholds(node: Node) -> Iterator[Change]:
    """Move the numbers that something is compared with."""
    if not isinstance(node, tree.Binary) or node.op not in COMPARISONS:
        return
    for side in ("left", "right"):
        number = bare(getattr(node, side))
        if isinstance(number, tree.Number):
            for value in _moved(node.op, number.value):
                yield f"threshold: {node.op} {value:g}", node._replace(**{side: tree.Number(value)})


def _moved(op: str, number: float) -> tuple[float, ...]:
    if op in ("==", "!=") and number in (0, 1):
        return (1 - number,)
    if number == 0:
        return (-1, 1e6)
    if number == 1:
        return (0, 2)
    return (number * 0.75, number * 1.3)


def _operators(node: Node) -> Iterator[Change]:
    """Turn a comparison or a division round; leave out a condition, an alternative, a summand."""
    if not isinstance(node, tree.Binary):
        return
    if node.op in _TURNED:
        yield f"operator: {_TURNED[node.op]}", node._replace(op=_TURNED[node.op])
    elif node.op == "/":
        yield "operator: * for /", node._replace(op="*")
    elif node.op == "unless":
        yield "operator: without unless", node.left
    elif node.op in ("and", "or", "+"):
        yield f"operator: left of {node.op} alone", node.left
        yield f"operator: right of {node.op} alone", node.right


def _matchers(node: Node) -> Iterator[Change]:
    """Leave out a condition of a selector, or one alternative of it."""
    if not isinstance(node, tree.Selector):
        return
    for place, matcher in enumerate(node.matchers):
        rest = (*node.matchers[:place], *node.matchers[place + 1 :])
        shown = f"{matcher.label}{matcher.op}{matcher.value}"
        if node.metric or rest:
            yield f"matcher: without {shown[:40]}", node._replace(matchers=rest)
        parts = matcher.value.split("|") if matcher.op in ("=~", "!~") else []
        if "(" in matcher.value:
            continue
        for part in parts if len(parts) > 1 else ():
            fewer = matcher._replace(value="|".join(other for other in parts if other != part))
            found = (*node.matchers[:place], fewer, *node.matchers[place + 1 :])
            yield f"matcher: {matcher.label} without {part}", node._replace(matchers=found)


def _labels(node: Node) -> Iterator[Change]:
    """Aggregate away, in the whole expression, a label that was kept."""
    for label in _kept(node):
        yield f"label: by without {label}", mapped(node, partial(_without, label))


def _kept(node: Node) -> list[str]:
    found: dict[str, None] = {}

    def note(inner: Node) -> Node:
        if isinstance(inner, tree.Aggregation) and not inner.without:
            found.update(dict.fromkeys(inner.labels))
        return inner

    mapped(node, note)
    return [label for label in found if label != "le"]


def _without(label: str, node: Node) -> Node:
    if not isinstance(node, tree.Aggregation) or node.without:
        return node
    return node._replace(labels=tuple(other for other in node.labels if other != label))


def _windows(node: Node) -> Iterator[Change]:
    """Look eight times as far back; leave an offset out."""
    if not isinstance(node, tree.Selector | tree.Subquery):
        return
    if node.range:
        length = node.range * 8
        yield f"window: {spelled(length)}", node._replace(range=length)
    if node.offset:
        yield "window: without offset", node._replace(offset=0)


_SOURCES = (_thresholds, _operators, _matchers, _windows)
