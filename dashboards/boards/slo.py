# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Service level objectives: what is left of the error budgets, and how fast they burn."""

from __future__ import annotations

from ansible_collections.barehost.monitoring.plugins.plugin_utils import _slo_burn as burn
from grafana_foundation_sdk.models.dashboard import Panel

from dashboards.board import Board, Row
from dashboards.look import BUDGET, SEVERITIES
from dashboards.panels import bars, lines
from dashboards.queries import Query
from dashboards.tables import Column, table
from dashboards.variables import choice, datasource

PERIOD = 30 * burn.WINDOWS["1d"]
"""That of an objective that names none."""
SLO = 'slo=~"$slo"'
ALERTS = ("ErrorBudgetBurn", "ErrorBudgetUnknown")
WORDS = {"5m": "5 minutes", "30m": "30 minutes", "1h": "hour", "2h": "2 hours", "6h": "6 hours"}
WORDS |= {"1d": "day", "3d": "3 days"}


def burning(window: str) -> str:
    """Write how many times too fast a budget was used up over a range."""
    objective = f"slo:objective:ratio{{{SLO}}}"
    return f"slo:error:ratio_rate{window}{{{SLO}}} / (1 - {objective})"


def burn_panel(pair: burn.Pair, severity: str) -> Panel:
    """Draw the two ranges of an alert; it fires when both are above the line."""
    factor = pair.part * PERIOD / burn.WINDOWS[pair.long]
    title = f"Burn rate over the last {WORDS[pair.long]}"
    return lines(
        title,
        f"1 uses up the budget just in time. {severity.capitalize()} from {factor:g} on, if the "
        f"last {WORDS[pair.short]} agree: {pair.part:.0%} of a month's budget is gone then.",
        *(Query(burning(window), f"{window} {{{{slo}}}}") for window in (pair.long, pair.short)),
        unit="short",
        alerts=ALERTS[:1],
        level=(factor, SEVERITIES[severity]),
    )


STATE = Row(
    widths=(10, 14),
    height=6,
    panels=(
        bars(
            "Error budget left",
            "Share of the failures that the objective allows, and that have not happened yet.",
            Query(f"slo:error_budget:remaining{{{SLO}}}", "{{slo}}", "instant"),
            unit="percentunit",
            steps=BUDGET,
            highest=1,
            alerts=ALERTS,
        ),
        table(
            "Objectives",
            "What was promised, and the share of requests that failed it.",
            Query(f"max by (slo) (slo:objective:ratio{{{SLO}}})"),
            *(
                Query(f"max by (slo) (slo:error:ratio_rate{window}{{{SLO}}})")
                for window in ("1h", "1d", "3d")
            ),
            columns=(
                Column("slo", "Objective"),
                Column("Value #A", "Promised", "percentunit", decimals=2, width=100),
                Column("Value #B", "Failed, hour", "percentunit", decimals=3, width=110),
                Column("Value #C", "Failed, day", "percentunit", decimals=3, width=110),
                Column("Value #D", "Failed, 3 days", "percentunit", decimals=3, width=120),
            ),
        ),
    ),
)

COURSE = Row(
    widths=12,
    panels=(
        lines(
            "Error budget left over time",
            "Below 0 the objective is missed: no more risks until it has recovered.",
            Query(f"slo:error_budget:remaining{{{SLO}}}", "{{slo}} {{window}}"),
            unit="percentunit",
            highest=1,
            lowest=None,
        ),
        lines(
            "Requests that failed the objective",
            "Failures a second that count against the budget.",
            Query(f"slo:errors:rate5m{{{SLO}}}", "{{slo}}"),
            unit="reqps",
        ),
    ),
)

BURN = Row(
    title="How fast the budgets burn",
    widths=6,
    panels=(
        *(burn_panel(pair, "critical") for pair in burn.PAGE),
        *(burn_panel(pair, "warning") for pair in burn.TICKET),
    ),
)

BOARD = Board(
    name="slo",
    title="SLO",
    description="What is left of the error budgets, and how fast they are used up.",
    variables=(
        datasource(),
        choice("slo", "Objective", "label_values(slo:objective:ratio, slo)"),
    ),
    rows=(STATE, COURSE, BURN),
    marked=SLO,
)
