# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A place in a list of PromQL tokens (private to this collection)."""

from __future__ import annotations

from ansible_collections.barehost.monitoring.plugins.plugin_utils._promql_lexer import clause
from ansible_collections.barehost.monitoring.plugins.plugin_utils._promql_nodes import PromqlError

END = ""


class Cursor:
    """The tokens and the place reached."""

    def __init__(self, found: list[str]) -> None:
        """Stand before the first token."""
        self.tokens = [*found, END]
        self.place = 0
        self.next = self.tokens[0]

    def take(self) -> str:
        """Go one token on and return the one passed."""
        token = self.next
        self.place += 1
        self.next = self.tokens[self.place] if token != END else END
        return token

    def unexpected(self, wanted: str = "") -> PromqlError:
        """Say that the token ahead cannot stand here."""
        before = " ".join(self.tokens[max(0, self.place - 3) : self.place])
        what = f'"{self.next}"' if self.next != END else "end"
        where = f' after "{before}"' if before else ""
        return PromqlError(f"unexpected {what}{where}{f', {wanted} wanted' if wanted else ''}")

    def give_back(self) -> None:
        """Stand before the token passed last."""
        self.place -= 1
        self.next = self.tokens[self.place]

    def demand(self, token: str) -> None:
        """Pass one given token."""
        if self.next != token:
            raise self.unexpected(f'"{token}"')
        self.take()

    def keyword(self, *words: str) -> str:
        """Pass one of the words, in any case, when it is ahead; return it in lower case."""
        return self.take().lower() if self.next.lower() in words else ""

    def clause(self, *words: str) -> tuple[str, tuple[str, ...]]:
        """Pass one of the words with its labels in parentheses; return both."""
        if self.next[-1:] == ")" and len(self.next) > 1:
            word, labels = clause(self.next)
            if word in words:
                self.take()
                return word, labels
        return "", ()
