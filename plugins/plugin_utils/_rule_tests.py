# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make promtool unit tests of alert rules and the series they are tried on (private)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.barehost.monitoring.plugins.plugin_utils import _alert_schema as schema
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import (
    Faults,
    kind,
    nearest,
    shown,
)
from ansible_collections.barehost.monitoring.plugins.plugin_utils._rule_test_cases import (
    derived,
    is_short,
    written_out,
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
    if not isinstance(rule_file, dict) or not isinstance(rule_file.get("groups"), list):
        faults.add("rules", "wants what alert_rules returns (example: {groups: [...]})")
    by_name = _by_name(rule_file)
    if not isinstance(tests, dict):
        faults.add("tests", f"{shown(tests)} is {kind(tests)}, not a dictionary of alert names")
        tests = {}
    found: list[dict[str, Any]] = []
    for alert, cases in tests.items():
        if isinstance(cases, dict):
            # An entry that is left out, since its job has no targets, has nothing to test.
            cases = cases.get("tests", []) if alert in by_name else []
        if not isinstance(cases, list):
            faults.add(f"tests.{alert}", f"{shown(cases)} is {kind(cases)}, not a list")
        elif cases and alert not in by_name:
            faults.add(f"tests.{alert}", f"no rule makes this alert{nearest(alert, by_name)}")
        else:
            rules = by_name.get(alert, [])
            for case, path in _all_cases(cases, rules, f"tests.{alert}", faults):
                found += _test(alert, case, path, rules, faults)
    faults.refuse()
    return {"rule_files": rule_files, "evaluation_interval": "1m", "tests": found}


def _all_cases(
    cases: list[Any], rules: Sequence[Mapping[str, Any]], path: str, faults: Faults
) -> Iterator[tuple[Any, str]]:
    """Write out the short cases, and add those that every alert gets; each with its path."""
    long: list[Any] = []
    for i, case in enumerate(cases):
        here = f"{path}[{i}]"
        made = list(written_out(case, rules, here, faults)) if is_short(case) else [case]
        yield from ((one, here) for one in made)
        long += made
    sound = [one for one in long if isinstance(one, dict)]
    yield from ((one, path) for one in derived(sound, rules))


def _by_name(rule_file: Any) -> dict[str, list[dict[str, Any]]]:
    """List the rules of each alert."""
    found: dict[str, list[dict[str, Any]]] = {}
    for rule in alerts_of(rule_file):
        labels = rule.get("labels")
        sound = {**rule, "labels": labels if isinstance(labels, dict) else {}}
        found.setdefault(rule["alert"], []).append(sound)
    return found


def alerts_of(rule_file: Any) -> Iterator[dict[str, Any]]:
    """List the alerts of a rule file."""
    groups = rule_file.get("groups") if isinstance(rule_file, dict) else None
    for group in groups if isinstance(groups, list) else []:
        rules = group.get("rules") if isinstance(group, dict) else None
        for rule in rules if isinstance(rules, list) else []:
            if isinstance(rule, dict) and isinstance(rule.get("alert"), str):
                yield rule


def _fixed(rules: Sequence[Mapping[str, Any]], labels: Mapping[str, str]) -> dict[str, str]:
    """Collect the annotations without a template of the rule that makes an alert of these labels."""
    rule = next((rule for rule in rules if rule["labels"].items() <= labels.items()), {})
    texts = rule.get("annotations")
    given = texts if isinstance(texts, dict) else {}
    return {name: text for name, text in given.items() if "{{" not in str(text)}


def _test(
    alert: str, case: Any, path: str, rules: Sequence[Mapping[str, Any]], faults: Faults
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
                    _expected(item, f"{path}.at.{moment}[{i}]", rules, faults)
                    for i, item in enumerate(alerts if isinstance(alerts, list) else [alerts])
                ],
            }
            for moment, alerts in moments.items()
        ],
    }


def _expected(
    item: Any, path: str, rules: Sequence[Mapping[str, Any]], faults: Faults
) -> dict[str, Any]:
    if not isinstance(item, dict):
        faults.add(path, f"{shown(item)} is {kind(item)}, not labels and texts")
        return {}
    if schema.check_keys(item, _ALERT, f"{path}.{{}}".format, faults, needed=("labels",)):
        return {}
    own = {key: item[key] for key in ("summary", "description") if key in item}
    texts = {**_fixed(rules, item["labels"]), **own, **item.get("annotations", {})}
    return {"exp_labels": item["labels"], "exp_annotations": texts}
