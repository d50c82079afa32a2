# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Durations as Prometheus writes them, such as 5m or 1h30m (private to this collection)."""

from __future__ import annotations

import re
from functools import lru_cache

EXAMPLES = "examples: 5m, 1h30m"

_UNITS = {
    "y": 365 * 86_400_000,
    "w": 7 * 86_400_000,
    "d": 86_400_000,
    "h": 3_600_000,
    "m": 60_000,
    "s": 1000,
    "ms": 1,
}
_WORDS = ("year", "week", "day", "hour", "minute", "second", "millisecond")
_GRAMMAR = re.compile("".join(rf"(?:([0-9]+){unit})?" for unit in _UNITS))
_LONGEST = 2**63 // 1_000_000


@lru_cache(maxsize=4096)
def milliseconds(text: str) -> int | None:
    """Read a duration; None when it is not one."""
    if text == "0":
        return 0
    match = _GRAMMAR.fullmatch(text)
    if not match or not text or len(text) > 60:
        return None
    numbers = zip(match.groups(), _UNITS.values(), strict=True)
    total = sum(int(number) * unit for number, unit in numbers if number)
    return total if total <= _LONGEST else None


def in_words(text: str) -> str:
    """Write a duration for people; what is none stays as it is."""
    counts = _GRAMMAR.fullmatch(text)
    if not counts or not any(counts.groups()):
        return "0 seconds" if text == "0" else text
    named = zip(counts.groups(), _WORDS, strict=True)
    return " ".join(f"{n} {word}{'' if n == '1' else 's'}" for n, word in named if n)


def spelled(total: int) -> str:
    """Write a number of milliseconds as a duration, in the largest units that fit."""
    parts: list[str] = []
    for unit, size in _UNITS.items():
        count, total = divmod(total, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"
