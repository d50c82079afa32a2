# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules with one thing changed: the tests of an alert must notice every such mutant."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
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
    for name, other in [*found, *_matchers(node), *_labels(node)]:
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
                new: dict[str, Any] = {side: tree.Number(value)}
                yield f"threshold: {node.op} {value:g}", node._replace(**new)


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
    """Leave out, in the whole expression, a condition of its selectors or one alternative of it.

    In one place alone it would often change nothing: the other side of a division has it, too.
    """
    for matcher in _all(node, lambda inner: inner.matchers, tree.Selector):
        shown = f"{matcher.label}{matcher.op}{matcher.value}"[:40]
        yield f"matcher: without {shown}", mapped(node, partial(_selecting, matcher, ""))
        parts = matcher.value.split("|") if matcher.op in ("=~", "!~") else []
        for part in parts if len(parts) > 1 and "(" not in matcher.value else ():
            fewer = "|".join(other for other in parts if other != part)
            changed_node = mapped(node, partial(_selecting, matcher, fewer))
            yield f"matcher: {matcher.label} without {part}", changed_node


def _selecting(matcher: tree.Matcher, value: str, node: Node) -> Node:
    """Give a matcher another value, or take it away."""
    if not isinstance(node, tree.Selector) or matcher not in node.matchers:
        return node
    other = [matcher._replace(value=value)] if value else []
    rest = [one for one in node.matchers if one != matcher]
    return node._replace(matchers=(*other, *rest))


def _all(node: Node, parts: Callable[[Any], Iterable[Any]], kind: type[Any]) -> list[Any]:
    """List the parts of all nodes of a kind, each once."""
    found: dict[Any, None] = {}

    def note(inner: Node) -> Node:
        if isinstance(inner, kind):
            found.update(dict.fromkeys(parts(inner)))
        return inner

    mapped(node, note)
    return list(found)


def _labels(node: Node) -> Iterator[Change]:
    """Aggregate away, in the whole expression, a label that was kept."""
    for label in _all(node, lambda inner: () if inner.without else inner.labels, tree.Aggregation):
        if label != "le":
            yield f"label: by without {label}", mapped(node, partial(_without, label))


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


_SOURCES = (_thresholds, _operators, _windows)
