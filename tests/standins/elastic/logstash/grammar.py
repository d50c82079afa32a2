# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The language of Logstash's pipelines: from text to tree.

White space is part of the rules, because Logstash's are about it, too: options and entries of a hash
are divided by it. Before 8.15 a comment must end with a newline, and none may stand in a hash.
"""

import functools
import re
from typing import Any, cast

import pyparsing as pp

from elastic.common import Refused
from elastic.logstash.tree import Branch, Field, Pattern, Plugin, Section, Test

_BINDS_TIGHTER = {"and": 2, "or": 1}


class Furthest:
    """Where the text stopped to make sense, and what could have come there."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Begin anew."""
        self.place, self.expected = 0, dict[str, None]()

    def missed(self, _text: str, place: int, expression: Any, _error: Exception) -> None:
        """Note that an expression did not match at a place."""
        if place > self.place:
            self.place, self.expected = place, {}
        if place == self.place:
            self.expected[expression.name] = None

    def told(self, text: str) -> str:
        """Say it as Logstash does."""
        before = text[: self.place]
        line, column = before.count("\n") + 1, self.place - (before.rfind("\n") + 1) + 1
        byte = len(before.encode()) + 1
        expected = list(self.expected)
        wanted = ", ".join(expected)
        wanted = f"one of {wanted}" if ", " in wanted else wanted
        after = f" after {before}" if before else ""
        return f"Expected {wanted} at line {line}, column {column} (byte {byte}){after}"


_furthest = Furthest()


def _token(pattern: str, name: str) -> pp.ParserElement:
    element = pp.Regex(re.compile(pattern, re.DOTALL)).set_name(name).leave_whitespace()
    return element.set_fail_action(_furthest.missed)


def _word(text: str) -> pp.ParserElement:
    return _token(re.escape(text), f'"{text}"')


def _quiet(text: str) -> pp.ParserElement:
    return _word(text).suppress()


def _hash(text: str, place: int, parts: pp.ParseResults) -> dict[str, Any]:
    keys = [key for key, _value in parts]
    twice = sorted({str(key) for key in keys if keys.count(key) > 1})
    if twice:
        line, column = pp.lineno(place, text), pp.col(place, text)
        raise Refused(
            f'Duplicate keys found in your configuration: ["{", ".join(twice)}"]\n'
            f"At line: {line}, column {column} (byte {len(text[:place].encode()) + 1})\n"
            f"after {text[:place]}"
        )
    return dict(cast(list[tuple[str, Any]], list(parts)))


def _plugin(text: str, place: int, parts: pp.ParseResults) -> Plugin:
    options = tuple((name, value) for name, value in parts[1])
    return Plugin(parts[0], options, f"{pp.lineno(place, text)}:{pp.col(place, text)}")


def _number(parts: pp.ParseResults) -> int | float:
    return float(parts[0]) if "." in parts[0] else int(parts[0])


def _test(parts: pp.ParseResults) -> Any:
    if len(parts) == 1:
        return parts[0]
    left, operator, right = parts
    operator = "not in" if operator.startswith("not") else operator
    return Test(operator, (left, Pattern(right) if "~" in operator and _text(right) else right))


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _joined(parts: pp.ParseResults) -> Test:
    """`and` binds tighter than `or`; what binds alike is joined from the right."""
    values: list[Any] = []
    operators: list[str] = []
    for index, part in enumerate(parts):
        if index % 2 == 0:
            values.append(part)
            continue
        if part not in _BINDS_TIGHTER:
            raise Refused(f"the stand-in does not know the operator {part}")
        while operators and _BINDS_TIGHTER[operators[-1]] > _BINDS_TIGHTER[part]:
            right = values.pop()
            values.append(Test(operators.pop(), (values.pop(), right)))
        operators.append(part)
    while operators:
        right = values.pop()
        values.append(Test(operators.pop(), (values.pop(), right)))
    only = values[0]
    return only if isinstance(only, Test) else Test("truthy", (only,))


