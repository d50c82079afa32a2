# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Service level objectives as a person writes them, one line of data each (private)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from ansible_collections.barehost.monitoring.plugins.plugin_utils import _alert_checks as checks
from ansible_collections.barehost.monitoring.plugins.plugin_utils import (
    _alert_placeholders as placeholders,
)
from ansible_collections.barehost.monitoring.plugins.plugin_utils import _alert_schema as schema
from ansible_collections.barehost.monitoring.plugins.plugin_utils import _numbers as numbers
from ansible_collections.barehost.monitoring.plugins.plugin_utils import _slo_burn as burn
from ansible_collections.barehost.monitoring.plugins.plugin_utils._alert_defaults import Defaults
from ansible_collections.barehost.monitoring.plugins.plugin_utils._durations import (
    milliseconds,
    spelled,
)
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import (
    Faults,
    kind,
    nearest,
    shown,
)
from ansible_collections.barehost.monitoring.plugins.plugin_utils._promql_forms import analyse
from ansible_collections.barehost.monitoring.plugins.plugin_utils._slo_events import (
    by_histogram,
    by_selectors,
    selector_fault,
)

_EXAMPLE = "(example: {shop: {objective: 99.9, total: requests_total, errors: errors_total}})"
_ALERTS = ("page", "ticket")
GROUP = "slo"
"""The rule group of the recorded rates and shares."""


def _objective(value: Any) -> str:
    if not numbers.is_number(value):
        return f"{shown(value)} is {kind(value)}, not a finite number (example: 99.5)"
    if not 0 < value < 100:
        return f"{shown(value)} is no percentage above 0 and below 100 (example: 99.5)"
    if value < 1:
        meant = f"; write {numbers.exact(100 * value)}"
        return f"{shown(value)} is less than one percent{meant}"
    return ""


def _seconds(value: Any) -> str:
    fault = schema.number(value)
    if fault or 0 < value < 100_000:
        return fault
    return f"{shown(value)} is no boundary in seconds (example: 0.5)"


def _labels(value: Any) -> str:
    if fault := schema.labels(value):
        return fault
    ways = {"job": 'use the key "job"', "severity": 'use the key "severity"', "slo": "is the name"}
    return next(
        (f"{name}: {way} of the objective" for name, way in ways.items() if name in value), ""
    )


def _severities(value: Any) -> str:
    if not isinstance(value, dict):
        return f"{shown(value)} is {kind(value)}, not a dictionary (example: {{page: warning}})"
    for name, severity in value.items():
        if name not in _ALERTS:
            return f"{shown(name)} is none of {', '.join(_ALERTS)}{nearest(name, _ALERTS)}"
        if severity is not None and (fault := schema.text(severity)):
            return f"{name}: {fault}"
    return ""


_KEYS: Mapping[str, schema.Check] = {
    "bucket": _seconds,
    "errors": schema.text,
    "histogram": schema.text,
    "job": schema.text,
    "labels": _labels,
    "min_errors": schema.natural,
    "objective": _objective,
    "per": schema.texts,
    "period": schema.span,
    "severity": _severities,
    "total": schema.text,
}


@dataclass(frozen=True, slots=True)
class Slo:
    """An objective, checked, with the two rates that everything is made of."""

    name: str
    job: str
    objective: float
    period: str
    counted: Mapping[str, Any]
    """What was written of total, errors, histogram and bucket, placeholders filled in."""
    requests: str
    errors: str
    per: tuple[str, ...]
    labels: Mapping[str, str]
    min_errors: int
    page: str | None
    ticket: str | None
    interval: int
    """How often its rates are recorded, in milliseconds."""

    @property
    def budget(self) -> float:
        """Give the share of requests that may fail."""
        return (100 - self.objective) / 100

    @property
    def length(self) -> int:
        """Give the period in milliseconds."""
        return milliseconds(self.period) or 0

    def series_labels(self) -> dict[str, str]:
        """Give the labels of the recorded series, as tests have them."""
        own = {"slo": self.name, **({"job": self.job} if self.job else {})}
        return {**own, **dict.fromkeys(self.per, "x")}

    def condition(self, pairs: tuple[burn.Pair, ...]) -> str:
        """Write the condition of an alert."""
        series = f'slo="{self.name}"'
        return burn.condition(
            pairs, series, self.budget, self.length, self.min_errors, self.interval
        )


