# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a function call makes of its arguments (private to this collection)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ansible_collections.barehost.monitoring.plugins.plugin_utils import _promql_nodes as tree
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import nearest
from ansible_collections.barehost.monitoring.plugins.plugin_utils._promql_functions import (
    FUNCTIONS,
    OF_COUNTERS,
    OVER_SAMPLES,
    PER_SECOND,
)
from ansible_collections.barehost.monitoring.plugins.plugin_utils._promql_notes import Notes
from ansible_collections.barehost.monitoring.plugins.plugin_utils._promql_shape import (
    RANGE,
    VECTOR,
    Shape,
)

_GAUGE = re.compile(
    r".*(?:_celsius|_info|_ratio|_timestamp_seconds"
    r"|(?:avail|available|free|limit|memtotal|resident_memory|size|used)_bytes)",
    re.IGNORECASE,
)
_TIME = re.compile(r".*_seconds(?:_total|_sum)?")
"""Counters of time: seconds per second are a ratio already."""
_KEEP_UNIT = frozenset(
    ("abs", "ceil", "clamp", "clamp_max", "clamp_min", "floor", "round", "sort", "sort_desc")
    + ("avg_over_time", "last_over_time", "max_over_time", "min_over_time")
)


def call(node: tree.Call, given: Sequence[Shape], notes: Notes) -> Shape:
    """Check a call and say what it gives."""
    name = node.function
    signature = FUNCTIONS.get(name)
    if signature is None:
        meant = nearest(name, FUNCTIONS)
        if meant:
            notes.faults.append(f'unknown function "{name}"{meant}')
        return Shape(VECTOR, open=True, filters=any(shape.filters for shape in given))
    most = len(signature.arguments)
    if len(given) < signature.least or (len(given) > most and not signature.endless):
        wanted = str(most) if most == signature.least else f"{signature.least} or more"
        notes.faults.append(f"{name}() takes {wanted} argument(s), got {len(given)}")
        return Shape(signature.result, open=True, filters=True)
    for index, shape in enumerate(given):
        wanted = signature.argument(index)
        if shape.type != wanted:
            hint = "; add a range such as [5m]" if wanted == RANGE else ""
            notes.faults.append(f"{name}() needs a {wanted}, got a {shape.type}{hint}")
    if signature.result != VECTOR:
        return Shape(signature.result)
    return _vector(node, given, notes)


def _vector(node: tree.Call, given: Sequence[Shape], notes: Notes) -> Shape:
    name = node.function
    position = next((i for i, shape in enumerate(given) if shape.type in (VECTOR, RANGE)), None)
    if position is None:
        return Shape()
    argument, shape = tree.bare(node.arguments[position]), given[position]
    if name in ("absent", "absent_over_time"):
        return Shape(labels=_fixed(argument), filters=True)
    if isinstance(argument, tree.Selector) and argument.range and name in OVER_SAMPLES:
        notes.sampled(argument)
        if name in OF_COUNTERS and _GAUGE.fullmatch(argument.metric):
            notes.faults.append(f'{name}() is for counters; "{argument.metric}" is a gauge')
    if name in ("histogram_quantile", "histogram_fraction"):
        if not shape.may_have("le") and any(m.endswith("_bucket") for m in notes.metrics):
            notes.faults.append(f'{name}() needs the label "le"; write sum by (..., le) (...)')
        return Shape(VECTOR, shape.labels, shape.open, shape.filters).without(["le"])
    if name in ("label_replace", "label_join"):
        target = node.arguments[1] if len(node.arguments) > 1 else None
        return shape.adding([target.value]) if isinstance(target, tree.Text) else shape
    kept = shape.per_second and name in _KEEP_UNIT
    per_second = kept or (name in PER_SECOND and not _counts_time(argument))
    return Shape(VECTOR, shape.labels, shape.open, shape.filters, per_second)


def _counts_time(node: tree.Node) -> bool:
    if isinstance(node, tree.Subquery):
        node = tree.bare(node.body)
    return isinstance(node, tree.Selector) and _TIME.fullmatch(node.metric) is not None


def _fixed(node: tree.Node) -> frozenset[str]:
    """List the labels that absent() gives its result: those fixed by one matcher alone."""
    if not isinstance(node, tree.Selector):
        return frozenset()
    names = [matcher.label for matcher in node.matchers if matcher.label != "__name__"]
    return frozenset(
        matcher.label
        for matcher in node.matchers
        if matcher.op == "=" and matcher.value and names.count(matcher.label) == 1
    )
