# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for all alert entries (private to this collection)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ansible_collections.barehost.monitoring.plugins.plugin_utils import _alert_schema as schema
from ansible_collections.barehost.monitoring.plugins.plugin_utils._alert_jobs import Jobs
from ansible_collections.barehost.monitoring.plugins.plugin_utils._alert_placeholders import (
    OF_THE_ALERT,
)
from ansible_collections.barehost.monitoring.plugins.plugin_utils._durations import milliseconds
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import (
    Faults,
    kind,
    nearest,
    shown,
)
from ansible_collections.barehost.monitoring.plugins.plugin_utils._promql_forms import analyse

_VERSION = re.compile(r"([0-9]{1,4})\.([0-9]{1,4})(?:\.[0-9]+)?\b.*")
_KEYS: Mapping[str, schema.Check] = {
    "always": schema.texts,
    "annotations": schema.named_texts,
    "evaluation_interval": schema.span,
    "for": schema.duration,
    "group": schema.text,
    "groups": schema.anything,
    "keep_firing_for": schema.duration,
    "labels": schema.labels,
    "required": schema.texts,
    "retention": schema.span,
    "runbook_url": schema.line,
    "runbook_url_extra": schema.line,
    "scrape_interval": schema.span,
    "selectors": schema.named_texts,
    "severities": schema.texts,
    "severity": schema.text,
}
_GROUP_KEYS: Mapping[str, schema.Check] = {"interval": schema.span, "limit": schema.natural}


@dataclass(frozen=True, slots=True)
class Defaults:
    """The defaults, checked."""

    always: frozenset[str] = frozenset(("Watchdog",))
    annotations: Mapping[str, str] = field(default_factory=dict)
    evaluation_interval: str = "15s"
    hold: str = ""
    group: str = "alerts"
    groups: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    keep_firing_for: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    required: tuple[str, ...] = ("summary",)
    retention: str = ""
    runbook_url: str = ""
    runbook_url_extra: str | None = None
    """For alerts of the option extra; None means the same as for all."""
    scrape_interval: str = "15s"
    selectors: Mapping[str, str] = field(default_factory=dict)
    severities: tuple[str, ...] = ("none", "info", "warning", "critical")
    severity: str = "warning"
    version: tuple[int, int] = (3, 5)
    jobs: Jobs = field(default_factory=Jobs)

    def page(self, path: str) -> str:
        """Give the address of the runbook of an alert that says none."""
        own = path.startswith("extra.") and self.runbook_url_extra is not None
        return (self.runbook_url_extra or "") if own else self.runbook_url

    def interval(self, group: str) -> int:
        """Give the evaluation interval of a group in milliseconds."""
        interval = self.groups.get(group, {}).get("interval", self.evaluation_interval)
        return milliseconds(interval) or 0

    def severity_fault(self, severity: object) -> str:
        """Say what is wrong with a severity."""
        if severity in self.severities:
            return ""
        names = ", ".join(self.severities)
        return f"{shown(severity)} is none of {names}{nearest(severity, self.severities)}"


def read(given: Any, version: Any, jobs: Jobs, faults: Faults) -> Defaults:
    """Check the defaults and the version aimed at."""
    found = _VERSION.fullmatch(version) if isinstance(version, str) else None
    if not found:
        faults.add("target_version", f'{shown(version)} is no version (example: "3.5.3")')
    if not isinstance(given, dict):
        faults.add("defaults", f"{shown(given)} is {kind(given)}, not a dictionary")
        given = {}
    wrong = schema.check_keys(given, _KEYS, partial(_below, "defaults"), faults)
    given = {key: value for key, value in given.items() if key not in wrong}
    if not _groups_are_good(given.get("groups", {}), faults):
        given = {key: value for key, value in given.items() if key != "groups"}
    values = {key: value for key, value in given.items() if key != "for"}
    for key in ("required", "severities"):
        if key in values:
            values[key] = tuple(values[key])
    if "always" in values:
        values["always"] = frozenset(values["always"])
    values["selectors"] = dict(_selectors(values.get("selectors", {}), faults))
    defaults = Defaults(
        hold=given.get("for", ""),
        version=(int(found[1]), int(found[2])) if found else (3, 5),
        jobs=jobs,
        **values,
    )
    if fault := defaults.severity_fault(defaults.severity):
        faults.add("defaults.severity", fault)
    return defaults


def _selectors(given: Mapping[str, str], faults: Faults) -> Iterator[tuple[str, str]]:
    """Give the conditions; a wrong one is told here, not at every expression that has it."""
    for name, condition in given.items():
        fault = "; ".join(analyse(f"x{{{condition}}}").faults)
        if name in OF_THE_ALERT:
            fault = f"<{name}> is what the alert itself says"
        if fault:
            faults.add(f"defaults.selectors.{name}", fault)
        yield name, "" if fault else condition


def _below(path: str, key: str) -> str:
    return f"{path}.{key}"


def _groups_are_good(groups: Any, faults: Faults) -> bool:
    if not isinstance(groups, dict):
        faults.add("defaults.groups", f"{shown(groups)} is {kind(groups)}, not a dictionary")
        return False
    before = len(faults.lines)
    for name, options in groups.items():
        path = f"defaults.groups.{name}"
        if not isinstance(name, str) or not isinstance(options, dict):
            faults.add(path, "wants a name and a dictionary (example: {node: {interval: 1m}})")
        else:
            schema.check_keys(options, _GROUP_KEYS, partial(_below, path), faults)
    return len(faults.lines) == before
