# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Conditions on Prometheus text: the part of a health probe that reads the daemon's own metrics."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping

from ._spec import Metric

Sample = tuple[str, Mapping[str, str], float]
Baseline = Mapping[str, float]  # a condition's key -> its value before the activation

_LINE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})?\s+(\S+)(?:\s+\S+)?\s*\Z")
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')


def samples(text: str, names: Iterable[str]) -> Iterator[Sample]:
    """The samples of the named metrics. Everything else is skipped unread."""
    wanted = tuple(names)
    for line in text.splitlines():
        if not line.startswith(wanted):
            continue
        match = _LINE.match(line)
        if match and match.group(1) in wanted:
            try:
                yield match.group(1), _labels(match.group(2) or ""), float(match.group(3))
            except ValueError:
                continue


def _labels(text: str) -> dict[str, str]:
    escapes = {"\\n": "\n", '\\"': '"', "\\\\": "\\"}
    return {
        key: re.sub(r'\\[n"\\]', lambda m: escapes[m.group()], value)
        for key, value in _LABEL.findall(text)
    }


def key(metric: Metric) -> str:
    """Names the series in messages."""
    labels = ",".join(f'{k}="{v}"' for k, v in sorted(metric.labels.items()))
    return f"{metric.name}{{{labels}}}" if labels else metric.name


def identity(metric: Metric) -> str:
    """Identifies the value that a condition is about between two readings."""
    return f"sum of {key(metric)}" if metric.sum else key(metric)


def value(metric: Metric, found: Iterable[Sample]) -> float | None:
    """The value that a condition is about: the sum, or the first series that matches."""
    values = [
        v
        for name, labels, v in found
        if name == metric.name and all(labels.get(k) == w for k, w in metric.labels.items())
    ]
    if not values:
        return None
    return sum(values) if metric.sum else values[0]


def readings(conditions: Iterable[Metric], text: str) -> dict[str, float]:
    """All values that the conditions are about: the baseline for since_activation, not_risen."""
    conditions = list(conditions)
    found = list(samples(text, {m.name for m in conditions}))
    values = {identity(m): value(m, found) for m in conditions}
    return {k: v for k, v in values.items() if v is not None}


def faults(
    conditions: Iterable[Metric], text: str, baseline: Baseline | None
) -> tuple[list[str], list[str]]:
    """Which conditions do not hold: (those that count, those that are optional).

    baseline: the readings before a reload; empty after a restart, when every value is new; None
    when nothing was activated, so that there is nothing to compare with.
    """
    failed: list[str] = []
    optional: list[str] = []
    conditions = list(conditions)
    found = list(samples(text, {m.name for m in conditions}))
    for metric in conditions:
        current = value(metric, found)
        fault = _fault(metric, current)
        if not fault and current is not None and baseline is not None:
            fault = _change_fault(metric, current, baseline.get(identity(metric)))
        if fault:
            (optional if metric.optional else failed).append(f"{key(metric)} {fault}")
    return failed, optional


def _fault(metric: Metric, current: float | None) -> str:
    if current is None:
        # A counter that nobody ever raised may not be exposed at all.
        return "" if metric.not_risen else "is missing"
    if metric.equals is not None and not math.isclose(current, metric.equals):
        return f"is {current:g}, wanted {metric.equals:g}"
    if metric.at_least is not None and not current >= metric.at_least:
        return f"is {current:g}, wanted at least {metric.at_least:g}"
    if metric.at_most is not None and not current <= metric.at_most:
        return f"is {current:g}, wanted at most {metric.at_most:g}"
    return ""


def _change_fault(metric: Metric, current: float, before: float | None) -> str:
    if metric.not_risen and current > (before or 0):
        return f"rose from {before or 0:g} to {current:g}"
    if metric.since_activation and before is not None and current == before:
        return "did not change: the new state is not loaded"
    return ""
