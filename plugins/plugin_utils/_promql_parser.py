# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parse PromQL (private to this collection).

Precedence climbing over the tokens of the lexer. It accepts what Prometheus 2.53 or 3.5 accepts, also
what needs a feature flag, such as limitk(): whether that is set is not known here. Types and meaning
are the matter of `_promql_checks`.
"""

from __future__ import annotations

from ansible_collections.barehost.monitoring.plugins.plugin_utils import _promql_leaves as leaves
from ansible_collections.barehost.monitoring.plugins.plugin_utils import _promql_lexer as lexer
from ansible_collections.barehost.monitoring.plugins.plugin_utils import _promql_nodes as tree
from ansible_collections.barehost.monitoring.plugins.plugin_utils._promql_cursor import END, Cursor
from ansible_collections.barehost.monitoring.plugins.plugin_utils._promql_functions import (
    AGGREGATIONS,
    COMPARISONS,
    PARAMETRIC,
    SETS,
)
from ansible_collections.barehost.monitoring.plugins.plugin_utils._promql_nodes import PromqlError

_POWER, _PRODUCT = 6, 5
_PRECEDENCE = {
    **{"or": 1, "and": 2, "unless": 2},
    **dict.fromkeys(COMPARISONS, 3),
    **{"+": 4, "-": 4, "*": _PRODUCT, "/": _PRODUCT, "%": _PRODUCT, "atan2": _PRODUCT},
    **{"^": _POWER},
}
_MATCHING_STARTS = frozenset("bBoOiI")
_NUMBER_STARTS, _QUOTES = frozenset("0123456789."), frozenset("\"'`")


def parse(expression: str) -> tree.Node:
    """Parse a whole expression."""
    parser = _Parser(lexer.tokens(expression))
    try:
        node = parser.expression(1)
    except RecursionError:
        raise PromqlError("it is nested too deeply") from None
    if parser.next != END:
        raise parser.unexpected()
    return node


class _Parser(Cursor):
    """The grammar, one method an idea."""

    def expression(self, lowest: int) -> tree.Node:
        """Parse operations of at least this precedence."""
        left = self.signed()
        while True:
            op = self.next if self.next in _PRECEDENCE else self.next.lower()
            precedence = _PRECEDENCE.get(op, 0)
            if precedence < lowest:
                return left
            self.take()
            matching = self.matching(op)
            right = self.expression(precedence + (precedence != _POWER))
            left = tree.Binary(op, left, right, matching)

    def signed(self) -> tree.Node:
        """Parse an operand with its sign."""
        if self.next in ("-", "+"):
            sign = self.take()
            return tree.Signed(self.expression(_POWER), sign)
        return self.suffixed(self.primary())

    def matching(self, op: str) -> tree.Matching:
        """Parse what may stand between a binary operator and its right side."""
        if self.next[:1] not in _MATCHING_STARTS:
            return tree.NO_MATCHING
        boolean = self.keyword("bool")
        if boolean and op not in COMPARISONS:
            raise PromqlError(f'"bool" stands after "{op}", which is no comparison')
        kind, labels = self.clause("on", "ignoring")
        group, include = self.clause("group_left", "group_right") if kind else ("", ())
        if kind and not group:
            group = self.keyword("group_left", "group_right")
        if group and op in SETS:
            raise PromqlError(f'"{group}" cannot stand after "{op}"')
        return tree.Matching(bool(boolean), kind, labels, group, include)

    def primary(self) -> tree.Node:
        """Parse an operand without what follows it."""
        token = self.next
        first = token[:1]
        if first == "(":
            self.take()
            inner = self.expression(1)
            self.demand(")")
            return tree.Group(inner)
        if first == "{":
            self.take()
            return leaves.selector("", lexer.matchers(token))
        if token.isascii() and (first.isalpha() or first in ("_", ":")) and token[-1] != ")":
            return self.named()
        if first in _NUMBER_STARTS:
            self.take()
            return tree.Number(leaves.number(token))
        if first in _QUOTES and len(token) > 1:
            self.take()
            return tree.Text(lexer.unquoted(token))
        raise self.unexpected("an expression")

    def named(self) -> tree.Node:
        """Parse an operand that begins with a name."""
        token = self.take()
        lower = token.lower()
        if lower in AGGREGATIONS and self.next[-1:] in ("(", ")") and self.next != ")":
            return self.aggregation(lower)
        if self.next == "(":
            return tree.Call(token, self.arguments())
        if lower in ("inf", "nan"):
            return tree.Number(float(lower))
        if self.next[:1] == "{":
            return leaves.selector(token, lexer.matchers(self.take()))
        if lower in _PRECEDENCE or lower in ("bool", "by", "on", "ignoring", "without", "offset"):
            self.give_back()
            raise self.unexpected("an expression")
        return tree.Selector(token, ())

    def arguments(self) -> tuple[tree.Node, ...]:
        """Parse the arguments of a call."""
        self.demand("(")
        found: list[tree.Node] = []
        while self.next != ")":
            found.append(self.expression(1))
            if self.next != ")":
                self.demand(",")
        self.take()
        return tuple(found)

    def aggregation(self, op: str) -> tree.Node:
        """Parse an aggregation, its labels before or after."""
        clause, labels = self.clause("by", "without")
        arguments = self.arguments()
        if not clause:
            clause, labels = self.clause("by", "without")
        wanted = 2 if op in PARAMETRIC else 1
        if len(arguments) != wanted:
            raise PromqlError(f"{op}() takes {wanted} argument(s), got {len(arguments)}")
        parameter = arguments[0] if wanted == 2 else None
        return tree.Aggregation(op, arguments[-1], parameter, labels, clause == "without")

    def suffixed(self, node: tree.Node) -> tree.Node:
        """Parse ranges, offsets and moments behind an operand."""
        while True:
            ahead = self.next[:1]
            if ahead == "[":
                node = leaves.ranged(node, self.take())
            elif ahead in ("o", "O") and self.next.lower() == "offset":
                self.take()
                sign = self.take() if self.next in ("-", "+") else ""
                offset = leaves.length(self.take())
                node = leaves.shifted(node, -offset if sign == "-" else offset)
            elif ahead == "@":
                self.take()
                node = leaves.fixed(node, self.moment())
            else:
                return node

    def moment(self) -> str:
        """Pass what stands behind an at sign."""
        sign = self.take() if self.next in ("-", "+") else ""
        token = self.take()
        if token in ("start", "end"):
            self.demand("(")
            self.demand(")")
        elif token[:1] not in _NUMBER_STARTS:
            raise PromqlError('after "@" stands a time stamp, start() or end()')
        return sign + token
