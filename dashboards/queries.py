# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Queries: what is asked, and how its answer is called in the legend."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from dashboards.alerts import selectors

Kind = Literal["range", "instant", "table", "heatmap"]

TARGET = 'job=~"$job",instance=~"$instance"'
"""The targets that are chosen at the top of a board; dashboard-linter wants exactly this."""

PLACEHOLDERS = {
    "<target>": TARGET,
    "<host>": TARGET + ',host=~"$host"',
    **{f"<{name}>": matchers for name, matchers in selectors().items()},
    "<rate>": "$__rate_interval",
    "<range>": "$__range",
}


@dataclass(frozen=True)
class Query:
    """One query; names in angle brackets are filled in."""

    expr: str
    legend: str = ""
    kind: Kind = "range"
    limits: str = ""
    """The alert whose threshold this is; it is drawn as a dashed line."""

    def filled(self) -> str:
        """Return the expression as Grafana gets it."""
        expr = " ".join(self.expr.split())
        for name, text in PLACEHOLDERS.items():
            expr = expr.replace(name, text)
        return expr

    def as_table(self) -> Query:
        """Ask for the present moment, one row a series."""
        return replace(self, kind="table")


def limit(alert: str, *, of: str = "", value: str = "<limit>", hosts: bool = False) -> Query:
    """Draw the thresholds of an alert, those of single hosts too, as the alert itself has them.

    `of` tells the limits of one panel apart. `value` is what to draw where the board shows another
    side of the number, such as `1 - <limit>`.
    """
    chosen = ',host=~"$host|"' if hosts else ""
    series = f'alert:threshold{{alert="{alert}"{chosen}}}'
    return Query(
        value.replace("<limit>", series),
        f"{{{{severity}}}} limit{f' {of}' if of else ''} {{{{host}}}}",
        limits=alert,
    )


def share(part: str, whole: str, *, by: str) -> str:
    """Write a ratio that is 0, not missing, while there is no such part."""
    bottom = f"sum by ({by}) ({whole})"
    return f"(sum by ({by}) ({part}) or 0 * {bottom}) / {bottom}"


def by_class(requests: str) -> Query:
    """Ask for requests by class of their status: 2xx, 3xx and so on."""
    classes = f'label_replace({requests}, "class", "${{1}}xx", "status_code", "(.)..")'
    return Query(f"sum by (class) ({classes})", "{{class}}")


def percentile(number: float, buckets: str, *labels: str) -> str:
    """Write the quantile of a histogram, one a set of labels."""
    return f"histogram_quantile({number}, sum by ({', '.join([*labels, 'le'])}) ({buckets}))"
