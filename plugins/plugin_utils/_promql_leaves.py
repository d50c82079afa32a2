# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the leaves of a PromQL tree from their tokens (private to this collection)."""

from __future__ import annotations

from ansible_collections.barehost.monitoring.plugins.plugin_utils._durations import (
    EXAMPLES,
    milliseconds,
)
from ansible_collections.barehost.monitoring.plugins.plugin_utils._promql_lexer import (
    selects_everything,
)
from ansible_collections.barehost.monitoring.plugins.plugin_utils._promql_nodes import (
    Matcher,
    Node,
    PromqlError,
    Selector,
    Subquery,
)


def selector(metric: str, conditions: tuple[Matcher, ...]) -> Selector:
    """Make a selector of a metric name and its conditions."""
    if metric and any(condition.label == "__name__" for condition in conditions):
        raise PromqlError(f'the metric name is given twice, as "{metric}" and as "__name__"')
    if not metric:
        if selects_everything(conditions):
            raise PromqlError("a selector needs a metric name or a matcher that is not empty")
        for condition in conditions:
            if condition.label == "__name__" and condition.op == "=":
                metric = condition.value
    return Selector(metric, conditions)


def ranged(node: Node, bracket: str) -> Node:
    """Put a range behind a selector or an expression."""
    window, colon, step = bracket[1:-1].partition(":")
    if not colon and isinstance(node, Selector) and (node.offset or node.moment):
        raise PromqlError(f'"{bracket}" stands after "offset" or "@"; it comes before them')
    if colon:
        return Subquery(node, _positive(window), length(step.strip() or "0"))
    if not isinstance(node, Selector) or node.range:
        raise PromqlError(f'"{bracket}" stands after an expression; write "[{window}:]"')
    return Selector(node.metric, node.matchers, _positive(window))


def shifted(node: Node, offset: int) -> Node:
    """Put an offset behind a selector or a subquery."""
    if not isinstance(node, Selector | Subquery) or node.offset:
        raise PromqlError('"offset" stands once, behind a metric, its range or a subquery')
    return node._replace(offset=offset)


def fixed(node: Node, moment: str) -> Node:
    """Put the moment of an at sign behind a selector or a subquery."""
    if not isinstance(node, Selector | Subquery) or node.moment:
        raise PromqlError('"@" stands once, behind a metric, its range or a subquery')
    return node._replace(moment=moment)


def length(text: str) -> int:
    """Read a duration."""
    found = milliseconds(text)
    if found is None:
        raise PromqlError(f'"{text}" is not a Prometheus duration ({EXAMPLES})')
    return found


def number(token: str) -> float:
    """Read a number."""
    if token.lower().startswith("0x"):
        return float(int(token, 16))
    if token[-1] in "smhdwy":
        return length(token) / 1000
    if token == ".":
        raise PromqlError('"." is no number')
    return float(token)


def _positive(window: str) -> int:
    found = length(window.strip())
    if not found:
        raise PromqlError("a range must be longer than 0")
    return found
