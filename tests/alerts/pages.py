# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages about the shipped alerts: a table with the score of each, and the runbooks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ansible_collections.barehost.monitoring.plugins.plugin_utils._runbooks import runbooks

from alerts import shipped
from alerts.score import Score

PAGE = shipped.ROOT / "docs/alerts.md"
RUNBOOKS = shipped.ROOT / "docs/runbooks"
_START, _END = "<!-- BEGIN TABLE: made by `make docs` -->", "<!-- END TABLE -->"
_SCORE = re.compile(r"\| ([0-9]+)/([0-9]+) \|$")


def table(scores: dict[str, Score]) -> str:
    """Write the table of all alerts."""
    rows = [row(alert, found) for alert, found in scores.items()]
    tests = sum(found.tests for found in scores.values())
    return "\n".join(
        [
            f"{len(rows)} alerts, {tests} tests, {total(rows)}.",
            "",
            "| Alert | Severity | Threshold | For | Tests | Mutants noticed |",
            "|---|---|---|---|---|---|",
            *rows,
        ]
    )


def row(alert: str, found: Score) -> str:
    """Write what the table says of an alert."""
    rules = _rules(alert)
    entry = shipped.variables()["prometheus_alerts"][alert]
    severities = ", ".join(dict.fromkeys(rule["labels"]["severity"] for rule in rules))
    hold = ", ".join(dict.fromkeys(str(rule.get("for", "")) for rule in rules))
    cells = (
        f"[{alert}](runbooks/{alert}.md)",
        severities,
        _threshold(entry),
        hold,
        str(found.tests),
        f"{found.killed}/{found.all}",
    )
    return f"| {' | '.join(cells)} |"


def _threshold(entry: dict[str, object]) -> str:
    threshold = entry.get("threshold")
    if threshold is None:
        return ""
    steps = threshold.values() if isinstance(threshold, dict) else [threshold]
    return f"`{entry.get('op', '>')} {', '.join(map(str, steps))}`"


def _rules(alert: str) -> list[dict[str, Any]]:
    return [
        rule
        for group in shipped.rules()["groups"]
        for rule in group["rules"]
        if rule.get("alert") == alert
    ]


def scores_told(text: str) -> tuple[int, int]:
    """Sum up what the rows of a table say."""
    found = [match for line in text.splitlines() if (match := _SCORE.search(line))]
    return sum(int(match[1]) for match in found), sum(int(match[2]) for match in found)


def total(rows: Iterable[str]) -> str:
    """Sum up what the rows say, in words."""
    killed, everything = scores_told("\n".join(rows))
    return f"{killed} of {everything} mutants noticed ({killed / everything:.1%})"


def with_table(page: str, new: str) -> str:
    """Put the table into the page."""
    before, _mark, rest = page.partition(_START)
    _old, _mark, after = rest.partition(_END)
    return f"{before}{_START}\n\n{new}\n\n{_END}{after}"


def runbook_pages() -> dict[Path, str]:
    """Write the runbooks of the shipped alerts."""
    source = "roles/prometheus/defaults by `make docs`"
    pages = runbooks(shipped.rules(), shipped.variables()["prometheus_alerts"], source=source)
    return {RUNBOOKS / f"{name}.md": text for name, text in pages.items()}


def alerts() -> Iterator[str]:
    """Name the shipped alerts in their order."""
    yield from shipped.variables()["prometheus_alerts"]
