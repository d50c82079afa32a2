# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of a PromQL result beforehand (private to this collection)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ansible_collections.barehost.monitoring.plugins.plugin_utils._promql_nodes import Matching

VECTOR, RANGE, SCALAR, STRING = "vector", "range vector", "scalar", "string"


class Shape(NamedTuple):
    """The type of a result, the labels it can have, and whether it can be empty."""

    type: str = VECTOR
    labels: frozenset[str] = frozenset()
    open: bool = False
    """True: any label except `labels`; False: only `labels`."""
    filters: bool = False
    """True: a condition decides whether there is a result at all."""
    per_second: bool = False

    def may_have(self, label: str) -> bool:
        """Tell whether a series of the result can carry the label."""
        return (label in self.labels) != self.open

    def listed(self) -> str:
        """Name the labels for a message."""
        return ", ".join(sorted(self.labels)) or "none"

    def keeping(self, names: Iterable[str]) -> Shape:
        """Keep only these labels."""
        return self.having(filter(self.may_have, names), False)

    def without(self, names: Iterable[str]) -> Shape:
        """Lose these labels."""
        gone = frozenset(names)
        return self.having(self.labels | gone if self.open else self.labels - gone, self.open)

    def adding(self, names: Iterable[str]) -> Shape:
        """Gain these labels."""
        new = frozenset(names)
        return self.having(self.labels - new if self.open else self.labels | new, self.open)

    def having(self, labels: Iterable[str], is_open: bool) -> Shape:
        """Take other labels."""
        return Shape(self.type, frozenset(labels), is_open, self.filters, self.per_second)


def either(left: Shape, right: Shape) -> Shape:
    """Join the two sides of `or`: a label of one side can be there."""
    filters = left.filters and right.filters
    if left.open and right.open:
        labels = left.labels & right.labels
    elif left.open:
        labels = left.labels - right.labels
    elif right.open:
        labels = right.labels - left.labels
    else:
        labels = left.labels | right.labels
    per_second = left.per_second and right.per_second
    return Shape(VECTOR, labels, left.open or right.open, filters, per_second)


def both(left: Shape, right: Shape, matching: Matching) -> Shape:
    """Join the labels of two sides that match series by series."""
    if matching.group:
        many, one = (right, left) if matching.group == "group_right" else (left, right)
        return many.adding(name for name in matching.include if one.may_have(name))
    if matching.kind == "on":
        return left.keeping(matching.labels)
    if matching.kind == "ignoring":
        return left.without(matching.labels)
    if left.open and right.open:
        return left.having(left.labels | right.labels, True)
    if left.open or right.open:
        closed, other = (right, left) if left.open else (left, right)
        return left.having(filter(other.may_have, closed.labels), False)
    return left.having(left.labels & right.labels, False)


def mismatch(left: Shape, right: Shape, op: str, matching: Matching) -> str:
    """Say why the two sides can never find each other; empty when they can."""
    if matching.kind == "on":
        lonely = [name for name in matching.labels if left.may_have(name) != right.may_have(name)]
        if lonely:
            return f'"{op} on ({", ".join(lonely)})" never matches: one side has no such label'
        return ""
    if left.open or right.open:
        return ""
    ignored = frozenset(matching.labels)
    if left.labels - ignored == right.labels - ignored:
        return ""
    return (
        f'"{op}" never matches: the left side has the labels ({left.listed()}), '
        f"the right side ({right.listed()}); aggregate both alike or add on (...)"
    )
