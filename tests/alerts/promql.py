# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PromQL trees: written as text again, and each place in one changed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from ansible_collections.barehost.monitoring.plugins.plugin_utils import _promql_nodes as tree
from ansible_collections.barehost.monitoring.plugins.plugin_utils._durations import spelled
from ansible_collections.barehost.monitoring.plugins.plugin_utils._numbers import exact
from ansible_collections.barehost.monitoring.plugins.plugin_utils._promql_nodes import Node

Change = tuple[str, Node]
Changes = Callable[[Node], Iterator[Change]]
_INNER = ("body", "left", "right", "parameter")


def changed(node: Node, changes: Changes) -> Iterator[Change]:
    """Give the tree again for each change of one of its nodes."""
    yield from changes(node)
    for name in _INNER:
        inner = getattr(node, name, None)
        if inner is not None:
            for title, new in changed(inner, changes):
                replaced: dict[str, Any] = {name: new}
                yield title, node._replace(**replaced)
    if isinstance(node, tree.Call):
        for place, argument in enumerate(node.arguments):
            for title, new in changed(argument, changes):
                given = (*node.arguments[:place], new, *node.arguments[place + 1 :])
                yield title, node._replace(arguments=given)


def mapped(node: Node, change: Callable[[Node], Node]) -> Node:
    """Give the tree with every node changed."""
    inner = {name: getattr(node, name, None) for name in _INNER}
    new: dict[str, Any] = {n: mapped(body, change) for n, body in inner.items() if body is not None}
    if isinstance(node, tree.Call):
        new["arguments"] = tuple(mapped(argument, change) for argument in node.arguments)
    return change(node._replace(**new) if new else node)


def written(node: Node) -> str:
    """Write a tree as PromQL."""
    return _WRITERS[type(node)](node)


def _selector(node: tree.Selector) -> str:
    matchers = ",".join(f"{m.label}{m.op}{json.dumps(m.value)}" for m in node.matchers)
    text = node.metric + (f"{{{matchers}}}" if matchers or not node.metric else "")
    return text + (f"[{spelled(node.range)}]" if node.range else "") + _shift(node)


def _subquery(node: tree.Subquery) -> str:
    step = spelled(node.step) if node.step else ""
    return f"({written(node.body)})[{spelled(node.range)}:{step}]" + _shift(node)


def _shift(node: tree.Selector | tree.Subquery) -> str:
    offset = f" offset {'-' * (node.offset < 0)}{spelled(abs(node.offset))}" if node.offset else ""
    moment = f"{node.moment}()" if node.moment in ("start", "end") else node.moment
    return offset + (f" @ {moment}" if moment else "")


def _aggregation(node: tree.Aggregation) -> str:
    clause = "without" if node.without else "by"
    labels = f" {clause} ({', '.join(node.labels)}) " if node.labels or node.without else ""
    parameter = f"{written(node.parameter)}, " if node.parameter else ""
    return f"{node.op}{labels}({parameter}{written(node.body)})"


def _binary(node: tree.Binary) -> str:
    found = node.matching
    words = [node.op]
    if found.boolean:
        words.append("bool")
    if found.kind:
        words.append(f"{found.kind} ({', '.join(found.labels)})")
    if found.group:
        words.append(f"{found.group} ({', '.join(found.include)})")
    return f"{_side(node.left)} {' '.join(words)} {_side(node.right)}"


def _side(node: Node) -> str:
    """Put parentheses round operations, so that their order needs no thought."""
    text = written(node)
    return f"({text})" if isinstance(node, tree.Binary | tree.Signed) else text


_WRITERS: dict[type[Any], Callable[[Any], str]] = {
    tree.Aggregation: _aggregation,
    tree.Binary: _binary,
    tree.Call: lambda node: f"{node.function}({', '.join(map(written, node.arguments))})",
    tree.Group: lambda node: f"({written(node.body)})",
    tree.Number: lambda node: exact(node.value),
    tree.Selector: _selector,
    tree.Signed: lambda node: f"{node.sign}{_side(node.body)}",
    tree.Subquery: _subquery,
    tree.Text: lambda node: json.dumps(node.value),
}
