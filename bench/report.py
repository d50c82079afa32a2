# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report: a page for people, and the same as data."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from bench.results import BUDGETS, Kind, Result, ratio, verdict

HEAD = """\
# Benchmark

Prometheus, Alertmanager and node_exporter with one and the same configuration, on one freshly booted
host, from the same local mirror: by this collection, by a shell script that does it by hand
([bench/floor.sh](../bench/floor.sh), the floor), and by the nearest peer. This page is written by
`make bench`; every single run is in [benchmark.json](benchmark.json).
"""
COLUMNS = "| | cold run | x ours | x script | no-op run | x ours | tasks | skipped |"
DASH = "–"


def page(results: dict[str, Result], labels: dict[str, str], facts: dict[str, str]) -> str:
    """Write the page."""
    parts = [HEAD, *_times(results, labels), "", *_budgets(results), "", *_method(facts)]
    return "\n".join(parts) + "\n"


def data(results: dict[str, Result], facts: dict[str, str]) -> dict[str, Any]:
    """Return everything that was measured, ready for JSON."""
    budgets = [
        {"budget": budget.text, "measured": share, "verdict": word}
        for budget in BUDGETS
        for share, word in [verdict(results, budget)]
    ]
    runs = {key: asdict(result) for key, result in results.items()}
    return {"facts": facts, "budgets": budgets, "runs": runs}


def _times(results: dict[str, Result], labels: dict[str, str]) -> list[str]:
    rows = [COLUMNS, "|---|--:|--:|--:|--:|--:|--:|--:|"]
    for key, label in labels.items():
        result = results[key]
        if result.reason:
            rows.append(f"| {label} | not measured: {result.reason} |" + " |" * 6)
            continue
        cells = [
            _seconds(result, "cold"),
            _times_as_long(results, "cold", key, "collection"),
            _times_as_long(results, "cold", key, "shell"),
            _seconds(result, "noop"),
            _times_as_long(results, "noop", key, "collection"),
            *_tasks(result),
        ]
        rows.append(f"| {label} | {' | '.join(cells)} |")
    return rows


def _seconds(result: Result, kind: Kind) -> str:
    taken = sorted(run.seconds for run in result.runs(kind))
    if not taken:
        return DASH
    return f"{result.seconds(kind):.1f} s ({taken[0]:.1f}..{taken[-1]:.1f})"


def _times_as_long(results: dict[str, Result], kind: Kind, key: str, other: str) -> str:
    factor = ratio(results, kind, key, other)
    return DASH if factor is None else f"{factor:.1f}"


def _tasks(result: Result) -> tuple[str, str]:
    if not result.noop:
        return DASH, DASH
    return str(result.noop[-1].tasks), str(result.noop[-1].skipped)


def _budgets(results: dict[str, Result]) -> list[str]:
    rows = ["| budget | measured | |", "|---|--:|---|"]
    for budget in BUDGETS:
        share, word = verdict(results, budget)
        rows.append(f"| {budget.text} | {DASH if share is None else f'{share:.3f} x'} | {word} |")
    return rows


def _method(facts: dict[str, str]) -> list[str]:
    return ["## How it was measured", "", *(f"- {name}: {text}" for name, text in facts.items())]
