# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The severities of an alert with their thresholds (private to this collection)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.barehost.monitoring.plugins.plugin_utils import _numbers as numbers
from ansible_collections.barehost.monitoring.plugins.plugin_utils._alert_defaults import Defaults
from ansible_collections.barehost.monitoring.plugins.plugin_utils._alert_sources import Entry
from ansible_collections.barehost.monitoring.plugins.plugin_utils._durations import (
    in_words,
    milliseconds,
    spelled,
)
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import Faults

_MEANT_AS_PERCENT = 10
STAND_IN = "1h"
"""For a wrong window: it is told where it stands, and not again where it is used."""


@dataclass(frozen=True, slots=True)
class Step:
    """One severity of an alert; without an operator the expression compares by itself."""

    severity: str
    hold: str
    op: str
    shown: str
    number: float | None
    static: Mapping[str, str]
    hosts: Mapping[str, float] = field(default_factory=dict)
    """Hosts with a threshold of their own."""


def ladder(entry: Entry, defaults: Defaults, faults: Faults) -> list[Step]:
    """List the steps of an alert, the mildest first."""
    values = entry.values
    threshold, op = values.get("threshold"), values.get("op", "")
    if threshold is None and op and "threshold" not in entry.wrong:
        faults.add(entry.place("op"), 'needs "threshold" (example: 0.9)')
    if threshold is not None and not op:
        op = ">"
    rungs: list[tuple[str, float | None]]
    if isinstance(threshold, dict):
        rungs = _rungs(entry, threshold, op, defaults, faults)
    else:
        rungs = [(values.get("severity", defaults.severity), threshold)]
        if fault := defaults.severity_fault(rungs[0][0]):
            faults.add(entry.place("severity"), fault)
    holds = _holds(entry, [severity for severity, number in rungs], defaults, faults)
    for severity, number in rungs:
        if number is not None and (fault := size_fault(values, number)):
            step = f".{severity}" if isinstance(threshold, dict) else ""
            faults.add(entry.place("threshold") + step, fault)
    known = dict(entry.known)
    if entry.has("window"):
        window = values.get("window", STAND_IN)
        known |= {"window": window, "window:words": in_words(window)}
    if "threshold" in entry.wrong:
        # A text that tells a wrong threshold is not wrong, too.
        known |= dict.fromkeys(("threshold", "threshold:percent", "threshold:duration"), "0")
    return [_step(severity, holds[severity], op, number, known) for severity, number in rungs]


def _step(
    severity: str, hold: str, op: str, number: float | None, known: Mapping[str, str]
) -> Step:
    static = {**known, "severity": severity}
    static |= {"for": hold or "0s", "for:words": in_words(hold or "0")}
    if number is None:
        return Step(severity, hold, "", "", None, static)
    shown = numbers.exact(number)
    static |= {"threshold": shown, "threshold:percent": numbers.percentage(number)}
    static["threshold:duration"] = numbers.duration(number)
    return Step(severity, hold, op, shown, number, static)


def _rungs(
    entry: Entry, threshold: dict[Any, Any], op: str, defaults: Defaults, faults: Faults
) -> list[tuple[str, float | None]]:
    path = entry.place("threshold")
    if "severity" in entry.values:
        faults.add(entry.place("severity"), "the ladder in threshold names the severities already")
    for severity in threshold:
        if fault := defaults.severity_fault(severity):
            faults.add(path, fault)
            return [(defaults.severity, None)]
    rungs = sorted(threshold.items(), key=lambda rung: defaults.severities.index(rung[0]))
    if len(rungs) > 1 and op not in (">", ">=", "<", "<="):
        faults.add(entry.place("op"), f'a ladder needs >, >=, < or <=, not "{op}"')
        return rungs
    for fault in order_faults(rungs, op):
        faults.add(path, fault)
    return rungs


def order_faults(rungs: Sequence[tuple[str, float]], op: str) -> Iterator[str]:
    """Say which steps do not go on from mild to severe."""
    wanted = "larger" if op.startswith(">") else "smaller"
    for (mild, low), (severe, high) in zip(rungs, rungs[1:], strict=False):
        if not (high > low if wanted == "larger" else high < low):
            low_text, high_text = numbers.exact(low), numbers.exact(high)
            fault = f"with {op} the step {severe} ({high_text}) must be {wanted} than {mild}"
            yield f"{fault} ({low_text})"


def _holds(
    entry: Entry, severities: list[str], defaults: Defaults, faults: Faults
) -> dict[str, str]:
    given, path = entry.values.get("for", defaults.hold), entry.place("for")
    if isinstance(given, dict):
        for severity in given:
            if severity not in severities:
                names = ", ".join(severities)
                faults.add(path, f'"{severity}" is no step of this alert (steps: {names})')
        holds = {severity: given.get(severity, defaults.hold) for severity in severities}
    else:
        holds = dict.fromkeys(severities, given)
    interval = defaults.interval(entry.values.get("group", defaults.group))
    for hold in holds.values():
        length = milliseconds(hold) or 0
        if 0 < length < interval:
            faults.add(
                path, f'"{hold}" is shorter than the evaluation interval {spelled(interval)}'
            )
    return holds


def size_fault(values: Mapping[str, Any], number: float) -> str:
    """Say that a threshold does not fit the unit of the alert."""
    if values.get("unit") == "ratio":
        if 0 <= number <= 1:
            return ""
        hint = f"; write {numbers.exact(number / 100)}" if 1 < number <= 100 else ""
        return f"{numbers.exact(number)} is no ratio from 0 to 1{hint}"
    told = f"{values.get('summary', '')}{values.get('description', '')}"
    if abs(number) <= _MEANT_AS_PERCENT or "<value:percent>" not in told:
        return ""
    fault = f"is shown as {numbers.percentage(number)}; write {numbers.exact(number / 100)}"
    return f"{numbers.exact(number)} {fault}"
