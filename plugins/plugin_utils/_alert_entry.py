# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make rules of one compact alert entry (private to this collection)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ansible_collections.barehost.monitoring.plugins.plugin_utils import _alert_annotations as told
from ansible_collections.barehost.monitoring.plugins.plugin_utils import _alert_checks as checks
from ansible_collections.barehost.monitoring.plugins.plugin_utils import (
    _alert_placeholders as placeholders,
)
from ansible_collections.barehost.monitoring.plugins.plugin_utils._alert_defaults import Defaults
from ansible_collections.barehost.monitoring.plugins.plugin_utils._alert_keys import sound
from ansible_collections.barehost.monitoring.plugins.plugin_utils._alert_ladder import (
    STAND_IN,
    Step,
    ladder,
)
from ansible_collections.barehost.monitoring.plugins.plugin_utils._alert_sources import Entry
from ansible_collections.barehost.monitoring.plugins.plugin_utils._alert_thresholds import (
    Thresholds,
    compared,
    recordings,
)
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import Faults
from ansible_collections.barehost.monitoring.plugins.plugin_utils._promql_checks import Analysis
from ansible_collections.barehost.monitoring.plugins.plugin_utils._promql_forms import analyse
from ansible_collections.barehost.monitoring.plugins.plugin_utils._promql_functions import (
    COMPARISONS,
    SETS,
)
from ansible_collections.barehost.monitoring.plugins.plugin_utils._promql_nodes import Matching
from ansible_collections.barehost.monitoring.plugins.plugin_utils._promql_shape import (
    VECTOR,
    mismatch,
)

_ADD_A_CONDITION = (
    "add one, or threshold and op; if it is meant: always: true, or its name in defaults.always"
)


def rules(
    entry: Entry, defaults: Defaults, own: Thresholds, faults: Faults
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Make the rules of an entry, one for each job and for each step, with their group."""
    entry = sound(entry, faults)
    steps = ladder(entry, defaults, faults)
    jobs = _jobs(entry, defaults, faults)
    if not entry.values.get("enabled", True) or "expr" not in entry.values:
        return
    group = entry.values.get("group", defaults.group)
    for number, job in enumerate(jobs):
        written = _written(entry, defaults, job)
        if number == 0:
            steps = own.steps(entry, steps, written.found, faults)
            for rule in recordings(entry.name, steps):
                yield group, rule
        for rule in _rules_of_job(entry, defaults, steps, written, faults):
            yield group, rule


class _Written(NamedTuple):
    """The expression and the guard of an entry, filled in for one job."""

    job: str | None
    known: Mapping[str, str]
    expr: str
    guard: str
    found: Analysis


def _written(entry: Entry, defaults: Defaults, job: str | None) -> _Written:
    values = entry.values
    window = {"window": values.get("window", STAND_IN)} if entry.has("window") else {}
    known = {**defaults.selectors, **entry.known, **window, **({"job": job} if job else {})}
    expr = placeholders.filled(values["expr"], known)
    guard = placeholders.filled(values.get("guard", ""), known)
    return _Written(job, known, expr, guard, analyse(expr))


def _jobs(entry: Entry, defaults: Defaults, faults: Faults) -> tuple[str | None, ...]:
    """List the jobs a rule is made for; None stands for a rule that is about no certain job."""
    values, jobs = entry.values, defaults.jobs
    if values.get("each_job"):
        if jobs.scraped is None:
            faults.add(entry.place("each_job"), 'needs known_jobs (example: ["node-exporter"])')
        return jobs.scraped or ()
    job = values.get("job")
    if job is None:
        return (None,)
    if fault := jobs.misnamed(job, own=entry.is_own("job")):
        faults.add(entry.place("job"), fault)
        return ()
    return (job,) if jobs.has_series(job) else ()


def _rules_of_job(
    entry: Entry, defaults: Defaults, steps: list[Step], written: _Written, faults: Faults
) -> Iterator[dict[str, Any]]:
    values, name = entry.values, entry.name
    job, known, expr, guard, found = written
    by_threshold = steps[0].op != "" or not entry.wrong.isdisjoint(("threshold", "op"))
    always = values.get("always", False) or name in defaults.always or by_threshold
    checks.add(faults, entry.place, "expr", _expression_faults(expr, found, known, defaults))
    for fault in checks.range_faults(found, defaults):
        faults.add(entry.place(_range_key(entry, "expr")), fault)
    wrong = checks.alert_faults(found, always=always, way_out=_ADD_A_CONDITION)
    checks.add(faults, entry.place, "expr", wrong)
    checks.add(faults, entry.place, "expr", _composition_faults(found, steps[0], values))
    if guard:
        checks.add(faults, entry.place, "guard", _guard_faults(guard, found, known, defaults))
        for fault in checks.range_faults(analyse(guard), defaults):
            faults.add(entry.place(_range_key(entry, "guard")), fault)
    if "window" in values and "<window>" not in values["expr"] + values.get("guard", ""):
        faults.add(entry.place("window"), 'neither "expr" nor "guard" has a <window>')
    for label in values.get("per", ()):
        if not found.faults and not found.shape.may_have(label):
            faults.add(entry.place("per"), f'the expression does not keep "{label}"')
    for step in steps:
        own = {"job": job} if values.get("each_job") and job else {}
        labels = {"severity": step.severity, **own, **defaults.labels, **values.get("labels", {})}
        rule: dict[str, Any] = {"alert": name, "expr": _compared(name, expr, guard, step, found)}
        if step.hold and step.hold != "0":
            rule["for"] = step.hold
        keep = values.get("keep_firing_for", defaults.keep_firing_for)
        if keep and keep != "0":
            rule["keep_firing_for"] = keep
        rule["labels"] = told.filled(labels, "labels", entry, step, faults)
        rule["annotations"] = told.annotated(entry, defaults, step, found, labels, faults)
        for label, fault in checks.label_faults(rule["labels"], found):
            if label not in own:
                faults.add(entry.place("labels") + f".{label}", fault)
        yield rule


def _expression_faults(
    expr: str, found: Analysis, known: Mapping[str, str], defaults: Defaults
) -> Iterator[str]:
    left = list(placeholders.left_over(expr, known, is_promql=not found.faults))
    yield from left or checks.query_faults(found, defaults)


def _range_key(entry: Entry, key: str) -> str:
    """Tell where a range was written: an own window, or the expression."""
    own = entry.is_own("window") and "<window>" in entry.values[key]
    return "window" if own else key


def _compared(name: str, expr: str, guard: str, step: Step, found: Analysis) -> str:
    if step.op:
        expr = f"({expr})" if found.outer in COMPARISONS | SETS else expr
        expr = compared(name, expr, step)
    return f"({expr}) and ({guard})" if guard else expr


def _composition_faults(found: Analysis, step: Step, values: Mapping[str, Any]) -> Iterator[str]:
    if not step.op or found.faults:
        return
    if found.outer in COMPARISONS:
        yield 'ends in a comparison already; leave it out, or leave "threshold" out'
    if found.shape.per_second and values.get("unit") == "ratio":
        yield "is a rate per second, no ratio; divide it by the rate of all"


def _guard_faults(
    guard: str, found: Analysis, known: Mapping[str, str], defaults: Defaults
) -> Iterator[str]:
    other = analyse(guard)
    yield from _expression_faults(guard, other, known, defaults)
    if other.faults or found.faults:
        return
    if other.shape.type != VECTOR or not other.shape.filters:
        yield "has no comparison, so it guards nothing"
    elif fault := mismatch(found.shape, other.shape, "and", Matching()):
        yield fault