def read(given: Any, defaults: Defaults, faults: Faults) -> list[Slo]:
    """Check the objectives; leave out those whose job has no targets."""
    if given is None:
        return []
    if not isinstance(given, dict):
        faults.add("slos", f"{shown(given)} is {kind(given)}, not a dictionary {_EXAMPLE}")
        return []
    return [slo for name, values in given.items() for slo in _slo(name, values, defaults, faults)]


def _slo(name: Any, values: Any, defaults: Defaults, faults: Faults) -> Iterator[Slo]:
    if not isinstance(name, str) or not schema.SLO_NAME.fullmatch(name):
        faults.add("slos", f"{shown(name)} is no name (letters, digits, _ . -; example: shop)")
        return
    path = f"slos.{name}"
    place = partial("{}.{}".format, path)
    if not isinstance(values, dict):
        faults.add(path, f"{shown(values)} is {kind(values)}, not a dictionary {_EXAMPLE}")
        return
    before = len(faults.lines)
    if schema.check_keys(values, _KEYS, place, faults, needed=("objective",)):
        return
    job = values.get("job", "")
    if fault := defaults.jobs.misnamed(job, own=False) if job else "":
        faults.add(place("job"), fault)
    severity = {"page": "critical", "ticket": "warning", **values.get("severity", {})}
    for alert, named in severity.items():
        if named is not None and (fault := defaults.severity_fault(named)):
            faults.add(place("severity"), f"{alert}: {fault}")
    if severity["page"] and severity["page"] == severity["ticket"]:
        faults.add(place("severity"), "page and ticket need two severities, or one of them null")
    _check_period(values.get("period", "30d"), place("period"), faults)
    if len(faults.lines) > before or (job and not defaults.jobs.has_series(job)):
        return
    counted = _counted(values, job, defaults, place, faults)
    if len(faults.lines) > before:
        return
    if defaults.retention and (milliseconds(defaults.retention) or 0) < burn.LONGEST:
        longest = spelled(burn.LONGEST)
        fault = f"its alerts look back {longest}, longer than the retention of {defaults.retention}"
        faults.add(path, f"{fault}; keep {longest} or more, or leave the objective out")
    yield Slo(
        name,
        job,
        values["objective"],
        values.get("period", "30d"),
        counted,
        *_events(counted, tuple(values.get("per", ())), defaults, place, faults),
        tuple(values.get("per", ())),
        values.get("labels", {}),
        values.get("min_errors", burn.MIN_ERRORS),
        severity["page"],
        severity["ticket"],
        defaults.interval(GROUP),
    )


def _check_period(period: str, path: str, faults: Faults) -> None:
    if (milliseconds(period) or 0) < burn.LONGEST:
        longest = spelled(burn.LONGEST)
        faults.add(path, f'"{period}" is shorter than {longest}, the longest range of its alerts')


def _counted(
    values: Mapping[str, Any], job: str, defaults: Defaults, place: Any, faults: Faults
) -> dict[str, Any]:
    """Fill in and check what is counted."""
    by_latency = "histogram" in values or "bucket" in values
    wanted = ("histogram", "bucket") if by_latency else ("total", "errors")
    if by_latency and ("total" in values or "errors" in values):
        faults.add(place("histogram"), "cannot stand beside total and errors; they are two kinds")
    known = {**defaults.selectors, **({"job": job} if job else {})}
    found: dict[str, Any] = {}
    for key in wanted:
        value = values.get(key)
        if value is None:
            faults.add(place(key), f"is missing; an objective has total and errors, or {_LATENCY}")
        elif isinstance(value, str):
            found[key] = placeholders.filled(value, known)
            wrong = list(placeholders.left_over(found[key], known, is_promql=False))
            for fault in wrong or filter(None, [selector_fault(found[key])]):
                faults.add(place(key), fault)
        else:
            found[key] = value
    if not by_latency and found.get("errors", "") == found.get("total"):
        faults.add(place("errors"), "counts what total counts, so that every request would fail")
    return found


def _events(
    counted: Mapping[str, Any], per: tuple[str, ...], defaults: Defaults, place: Any, faults: Faults
) -> tuple[str, str]:
    """Write the rates of all requests and of those that count as failed."""
    first, last = counted
    if "histogram" in counted:
        requests, errors = by_histogram(counted["histogram"], counted["bucket"], per)
    else:
        requests, errors = by_selectors(counted["total"], counted["errors"], per)
    checks.add(faults, place, first, checks.expression_faults(analyse(requests), defaults))
    checks.add(faults, place, last, checks.expression_faults(analyse(errors), defaults))
    return requests, errors


_LATENCY = "histogram and bucket (example: {histogram: request_seconds, bucket: 0.5})"
