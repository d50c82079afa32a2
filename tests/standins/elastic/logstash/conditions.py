# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Conditions: what an `if` asks an event."""

import functools
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from elastic.logstash.event import MISSING, Event, as_text
from elastic.logstash.tree import Field, Pattern, Test

Condition = Callable[[Event], bool]
_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": lambda a, b: bool(a < b),
    "<=": lambda a, b: bool(a <= b),
    ">": lambda a, b: bool(a > b),
    ">=": lambda a, b: bool(a >= b),
}
_POSIX = {
    "alpha": "a-zA-Z",
    "digit": "0-9",
    "alnum": "a-zA-Z0-9",
    "space": r"\s",
    "upper": "A-Z",
    "lower": "a-z",
}


class WorkerFault(Exception):
    """What stops a pipeline's worker, and with it the pipeline."""


@functools.cache
def pattern(text: str) -> re.Pattern[str]:
    r"""Compile a Ruby pattern: ^ and $ are a line's, \A and \z the text's; raises re.error."""
    text = text.replace(r"\z", r"\Z").replace(r"\h", "[0-9a-fA-F]").replace(r"\/", "/")
    text = re.sub(r"\(\?<(?=[A-Za-z])", "(?P<", text)
    text = re.sub(r"\[:(\w+):\]", lambda found: _POSIX.get(found[1], found[0]), text)
    return re.compile(text, re.MULTILINE | re.ASCII)


def compiled(test: Test) -> Condition:
    """Turn a test into a function of an event; raises re.error for a bad pattern."""
    operator, parts = test.operator, test.parts
    if operator in ("and", "or"):
        left, right = (compiled(_as_test(part)) for part in parts)
        if operator == "and":
            return lambda event: left(event) and right(event)
        return lambda event: left(event) or right(event)
    if operator == "not":
        inner = compiled(_as_test(parts[0]))
        return lambda event: not inner(event)
    if operator == "truthy":
        return lambda event: _truthy(_value(parts[0], event))
    if operator in ("=~", "!~"):
        return _matching(operator == "=~", *parts)
    one, other = parts
    if operator in ("in", "not in"):
        return lambda event: _within(one, other, event) == (operator == "in")
    if operator in ("==", "!="):
        return lambda event: _equal(_value(one, event), _value(other, event)) == (operator == "==")
    return lambda event: _ordered(operator, _value(one, event), _value(other, event))


def _as_test(part: Any) -> Test:
    return part if isinstance(part, Test) else Test("truthy", (part,))


def _value(part: Any, event: Event) -> Any:
    return event.find(part.reference) if isinstance(part, Field) else part


def _truthy(value: Any) -> bool:
    return value is not MISSING and as_text_or_braces(value) not in ("", "false")


def as_text_or_braces(value: Any) -> str:
    """Write a value as Java does: an empty list is no empty text."""
    return "[]" if isinstance(value, list) and not value else as_text(value)


def _matching(wanted: bool, value: Any, expression: Any) -> Condition:
    found = pattern(expression.text if isinstance(expression, Pattern) else str(expression))

    def condition(event: Event) -> bool:
        text = _value(value, event)
        return (isinstance(text, str) and found.search(text) is not None) == wanted

    return condition


def _equal(one: Any, other: Any) -> bool:
    if one is MISSING or other is MISSING:
        return one is other
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    return type(one) is type(other) and bool(one == other)


def _contains(values: list[Any], value: Any) -> bool:
    return any(_equal(entry, value) for entry in values)


def _within(needle: Any, heap: Any, event: Event) -> bool:
    value, values = _value(needle, event), _value(heap, event)
    fields = isinstance(needle, Field) and isinstance(heap, Field)
    if fields and isinstance(values, list) and values and (value is MISSING or value is None):
        raise WorkerFault('Cannot invoke "Object.equals(Object)" because "<parameter2>" is null')
    if value is MISSING or values is MISSING or value is None:
        return False
    if isinstance(heap, list):  # written in the pipeline: compared as texts
        return as_text(value) in [as_text(entry) for entry in heap]
    if isinstance(values, list):
        return not isinstance(value, list | dict) and _contains(values, value)
    if isinstance(value, str) and isinstance(values, str):
        return value in values
    return fields and _equal(value, values)


def _ordered(operator: str, one: Any, other: Any) -> bool:
    for kinds in ((int, float), (str,), (datetime,)):
        if all(isinstance(v, kinds) and not isinstance(v, bool) for v in (one, other)):
            return _ORDER[operator](one, other)
    missing = "null" if one is MISSING or one is None else type(one).__name__
    raise WorkerFault(
        f"Unexpected input type combination left {missing}, right {type(other).__name__}"
    )
