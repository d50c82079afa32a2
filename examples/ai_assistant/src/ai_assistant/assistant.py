# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Answers. A real assistant asks a language model here; this one follows three rules."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .tools import TOOLS, ToolResult

_RULES = (
    (re.compile(r"(?i)calculate (?P<expression>.+)"), "calculator"),
    (re.compile(r"(?i)count (?P<text>.+)"), "word_count"),
    (re.compile(r"(?i)what time is it"), "clock"),
)


@dataclass(frozen=True)
class Answer:
    """An answer, and how it came about."""

    text: str
    tool: str | None = None
    success: bool = True

    @property
    def keeps(self) -> bool:
        """Whether the same question has the same answer later."""
        return self.success and self.tool != "clock"


async def answer(message: str) -> Answer:
    """Answer a message with the tool that it calls for."""
    for rule, tool in _RULES:
        if match := rule.match(message):
            result: ToolResult = await TOOLS[tool].execute_with_metrics(match.groupdict())
            return Answer(result.output or result.error, tool, result.success)
    return Answer(f"You said: {message}")
