# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the assistant can do. A tool reports a failure in its result; only a bug raises."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from .instrumentation.tools import MetricsToolMixin

LONGEST_EXPRESSION = 200
LARGEST_NUMBER = 1e15

_OPERATORS: dict[type[ast.AST], Callable[..., float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.USub: operator.neg,
}


@dataclass(frozen=True)
class ToolResult:
    """What a tool has to say."""

    success: bool
    output: str = ""
    error: str = ""


class Calculator(MetricsToolMixin):
    """Adds, subtracts, multiplies and divides."""

    name = "calculator"
    time_limit = 5.0

    async def execute(self, parameters: Mapping[str, str]) -> ToolResult:
        """Compute `expression`."""
        text = parameters.get("expression", "")
        try:
            if len(text) > LONGEST_EXPRESSION:
                raise ValueError(f"longer than {LONGEST_EXPRESSION} characters")
            value = _value(ast.parse(text.strip(), mode="eval").body)
        except (SyntaxError, ValueError, ZeroDivisionError, RecursionError) as exc:
            return ToolResult(False, error=f"cannot compute: {exc}")
        return ToolResult(True, f"{value:g}")


class Clock(MetricsToolMixin):
    """Tells the time."""

    name = "clock"
    time_limit = 5.0

    async def execute(self, parameters: Mapping[str, str]) -> ToolResult:
        """Tell the time in UTC."""
        return ToolResult(True, datetime.now(UTC).strftime("%H:%M:%S UTC"))


class WordCount(MetricsToolMixin):
    """Counts words."""

    name = "word_count"
    time_limit = 5.0

    async def execute(self, parameters: Mapping[str, str]) -> ToolResult:
        """Count the words of `text`."""
        return ToolResult(True, str(len(parameters.get("text", "").split())))


TOOLS: dict[str, MetricsToolMixin] = {
    tool.name: tool for tool in (Calculator(), Clock(), WordCount())
}


def _value(node: ast.AST) -> float:
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        value: Any = node.value
    elif isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        value = _OPERATORS[type(node.op)](_value(node.left), _value(node.right))
    elif isinstance(node, ast.UnaryOp) and type(node.op) in _OPERATORS:
        value = _OPERATORS[type(node.op)](_value(node.operand))
    else:
        raise ValueError("only numbers and + - * / ( ) are understood")
    if abs(value) > LARGEST_NUMBER:
        raise ValueError("the number is too large")
    return float(value)
