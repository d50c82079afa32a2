# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The nodes of a parsed PromQL expression (private to this collection)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


class PromqlError(ValueError):
    """The text is no PromQL; the message says what and where."""


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition of a selector, such as job="redis"."""

    label: str
    op: str
    value: str


@dataclass(frozen=True, slots=True)
class Number:
    """A number or, from Prometheus 3 on, a duration that stands for its seconds."""

    value: float


@dataclass(frozen=True, slots=True)
class Text:
    """A string literal."""

    value: str


@dataclass(frozen=True, slots=True)
class Selector:
    """A metric with its matchers; a range in milliseconds makes it a range vector."""

    metric: str
    matchers: tuple[Matcher, ...]
    range: int = 0


@dataclass(frozen=True, slots=True)
class Subquery:
    """An expression evaluated over a range."""

    body: Node
    range: int
    step: int


@dataclass(frozen=True, slots=True)
class Call:
    """A function call."""

    function: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Aggregation:
    """An aggregation; `without` turns the meaning of the labels round."""

    op: str
    body: Node
    parameter: Node | None
    labels: tuple[str, ...]
    without: bool


@dataclass(frozen=True, slots=True)
class Matching:
    """How the two sides of a binary operation find each other."""

    boolean: bool = False
    kind: str = ""
    labels: tuple[str, ...] = ()
    group: str = ""
    include: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Binary:
    """A binary operation."""

    op: str
    left: Node
    right: Node
    matching: Matching


@dataclass(frozen=True, slots=True)
class Signed:
    """An expression with a sign before it."""

    body: Node


@dataclass(frozen=True, slots=True)
class Group:
    """An expression in parentheses."""

    body: Node


Node: TypeAlias = Number | Text | Selector | Subquery | Call | Aggregation | Binary | Signed | Group


def bare(node: Node) -> Node:
    """Take the parentheses off."""
    while isinstance(node, Group):
        node = node.body
    return node