@functools.cache
def _grammar(free_comments: bool) -> pp.ParserElement:
    space = _token(r"[ \t\r\n]+", r"[ \t\r\n]")
    comment = _token(r"#[^\r\n]*(?:\r?\n|\Z)", '"#"')
    if not free_comments:
        comment = _token(r"#[^\r\n]*", '"#"') + _token(r"\r?\n", r'[^\r\n], "\r", "\n"')
    blank = pp.ZeroOrMore(space | comment).suppress()
    divided = (space + blank).suppress()

    def block(inner: pp.ParserElement) -> pp.ParserElement:
        return _quiet("{") + blank + pp.Group(inner) + _quiet("}")

    string = _token(r'"(?:\\"|[^"])*+"', r"\"") | _token(r"'(?:\\'|[^'])*+'", "'")
    string = string.copy().add_parse_action(lambda t: t[0][1:-1])
    bareword = _token(r"[A-Za-z_][A-Za-z0-9_]+", "[A-Za-z_]")
    number = _token(r"-?[0-9]+(?:\.[0-9]*)?", "[0-9]").add_parse_action(_number)
    name = _token(r"[A-Za-z0-9_-]+", "[A-Za-z0-9_-]") | string
    value, array_value, statement = pp.Forward(), pp.Forward(), pp.Forward()

    pair = (name + blank + _quiet("=>") + blank + value).add_parse_action(lambda t: [(t[0], t[1])])
    plugin = name + blank + _quiet("{") + blank
    plugin += pp.Group(pp.Opt(pair + pp.ZeroOrMore(divided + pair))) + blank + _quiet("}")
    plugin.add_parse_action(_plugin)
    entry = (number | bareword | string) + blank + _quiet("=>") + blank + value
    entry.add_parse_action(lambda t: [(str(t[0]), t[1])])
    apart = divided if free_comments else space.suppress()
    table = _quiet("{") + blank + pp.Opt(entry + pp.ZeroOrMore(apart + entry)) + blank
    table = (table + _quiet("}")).add_parse_action(_hash)
    array = (
        _quiet("[")
        + blank
        + pp.Opt(array_value + pp.ZeroOrMore(blank + _quiet(",") + blank + array_value))
    )
    array = (array + blank + _quiet("]")).add_parse_action(lambda t: [list(t)])
    value <<= plugin | bareword | string | number | array | table
    array_value <<= plugin | bareword | string | number | array | table

    regexp = _token(r"/(?:\\/|[^/])*+/", '"/"').add_parse_action(lambda t: Pattern(t[0][1:-1]))
    selector = _token(r"(?:\[[^\]\[,]+\])+", '"["').add_parse_action(lambda t: Field(t[0]))
    rvalue = string | number | selector | array | regexp
    condition = pp.Forward()
    inner = _quiet("(") + blank + condition + blank + _quiet(")")
    negation = _quiet("!") + blank + (inner | selector)
    negation.add_parse_action(lambda t: Test("not", (t[0],)))
    operator = _token(
        r"in|not [ \t\r\n]*in|==|!=|<=|>=|<|>", '"in", "not ", "==", "!=", "<=", ">=", "<", ">"'
    )
    matches = _token(r"=~|!~", '"=~", "!~"')
    compared = rvalue + pp.Opt(
        blank + (operator + blank + rvalue | matches + blank + (string | regexp))
    )
    compared.add_parse_action(_test)
    expression = inner | negation | compared
    joiner = _token("and|or|xor|nand", '"and", "or", "xor", "nand"')
    condition <<= expression + pp.ZeroOrMore(blank + joiner + blank + expression)
    condition.add_parse_action(_joined)

    body = pp.ZeroOrMore(statement + blank)
    arm = (condition + blank + block(body)).add_parse_action(lambda t: [(t[0], tuple(t[1]))])
    first = _quiet("if") + blank + arm
    other = _quiet("else") + blank + _quiet("if") + blank + arm
    last = (_quiet("else") + blank + block(body)).add_parse_action(lambda t: [(None, tuple(t[0]))])
    branch = first + pp.ZeroOrMore(blank + other) + pp.Opt(blank + last)
    branch.add_parse_action(lambda t: Branch(tuple(t)))
    statement <<= branch | plugin
    kind = _token("input|filter|output", '"input", "filter", "output"')
    section = (kind + blank + block(body)).add_parse_action(lambda t: Section(t[0], tuple(t[1])))
    # What follows the end is noted like any other miss.
    end = _token(r"\Z", "end of input").suppress()
    return pp.ZeroOrMore(blank + section) + blank + end


def parse(text: str, free_comments: bool = False) -> list[Section]:
    """Read a pipeline's text; raises Refused with the place of the first fault."""
    grammar = _grammar(free_comments)
    _furthest.reset()
    try:
        return list(grammar.parse_string(text))
    except pp.ParseBaseException:
        raise Refused(_furthest.told(text)) from None
