# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cut PromQL into tokens (private to this collection).

A whole `{...}`, a whole `[...]` and a whole `by (...)` are one token each: most expressions then
have a handful of tokens, and what recurs in every rule is read only once.
"""

from __future__ import annotations

import re
import warnings
from functools import lru_cache

from ansible_collections.barehost.monitoring.plugins.plugin_utils._promql_nodes import (
    Matcher,
    PromqlError,
)

STRING = r""" "(?:[^"\\\n]|\\.)*" | '(?:[^'\\\n]|\\.)*' | `[^`]*` """
_NAME = r"[a-zA-Z_][a-zA-Z0-9_]*"
_BLANK = r"\s+|\#[^\n]*"
_CLAUSE = "(?i:by|without|on|ignoring|group_left|group_right)"
_TOKEN = re.compile(
    rf"""{_BLANK} | {STRING}
    | \{{ (?: [^{{}}"'`\#] | {STRING} | \#[^\n]* )* \}}
    | \[ [^\[\]]* \]
    | (?:[0-9]+(?:ms|[smhdwy]))+
    | 0[xX][0-9a-fA-F]+
    | (?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?
    | (?:{_CLAUSE})\s*\([^()]*\)
    | [a-zA-Z_:][a-zA-Z0-9_:]*
    | == | != | >= | <= | [-+*/%^<>(),@]
    | .""",
    re.VERBOSE | re.DOTALL,
)
_MATCHER = re.compile(
    rf"""(?:{_BLANK})* (?:
      (?P<label>{_NAME}|{STRING}) (?:{_BLANK})*
      (?P<op>=~|!~|!=|=) (?:{_BLANK})* (?P<value>{STRING})
      | (?P<metric>{STRING}) )
    (?:{_BLANK})* (?:,|\Z)""",
    re.VERBOSE | re.DOTALL,
)
_PLAIN_MATCHER = re.compile(rf'({_NAME})(=~|!~|!=|=)"([^"\\]*)"(?:,\s*|\Z)')
_LABEL = re.compile(
    rf"(?:{_BLANK})* ({_NAME}|{STRING}) (?:{_BLANK})* (?:,|\Z)", re.VERBOSE | re.DOTALL
)
_ONE_LINE = re.compile(rf"(?P<keep>{STRING})|(?:{_BLANK})+", re.VERBOSE | re.DOTALL)
_ESCAPE = re.compile(
    r"\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{3}|(.))", re.DOTALL
)
_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_BROKEN = ("missing )", "unbalanced", "unterminated", "nothing to repeat", "multiple repeat")


def tokens(expression: str) -> list[str]:
    """List the tokens without blanks and comments."""
    return [token for token in _TOKEN.findall(expression) if token[0] not in " \n\t\r#"]


def one_line(expression: str) -> str:
    """Put the expression on one line, without comments; strings stay as they are."""
    if "\n" not in expression and "#" not in expression and "  " not in expression:
        return expression.strip()
    return _ONE_LINE.sub(lambda match: match["keep"] or " ", expression).strip()


@lru_cache(maxsize=1024)
def unquoted(literal: str) -> str:
    """Read a string literal the way Go does."""
    if literal[0] == "`" or "\\" not in literal:
        return literal[1:-1]
    return _ESCAPE.sub(_unescaped, literal[1:-1])


def _unescaped(match: re.Match[str]) -> str:
    letter = match[1]
    if letter is None:
        body = match[0][1:]
        return chr(int(body.lstrip("xuU"), 8 if body[0].isdigit() else 16) % 0x110000)
    if letter in "\"'\\":
        return letter
    if letter not in _ESCAPES:
        raise PromqlError(f'unknown escape "\\{letter}" in a string; write "\\\\{letter}"')
    return _ESCAPES[letter]


@lru_cache(maxsize=1024)
def matchers(block: str) -> tuple[Matcher, ...]:
    """Read a `{...}` block."""
    if len(block) < 2:
        raise PromqlError('"{" is not closed')
    inner, position, found = block[1:-1], 0, list[Matcher]()
    while match := _PLAIN_MATCHER.match(inner, position):
        label, op, value = match.groups()
        position = match.end()
        found.append(Matcher(label, op, _pattern(op, value) if "~" in op else value))
    while position < len(inner) and inner[position:].strip():
        match = _MATCHER.match(inner, position)
        if not match:
            raise PromqlError(f"{inner[position:].strip()!r} is no label matcher")
        position = match.end()
        if match["metric"]:
            found.append(Matcher("__name__", "=", unquoted(match["metric"])))
            continue
        label = match["label"] if match["label"][0] not in "\"'`" else unquoted(match["label"])
        found.append(Matcher(label, match["op"], _pattern(match["op"], unquoted(match["value"]))))
    return tuple(found)


@lru_cache(maxsize=1024)
def clause(token: str) -> tuple[str, tuple[str, ...]]:
    """Read a token such as `by (job, instance)`."""
    word, _bracket, inner = token[:-1].partition("(")
    labels, position = list[str](), 0
    while rest := inner[position:].strip():
        match = _LABEL.match(inner, position)
        if not match:
            raise PromqlError(f'"{rest}" in "{token}" is no label name')
        position = match.end()
        labels.append(match[1] if match[1][0] not in "\"'`" else unquoted(match[1]))
    return word.strip().lower(), tuple(labels)


def _pattern(op: str, value: str) -> str:
    """Refuse what RE2 cannot do; the rest is left to Prometheus."""
    if "~" not in op:
        return value
    if re.search(r"\(\?(?:[=!]|<[=!])", value):
        raise PromqlError(f"{value!r} looks ahead or behind, which Prometheus cannot")
    try:
        _compiled(value)
    except (re.error, OverflowError, RecursionError) as error:
        if str(error).startswith(_BROKEN):
            raise PromqlError(f"{value!r} is no regular expression: {error}") from None
    return value


@lru_cache(maxsize=1024)
def selects_everything(conditions: tuple[Matcher, ...]) -> bool:
    """Tell whether the conditions also hold for a series without any of the labels."""
    return all(_holds_for_nothing(condition) for condition in conditions)


def _holds_for_nothing(condition: Matcher) -> bool:
    if "~" not in condition.op:
        return (condition.value == "") == (condition.op == "=")
    try:
        empty = _compiled(condition.value).fullmatch("") is not None
    except (re.error, OverflowError, RecursionError):
        return False
    return empty == (condition.op == "=~")


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    """Compile a pattern; what Python wants to say of a class such as [[:alpha:]] is not for users."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return re.compile(pattern)
