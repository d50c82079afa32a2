# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast an error budget may be used up, over which ranges (private to this collection).

An alert wants the share of failed requests to be too high over a long range, so that it matters, and
over a short one, so that it still goes on. The share is the budget times a factor: that with which
the given part of the budget of the whole period is used up within the long range.
"""

from __future__ import annotations

from typing import NamedTuple

from ansible_collections.barehost.monitoring.plugins.plugin_utils import _numbers as numbers

_HOUR = 3_600_000
WINDOWS = {
    "5m": _HOUR // 12,
    "30m": _HOUR // 2,
    "1h": _HOUR,
    "2h": 2 * _HOUR,
    "6h": 6 * _HOUR,
    "1d": 24 * _HOUR,
    "3d": 72 * _HOUR,
}
LONGEST = WINDOWS["3d"]
MIN_ERRORS = 10
"""Fewer failed requests within the long range prove nothing."""


class Pair(NamedTuple):
    """A long and a short range, and the part of the budget that may be used up in the long one."""

    long: str
    short: str
    part: float


PAGE = (Pair("1h", "5m", 0.02), Pair("6h", "30m", 0.05))
TICKET = (Pair("1d", "2h", 0.1), Pair("3d", "6h", 0.1))


def share(pair: Pair, budget: float, period: int) -> float | None:
    """Give the share of failed requests that is too much; None when no share can be.

    The factor is at least 1: what burns slower leaves a part of the budget over.
    """
    factor = max(1.0, pair.part * period / WINDOWS[pair.long])
    found = factor * budget
    return found if found < 1 else None


def condition(
    pairs: tuple[Pair, ...],
    series: str,
    budget: float,
    period: int,
    min_errors: int,
    interval: int,
) -> str:
    """Write the condition of an alert; empty when it could never be met.

    The rates are recorded once an interval, and each stands for so long. Of hours that nobody saw, on
    a new server or after a gap, nothing is counted.
    """
    seconds = numbers.exact(interval / 1000)
    found = []
    for pair in pairs:
        limit = share(pair, budget, period)
        if limit is None:
            continue
        text = numbers.exact(limit)
        failed = f"sum_over_time(slo:errors:rate5m{{{series}}}[{pair.long}])"
        found.append(
            f"(slo:error:ratio_rate{pair.long}{{{series}}} > {text} "
            f"and slo:error:ratio_rate{pair.short}{{{series}}} > {text} "
            f"and {failed} * {seconds} >= {min_errors})"
        )
    return " or ".join(found)
