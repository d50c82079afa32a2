# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find what is wrong in PromQL though Prometheus accepts it (private to this collection)."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

from ansible_collections.barehost.monitoring.plugins.plugin_utils import _promql_nodes as tree
from ansible_collections.barehost.monitoring.plugins.plugin_utils import _promql_shape as shapes
from ansible_collections.barehost.monitoring.plugins.plugin_utils._promql_calls import call
from ansible_collections.barehost.monitoring.plugins.plugin_utils._promql_division import (
    divided_by_itself,
)
from ansible_collections.barehost.monitoring.plugins.plugin_utils._promql_functions import (
    COMPARISONS,
    KEEP_SERIES,
    KEEP_UNIT,
    SETS,
)
from ansible_collections.barehost.monitoring.plugins.plugin_utils._promql_notes import Notes
from ansible_collections.barehost.monitoring.plugins.plugin_utils._promql_parser import parse
from ansible_collections.barehost.monitoring.plugins.plugin_utils._promql_shape import Shape


@dataclass(frozen=True, slots=True)
class Analysis:
    """What is known of one expression."""

    shape: Shape = field(default_factory=Shape)
    faults: tuple[str, ...] = ()
    outer: str = ""
    """The outermost operator; empty when parentheses are round it or it is no operator."""
    jobs: frozenset[str] = frozenset()
    metrics: frozenset[str] = frozenset()
    pinned: frozenset[str] = frozenset()
    """Labels that a matcher fixes to one value."""
    jobless: bool = False
    """Whether a selector takes series of any job."""
    longest: int = 0
    """How far back it looks, in milliseconds."""
    windows: tuple[tuple[str, int], ...] = ()
    """The shortest range from which a rate is computed, by job, "" for any job."""


@lru_cache(maxsize=1024)
def analyse(expression: str) -> Analysis:
    """Parse an expression and look at it from all sides."""
    try:
        node = parse(expression)
        notes = Notes()
        shape = _shape(node, notes)
    except (tree.PromqlError, RecursionError) as error:
        why = error if isinstance(error, tree.PromqlError) else "it is nested too deeply"
        return Analysis(faults=(f"is no valid PromQL: {why}",))
    outer = node.op if isinstance(node, tree.Binary) else ""
    return Analysis(
        shape,
        tuple(notes.faults),
        outer,
        frozenset(notes.jobs),
        frozenset(notes.metrics),
        frozenset(notes.pinned),
        notes.jobless,
        notes.longest,
        tuple(notes.windows.items()),
    )


def _shape(node: tree.Node, notes: Notes) -> Shape:
    if isinstance(node, tree.Selector):
        return notes.selector(node)
    if isinstance(node, tree.Binary):
        return _binary(node, notes)
    if isinstance(node, tree.Number):
        return Shape(shapes.SCALAR)
    if isinstance(node, tree.Call):
        return call(node, [_shape(argument, notes) for argument in node.arguments], notes)
    if isinstance(node, tree.Aggregation):
        return _aggregation(node, notes)
    if isinstance(node, tree.Group | tree.Signed):
        return _shape(node.body, notes)
    if isinstance(node, tree.Subquery):
        reach = node.range + node.offset
        notes.behind += reach
        inner = _shape(node.body, notes)
        notes.behind -= reach
        return Shape(shapes.RANGE, inner.labels, inner.open, inner.filters, inner.per_second)
    return Shape(shapes.STRING)


def _aggregation(node: tree.Aggregation, notes: Notes) -> Shape:
    inner = _shape(node.body, notes)
    if inner.type != shapes.VECTOR:
        notes.faults.append(f"{node.op}() aggregates a vector, got a {inner.type}")
    if node.parameter is not None:
        _shape(node.parameter, notes)
    if node.op in KEEP_SERIES:
        return inner
    lost = [name for name in node.labels if not node.without and not inner.may_have(name)]
    if lost:
        clause = f"{node.op} by ({', '.join(lost)})"
        notes.faults.append(f'"{clause}": what it aggregates has no such label')
    shape = inner.without(node.labels) if node.without else inner.keeping(node.labels)
    if node.op == "count_values" and isinstance(node.parameter, tree.Text):
        shape = shape.adding([node.parameter.value])
    per_second = inner.per_second and node.op in KEEP_UNIT
    return Shape(shapes.VECTOR, shape.labels, shape.open, inner.filters, per_second)


def _binary(node: tree.Binary, notes: Notes) -> Shape:
    left, right = _shape(node.left, notes), _shape(node.right, notes)
    compares, types = node.op in COMPARISONS, {left.type, right.type}
    if types - {shapes.VECTOR, shapes.SCALAR}:
        wrong = left.type if left.type not in (shapes.VECTOR, shapes.SCALAR) else right.type
        notes.faults.append(f'"{node.op}" cannot take a {wrong}')
        return Shape(shapes.VECTOR, open=True, filters=True)
    if types == {shapes.SCALAR}:
        if compares and not node.matching.boolean:
            notes.faults.append(f'"{node.op}" between two numbers needs "bool"')
        elif node.op in SETS:
            notes.faults.append(f'"{node.op}" joins vectors, got numbers')
        return Shape(shapes.SCALAR)
    if shapes.SCALAR in types and node.op in SETS:
        notes.faults.append(f'"{node.op}" joins vectors, got a number; write vector(...)')
    if node.op == "or":
        return shapes.either(left, right)
    filters = left.filters or right.filters or (compares and not node.matching.boolean)
    # Whether the other side has a series decides, unless that is a number which is always there.
    filters = filters or node.op == "unless" or (node.op == "and" and not _constant(node.right))
    if shapes.SCALAR in types:
        found = left if left.type == shapes.VECTOR else right
        per_second = found.per_second and node.op not in ("*", "/")
        return Shape(shapes.VECTOR, found.labels, found.open, filters, per_second)
    fault = shapes.mismatch(left, right, node.op, node.matching) or divided_by_itself(node)
    if fault:
        notes.faults.append(fault)
    if node.op in SETS:
        return Shape(shapes.VECTOR, left.labels, left.open, filters, left.per_second)
    found = shapes.both(left, right, node.matching)
    per_second = left.per_second and (compares or (node.op in "+-" and right.per_second))
    return Shape(shapes.VECTOR, found.labels, found.open, filters, per_second)


def _constant(node: tree.Node) -> bool:
    node = tree.bare(node)
    return isinstance(node, tree.Call) and node.function == "vector"
