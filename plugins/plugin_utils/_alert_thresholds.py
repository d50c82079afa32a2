# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Thresholds of single hosts, and all thresholds as series (private to this collection).

The series alert:threshold is what a rule compares with on the hosts that have a threshold of their
own, and what a dashboard draws. Everywhere else the rule holds the number itself: nothing that is
missing can silence it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.barehost.monitoring.plugins.plugin_utils import _alert_ladder as ladders
from ansible_collections.barehost.monitoring.plugins.plugin_utils import _alert_schema as schema
from ansible_collections.barehost.monitoring.plugins.plugin_utils import _numbers as numbers
from ansible_collections.barehost.monitoring.plugins.plugin_utils._alert_ladder import Step
from ansible_collections.barehost.monitoring.plugins.plugin_utils._alert_sources import Entry
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import (
    Faults,
    kind,
    nearest,
    shown,
)
from ansible_collections.barehost.monitoring.plugins.plugin_utils._promql_checks import Analysis
from ansible_collections.barehost.monitoring.plugins.plugin_utils._promql_shape import Shape

SERIES = "alert:threshold"
_FORMATS = {
    "threshold": 'printf "%.15g"',
    "threshold:percent": "humanizePercentage",
    "threshold:duration": "humanizeDuration",
}
_EXAMPLE = "(example: {HighMemoryUsage: 0.95, DiskSpaceLow: {critical: 0.05}})"
_NAMED = 3


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What hosts say, by alert and host."""

    by_alert: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def find_unknown(self, alerts: Iterable[str], faults: Faults) -> None:
        """Find alerts that do not exist."""
        names = sorted(alerts) if self.by_alert else []
        for name, hosts in self.by_alert.items():
            if name not in names:
                fault = f"there is no such alert{nearest(name, names)}"
                _refuse((name,), fault, list(hosts), faults)

    def steps(self, entry: Entry, steps: list[Step], known: Analysis, faults: Faults) -> list[Step]:
        """Give the steps of an alert the hosts that have a threshold of their own."""
        given = self.by_alert.get(entry.name)
        if not given or known.faults or not entry.wrong.isdisjoint(("threshold", "op", "severity")):
            return steps
        found: dict[tuple[str, str], list[str]] = {}
        own: dict[str, dict[str, float]] = {step.severity: {} for step in steps}
        for host, value in given.items():
            wrong = list(_faults(entry, steps, known.shape, value))
            for fault in wrong:
                found.setdefault(fault, []).append(host)
            if not wrong:
                for severity, number in _by_severity(value, steps).items():
                    own[severity][host] = number
        for (severity, text), hosts in found.items():
            _refuse((entry.name, severity), text, hosts, faults)
        return [_with_hosts(entry.name, step, own[step.severity]) for step in steps]


def read(given: Any, faults: Faults) -> Thresholds:
    """Check the form, and turn it from hosts to alerts."""
    if given is None:
        return Thresholds()
    if not isinstance(given, dict):
        faults.add("thresholds", f"{shown(given)} is {kind(given)}, not thresholds by host")
        return Thresholds()
    found: dict[str, dict[str, Any]] = {}
    for host, alerts in given.items():
        if not isinstance(alerts, dict):
            fault = f"{shown(alerts)} is {kind(alerts)}, not thresholds by alert {_EXAMPLE}"
            faults.add(f"thresholds.{host}", fault)
            continue
        for name, value in alerts.items():
            if fault := schema.thresholds(value):
                faults.add(f"thresholds.{host}.{name}", fault)
            else:
                found.setdefault(str(name), {})[str(host)] = value
    return Thresholds(found)


def _refuse(keys: Iterable[str], fault: str, hosts: list[str], faults: Faults) -> None:
    """Tell a fault once: what a group of hosts says is often wrong on each of them."""
    path = ".".join(filter(None, ("thresholds", hosts[0], *keys)))
    others, rest = ", ".join(hosts[1 : _NAMED + 1]), len(hosts) - _NAMED - 1
    more = f" and {rest} more" if rest > 0 else ""
    faults.add(path, fault + (f" (likewise {others}{more})" if others else ""))


def _faults(entry: Entry, steps: list[Step], shape: Shape, value: Any) -> Iterator[tuple[str, str]]:
    """Say what is wrong with what a host says, each with the severity."""
    names = ", ".join(step.severity for step in steps)
    if steps[0].number is None:
        yield "", "the alert has no threshold"
        return
    if not has_hosts(shape, entry.values.get("per", ())):
        way_out = "change it for all hosts by overrides"
        yield "", f"the alert looks at several hosts at once, so none can have its own; {way_out}"
        return
    if not isinstance(value, dict) and len(steps) > 1:
        yield "", f"the alert has several steps; say which (steps: {names})"
        return
    wanted = _by_severity(value, steps)
    wrong = False
    for severity, number in wanted.items():
        if severity not in (step.severity for step in steps):
            yield severity, f"is no step of this alert (steps: {names})"
        elif fault := ladders.size_fault(entry.values, number):
            wrong = True
            yield severity if len(steps) > 1 else "", fault
    rungs = [(step.severity, wanted.get(step.severity, step.number or 0)) for step in steps]
    for fault in () if wrong else ladders.order_faults(rungs, steps[0].op):
        yield "", fault


def has_hosts(shape: Shape, per: Iterable[str]) -> bool:
    """Tell whether each series of an alert is of one host.

    What an expression shows may be more than there is: a recorded series has lost labels before. So the
    labels that tell the alerts apart have a say, where they are named.
    """
    return shape.may_have("host") and (not per or not {"instance", "host"}.isdisjoint(per))


def _by_severity(value: Any, steps: list[Step]) -> Mapping[str, float]:
    return value if isinstance(value, dict) else {steps[0].severity: value}


def _with_hosts(alert: str, step: Step, hosts: dict[str, float]) -> Step:
    """Let texts ask for the threshold of the host, and tell the usual one where there is none."""
    hosts = {host: number for host, number in sorted(hosts.items()) if number != step.number}
    if not hosts:
        return step
    asked = f'{SERIES}{{alert="{alert}",severity="{step.severity}",host=%q}}'
    start = f"{{{{ with query (printf `{asked}` $labels.host) }}}}"
    texts = {
        name: f"{start}{{{{ . | first | value | {style} }}}}{{{{ else }}}}{step.static[name]}{{{{ end }}}}"
        for name, style in _FORMATS.items()
    }
    return replace(step, static={**step.static, **texts}, hosts=hosts)


def compared(alert: str, expr: str, step: Step) -> str:
    """Put the comparison behind an expression; one rule serves all hosts."""
    if not step.hosts:
        return f"{expr} {step.op} {step.shown}"
    own = f'{SERIES}{{alert="{alert}",severity="{step.severity}",host!=""}}'
    there = f"{expr} {step.op} on (host) group_left () {own}"
    return f"{there} or ({expr} unless on (host) {own}) {step.op} {step.shown}"


def recordings(alert: str, steps: Iterable[Step]) -> Iterator[dict[str, Any]]:
    """Make the rules that record the thresholds: the usual one has no host."""
    for step in steps:
        if step.number is None:
            continue
        labels = {"alert": alert, "severity": step.severity}
        yield {"record": SERIES, "expr": f"vector({step.shown})", "labels": labels}
        for host, number in step.hosts.items():
            value = f"vector({numbers.exact(number)})"
            yield {"record": SERIES, "expr": value, "labels": {**labels, "host": host}}
