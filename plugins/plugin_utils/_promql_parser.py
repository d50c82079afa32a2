# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parse PromQL (private to this collection).

Precedence climbing over the tokens of the lexer. It accepts what Prometheus 2.53 and 3.5 accept
without feature flags; types and meaning are the matter of `_promql_checks`.
"""

from __future__ import annotations

from ansible_collections.barehost.monitoring.plugins.plugin_utils._promql_cursor import (
    END,
    QUOTES,
    Cursor,
)
from ansible_collections.barehost.monitoring.plugins.plugin_utils._promql_functions import (
    AGGREGATIONS,
    COMPARISONS,
    PARAMETRIC,
    SETS,
)
from ansible_collections.barehost.monitoring.plugins.plugin_utils._promql_leaves import (
    length,
    number,
    ranged,
    selector,
)
from ansible_collections.barehost.monitoring.plugins.plugin_utils._promql_lexer import (
    matchers,
    tokens,
    unquoted,
)
from ansible_collections.barehost.monitoring.plugins.plugin_utils._promql_nodes import (
    Aggregation,
    Binary,
    Call,
    Group,
    Matching,
    Node,
    Number,
    PromqlError,
    Selector,
    Signed,
    Text,
)

_POWER, _PRODUCT = 6, 5
_PRECEDENCE = {
    **{"or": 1, "and": 2, "unless": 2},
    **dict.fromkeys(COMPARISONS, 3),
    **{"+": 4, "-": 4, "*": _PRODUCT, "/": _PRODUCT, "%": _PRODUCT, "atan2": _PRODUCT},
    **{"^": _POWER},
}
_NUMBER_STARTS = frozenset("0123456789.")


def parse(expression: str) -> Node:
    """Parse a whole expression."""
    parser = _Parser(tokens(expression))
    try:
        node = parser.expression(1)
    except RecursionError:
        raise PromqlError("it is nested too deeply") from None
    if parser.next != END:
        raise parser.unexpected()
    return node


class _Parser(Cursor):
    """The grammar, one method an idea."""

    def expression(self, lowest: int) -> Node:
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
            left = Binary(op, left, right, matching)

    def signed(self) -> Node:
        """Parse an operand with its sign."""
        if self.next in ("-", "+"):
            self.take()
            return Signed(self.expression(_POWER))
        return self.suffixed(self.primary())

    def matching(self, op: str) -> Matching:
        """Parse what may stand between a binary operator and its right side."""
        boolean = self.keyword("bool")
        if boolean and op not in COMPARISONS:
            raise PromqlError(f'"bool" stands after "{op}", which is no comparison')
        kind = self.keyword("on", "ignoring")
        labels = self.names() if kind else ()
        group = self.keyword("group_left", "group_right") if kind else ""
        include = self.names() if group and self.next == "(" else ()
        if group and op in SETS:
            raise PromqlError(f'"{group}" cannot stand after "{op}"')
        return Matching(bool(boolean), kind, labels, group, include)

    def primary(self) -> Node:
        """Parse an operand without what follows it."""
        token = self.next
        first = token[:1]
        if first == "(":
            self.take()
            inner = self.expression(1)
            self.demand(")")
            return Group(inner)
        if first == "{":
            self.take()
            return selector("", matchers(token))
        if first.isalpha() or first in ("_", ":"):
            return self.named()
        if first in _NUMBER_STARTS and first:
            self.take()
            return Number(number(token))
        if first in QUOTES and first and len(token) > 1:
            self.take()
            return Text(unquoted(token))
        raise self.unexpected("an expression")

    def named(self) -> Node:
        """Parse an operand that begins with a name."""
        token = self.take()
        lower = token.lower()
        if lower in AGGREGATIONS and (self.next == "(" or self.next.lower() in ("by", "without")):
            return self.aggregation(lower)
        if self.next == "(":
            return Call(token, self.arguments())
        if lower in ("inf", "nan"):
            return Number(float(lower))
        if self.next[:1] == "{":
            return selector(token, matchers(self.take()))
        if lower in _PRECEDENCE or lower in ("bool", "by", "on", "ignoring", "without", "offset"):
            self.give_back()
            raise self.unexpected("an expression")
        return Selector(token, ())

    def arguments(self) -> tuple[Node, ...]:
        """Parse the arguments of a call."""
        self.demand("(")
        found: list[Node] = []
        while self.next != ")":
            found.append(self.expression(1))
            if self.next != ")":
                self.demand(",")
        self.take()
        return tuple(found)

    def aggregation(self, op: str) -> Node:
        """Parse an aggregation, its labels before or after."""
        clause = self.keyword("by", "without")
        labels = self.names() if clause else ()
        arguments = self.arguments()
        if not clause:
            clause = self.keyword("by", "without")
            labels = self.names() if clause else ()
        wanted = 2 if op in PARAMETRIC else 1
        if len(arguments) != wanted:
            raise PromqlError(f"{op}() takes {wanted} argument(s), got {len(arguments)}")
        parameter = arguments[0] if wanted == 2 else None
        return Aggregation(op, arguments[-1], parameter, labels, clause == "without")

    def suffixed(self, node: Node) -> Node:
        """Parse ranges, offsets and moments behind an operand."""
        while True:
            if self.next[:1] == "[":
                node = ranged(node, self.take())
            elif self.next.lower() == "offset":
                self.take()
                if self.next in ("-", "+"):
                    self.take()
                length(self.take())
            elif self.next == "@":
                self.take()
                self.moment()
            else:
                return node

    def moment(self) -> None:
        """Pass what stands behind an at sign."""
        if self.next in ("-", "+"):
            self.take()
        token = self.take()
        if token in ("start", "end"):
            self.demand("(")
            self.demand(")")
        elif token[:1] not in _NUMBER_STARTS or not token:
            raise PromqlError('after "@" stands a time stamp, start() or end()')
