# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make promtool unit tests of alert rules and the series they are tried on (private)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.barehost.monitoring.plugins.plugin_utils import _alert_schema as schema
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import (
    Faults,
    kind,
    nearest,
    shown,
)

_TEST: Mapping[str, schema.Check] = {
    "at": schema.anything,
    "interval": schema.span,
    "name": schema.text,
    "series": schema.anything,
}
_ALERT: Mapping[str, schema.Check] = {
    "annotations": schema.named_texts,
    "description": schema.text,
    "labels": schema.named_texts,
    "summary": schema.text,
}


def rule_tests(rule_file: Any, tests: Any, *, rule_files: Any) -> dict[str, Any]:
    """Make the test file; annotations without a template are filled in from the rules."""
    faults = Faults()
    if fault := schema.texts(rule_files):
        faults.add("rule_files", fault)
    fixed = _fixed_annotations(rule_file, faults)
    if not isinstance(tests, dict):
        faults.add("tests", f"{shown(tests)} is {kind(tests)}, not a dictionary of alert names")
        tests = {}
    found: list[dict[str, Any]] = []
    for alert, cases in tests.items():
        if isinstance(cases, dict):
            cases = cases.get("tests", [])
        if not isinstance(cases, list):
            faults.add(f"tests.{alert}", f"{shown(cases)} is {kind(cases)}, not a list")
        elif cases and alert not in fixed:
            faults.add(f"tests.{alert}", f"no rule makes this alert{nearest(alert, fixed)}")
        else:
            for i, case in enumerate(cases):
                found += _test(alert, case, f"tests.{alert}[{i}]", fixed[alert], faults)
    faults.refuse()
    return {"rule_files": rule_files, "evaluation_interval": "1m", "tests": found}


def _fixed_annotations(rule_file: Any, faults: Faults) -> dict[str, dict[str, str]]:
    """Collect, for each alert, the annotations that are the same for every series."""
    fixed: dict[str, dict[str, str]] = {}
    groups = rule_file.get("groups") if isinstance(rule_file, dict) else None
    if not isinstance(groups, list):
        faults.add("rules", "wants what alert_rules returns (example: {groups: [...]})")
        return fixed
    for group in groups:
        rules = group.get("rules") if isinstance(group, dict) else None
        for rule in rules if isinstance(rules, list) else []:
            if not isinstance(rule, dict) or not isinstance(rule.get("alert"), str):
                continue
            given = rule.get("annotations")
            given = given if isinstance(given, dict) else {}
            texts = {key: text for key, text in given.items() if "{{" not in str(text)}
            known = fixed.setdefault(rule["alert"], texts)
            fixed[rule["alert"]] = {k: t for k, t in known.items() if texts.get(k) == t}
    return fixed


def _test(
    alert: str, case: Any, path: str, fixed: Mapping[str, str], faults: Faults
) -> Iterator[dict[str, Any]]:
    if not isinstance(case, dict):
        faults.add(path, f"{shown(case)} is {kind(case)}, not a dictionary")
        return
    place = f"{path}.{{}}".format
    if schema.check_keys(case, _TEST, place, faults, needed=("name", "at")):
        return
    series, moments = case.get("series", {}), case["at"]
    if not isinstance(series, dict) or any(schema.text(text) for text in series.values()):
        hint = 'in quotes (example: {up: "0x10"}), since YAML takes 0x10 for the number 16'
        faults.add(place("series"), f"wants series and their values, {hint}")
        return
    if not isinstance(moments, dict) or any(schema.duration(moment) for moment in moments):
        faults.add(place("at"), "wants moments and the alerts that fire (example: {5m: []})")
        return
    yield {
        "name": f"{alert}: {case['name']}",
        "interval": case.get("interval", "1m"),
        "input_series": [{"series": name, "values": text} for name, text in series.items()],
        "alert_rule_test": [
            {
                "eval_time": moment,
                "alertname": alert,
                "exp_alerts": [
                    _expected(item, f"{path}.at.{moment}[{i}]", fixed, faults)
                    for i, item in enumerate(alerts if isinstance(alerts, list) else [alerts])
                ],
            }
            for moment, alerts in moments.items()
        ],
    }


def _expected(item: Any, path: str, fixed: Mapping[str, str], faults: Faults) -> dict[str, Any]:
    if not isinstance(item, dict):
        faults.add(path, f"{shown(item)} is {kind(item)}, not labels and texts")
        return {}
    if schema.check_keys(item, _ALERT, f"{path}.{{}}".format, faults, needed=("labels",)):
        return {}
    own = {key: item[key] for key in ("summary", "description") if key in item}
    texts = {**fixed, **own, **item.get("annotations", {})}
    return {"exp_labels": item["labels"], "exp_annotations": texts}
