# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was measured, and what it means for the budgets."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median
from typing import Literal

from bench.playbook import Run

Kind = Literal["cold", "noop"]


@dataclass
class Result:
    """The runs of one contender, or the reason why there are none."""

    cold: list[Run] = field(default_factory=list)
    noop: list[Run] = field(default_factory=list)
    reason: str = ""

    def runs(self, kind: Kind) -> list[Run]:
        """Return the runs of a kind; those of a contender that failed do not count."""
        return [] if self.reason else {"cold": self.cold, "noop": self.noop}[kind]

    def seconds(self, kind: Kind) -> float | None:
        """Return the median time."""
        runs = self.runs(kind)
        return median(run.seconds for run in runs) if runs else None


@dataclass(frozen=True)
class Budget:
    """How long this collection may take, as a share of what another one takes."""

    kind: Kind
    other: str
    share: float
    text: str


BUDGETS = (
    Budget("noop", "peer", 1 / 8, "no-op run: at most 1/8 of prometheus.prometheus"),
    Budget("cold", "peer", 1 / 3, "cold run: at most 1/3 of prometheus.prometheus"),
    Budget("cold", "shell", 2.0, "cold run: at most 2 x the shell script"),
    Budget(
        "cold", "careful", 2.0, "cold run: at most 2 x the script that sees each service stay up"
    ),
)


def ratio(results: dict[str, Result], kind: Kind, one: str, other: str) -> float | None:
    """Return how often the time of the other fits into the time of the one."""
    if one not in results or other not in results:
        return None
    above, below = results[one].seconds(kind), results[other].seconds(kind)
    return above / below if above is not None and below else None


def verdict(results: dict[str, Result], budget: Budget) -> tuple[float | None, str]:
    """Return the measured share, and whether it is within the budget."""
    share = ratio(results, budget.kind, "collection", budget.other)
    if share is None:
        return None, "not measured"
    return share, "met" if share <= budget.share else "NOT MET"
