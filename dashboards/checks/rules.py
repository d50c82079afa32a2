# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All rules, and what they find in a board."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dashboards.checks import boards, panels, queries
from dashboards.checks.exceptions import RULES as EXCEPTED
from dashboards.checks.view import BoardView

NAMES = (*boards.RULES, *panels.RULES, *queries.RULES)


@dataclass(frozen=True)
class Finding:
    """Something that a rule forbids."""

    board: str
    rule: str
    panel: str
    text: str

    @property
    def reason(self) -> tuple[str, str, str] | None:
        """Return the entry that allows it."""
        for panel in (self.panel, "*"):
            if (self.board, self.rule, panel) in EXCEPTED:
                return self.board, self.rule, panel
        return None

    def __str__(self) -> str:
        """Say it in a line."""
        return f"{self.board}: {self.panel or 'the board'}: {self.rule}: {self.text}"


def findings(board: BoardView) -> Iterator[Finding]:
    """Find everything that a rule forbids, allowed or not."""
    for rule, check in boards.RULES.items():
        for text in check(board):
            yield Finding(board.uid, rule, "", text)
    for panel in board.panels:
        for rule, look in panels.RULES.items():
            for text in look(panel):
                yield Finding(board.uid, rule, panel.title, text)
    for panel, target in board.queries:
        for rule, ask in queries.RULES.items():
            for text in ask(panel, target):
                yield Finding(board.uid, rule, panel.title, f"{target.ref}: {text}")


def forbidden(board: BoardView) -> list[Finding]:
    """List what is found and not allowed."""
    return [finding for finding in findings(board) if not finding.reason]
