# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The nodes of a parsed PromQL expression (private to this collection).

Named tuples, since thousands of them are made: a frozen data class takes three times as long.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias


class PromqlError(ValueError):
    """The text is no PromQL; the message says what and where."""


class Matcher(NamedTuple):
    """One condition of a selector, such as job="redis"."""

    label: str
    op: str
    value: str


class Number(NamedTuple):
    """A number or, from Prometheus 3 on, a duration that stands for its seconds."""

    value: float


class Text(NamedTuple):
    """A string literal."""

    value: str


class Selector(NamedTuple):
    """A metric with its matchers; a range in milliseconds makes it a range vector."""

    metric: str
    matchers: tuple[Matcher, ...]
    range: int = 0
    offset: int = 0
    moment: str = ""
    """What stands behind an at sign."""


class Subquery(NamedTuple):
    """An expression evaluated over a range."""

    body: Node
    range: int
    step: int
    offset: int = 0
    moment: str = ""


class Call(NamedTuple):
    """A function call."""

    function: str
    arguments: tuple[Node, ...]


class Aggregation(NamedTuple):
    """An aggregation; `without` turns the meaning of the labels round."""

    op: str
    body: Node
    parameter: Node | None
    labels: tuple[str, ...]
    without: bool


class Matching(NamedTuple):
    """How the two sides of a binary operation find each other."""

    boolean: bool = False
    kind: str = ""
    labels: tuple[str, ...] = ()
    group: str = ""
    include: tuple[str, ...] = ()


NO_MATCHING = Matching()


class Binary(NamedTuple):
    """A binary operation."""

    op: str
    left: Node
    right: Node
    matching: Matching


class Signed(NamedTuple):
    """An expression with a sign before it."""

    body: Node
    sign: str


class Group(NamedTuple):
    """An expression in parentheses."""

    body: Node


Node: TypeAlias = Number | Text | Selector | Subquery | Call | Aggregation | Binary | Signed | Group


def bare(node: Node) -> Node:
    """Take the parentheses off."""
    while isinstance(node, Group):
        node = node.body
    return node
