# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check rule groups that are in Prometheus' own form, and recording rules (private)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from ansible_collections.barehost.monitoring.plugins.plugin_utils import _alert_checks as checks
from ansible_collections.barehost.monitoring.plugins.plugin_utils import _alert_schema as schema
from ansible_collections.barehost.monitoring.plugins.plugin_utils._alert_defaults import Defaults
from ansible_collections.barehost.monitoring.plugins.plugin_utils._durations import milliseconds
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import (
    Faults,
    kind,
    shown,
)
from ansible_collections.barehost.monitoring.plugins.plugin_utils._promql_forms import analyse
from ansible_collections.barehost.monitoring.plugins.plugin_utils._promql_lexer import one_line
from ansible_collections.barehost.monitoring.plugins.plugin_utils._promql_shape import (
    SCALAR,
    VECTOR,
)

_GROUP: Mapping[str, schema.Check] = {
    "interval": schema.span,
    "labels": schema.labels,
    "limit": schema.natural,
    "name": schema.text,
    "query_offset": schema.duration,
    "rules": schema.anything,
}
_ALERT: Mapping[str, schema.Check] = {
    "alert": schema.text,
    "annotations": schema.named_texts,
    "expr": schema.text,
    "for": schema.duration,
    "keep_firing_for": schema.duration,
    "labels": schema.labels,
}
_RECORD: Mapping[str, schema.Check] = {
    "expr": schema.text,
    "labels": schema.labels,
    "record": schema.text,
}
_COMPARE = "compare; if it is meant, put its name in defaults.always"
_SINCE = {"query_offset": (2, 53), "labels": (3, 0)}


def _below(path: str, key: str) -> str:
    return f"{path}.{key}"


def groups(given: Any, path: str, defaults: Defaults, faults: Faults) -> list[dict[str, Any]]:
    """Check a list of groups and copy it."""
    if not isinstance(given, list):
        faults.add(path, f"{shown(given)} is {kind(given)}, not a list of groups")
        return []
    found = [_group(group, f"{path}[{i}]", defaults, faults) for i, group in enumerate(given)]
    return [group for group in found if group]


def _group(given: Any, path: str, defaults: Defaults, faults: Faults) -> dict[str, Any]:
    if not isinstance(given, dict):
        faults.add(path, f"{shown(given)} is {kind(given)}, not a group (name and rules)")
        return {}
    place = partial(_below, path)
    if schema.check_keys(given, _GROUP, place, faults, needed=("name", "rules")):
        return {}
    for key, (major, minor) in _SINCE.items():
        if key in given and defaults.version < (major, minor):
            faults.add(place(key), f"needs Prometheus {major}.{minor} or later")
    rules = given["rules"]
    if not isinstance(rules, list) or not rules:
        faults.add(place("rules"), f"{shown(rules)} is no list of rules")
        return {}
    interval = milliseconds(given.get("interval", defaults.evaluation_interval)) or 0
    done = [
        rule(item, f"{path}.rules[{i}]", interval, defaults, faults) for i, item in enumerate(rules)
    ]
    return {**given, "rules": done}


def rule(
    given: Any, path: str, interval: int, defaults: Defaults, faults: Faults
) -> dict[str, Any]:
    """Check one rule and copy it."""
    if not isinstance(given, dict):
        faults.add(path, f"{shown(given)} is {kind(given)}, not a rule")
        return {}
    place = partial(_below, path)
    if ("alert" in given) == ("record" in given):
        faults.add(path, 'needs either "alert" or "record"')
        return {}
    known = _ALERT if "alert" in given else _RECORD
    if schema.check_keys(given, known, place, faults, needed=("expr",)):
        return {}
    found = analyse(given["expr"])
    checks.add(faults, place, "expr", checks.expression_faults(found, defaults))
    if "record" in given:
        if not schema.RECORD_NAME.fullmatch(given["record"]):
            faults.add(place("record"), f"{shown(given['record'])} is no metric name")
        if not found.faults and found.shape.type not in (VECTOR, SCALAR):
            faults.add(place("expr"), f"yields a {found.shape.type}, which cannot be recorded")
        for label, fault in checks.recorded_label_faults(given.get("labels", {}), found):
            faults.add(place(f"labels.{label}"), fault)
        return {**given, "expr": one_line(given["expr"])}
    labels = given.get("labels", {})
    always = given["alert"] in defaults.always
    wrong = checks.alert_faults(found, always=always, way_out=_COMPARE)
    checks.add(faults, place, "expr", wrong)
    if fault := defaults.severity_fault(labels.get("severity")):
        faults.add(place("labels.severity"), fault if "severity" in labels else "is missing")
    if 0 < (milliseconds(given.get("for", "0")) or 0) < interval:
        faults.add(place("for"), f"{shown(given['for'])} is shorter than the group's interval")
    for label, fault in checks.label_faults(labels, found):
        faults.add(place(f"labels.{label}"), fault)
    about_alerts = any(metric.startswith("ALERTS") for metric in found.metrics)
    for name, text in given.get("annotations", {}).items():
        wrong = checks.text_faults(text, found, labels, about_alerts)
        checks.add(faults, place, f"annotations.{name}", wrong)
    return {**given, "expr": one_line(given["expr"])}
