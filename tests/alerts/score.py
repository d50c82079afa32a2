# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many mutants of an alert its tests notice: promtool runs once for all of them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

import yaml
from ansible_collections.barehost.monitoring.plugins.plugin_utils._promql_forms import analyse

from alerts.documents import BURN, document
from alerts.mutants import Rule, mutants
from alerts.promtool import NEWEST, promtool

ORIGINAL = "the original"
AT_ONCE = os.cpu_count() or 1
"""So many alerts are measured side by side."""
_A_FEW = 3
_DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class Score(NamedTuple):
    """What a run showed."""

    tests: int
    all: int
    survivors: tuple[str, ...]
    original_passes: bool

    @property
    def killed(self) -> int:
        """Count the mutants that were noticed."""
        return self.all - len(self.survivors)


def score(alert: str, rules: dict[str, Any], folder: Path) -> Score:
    """Try the tests of an alert on each of its mutants, and on the original."""
    (group,) = only(alert, rules)["groups"]
    file = document(alert, rules)
    count, survivors, good, seen = 0, list[str](), True, set[str]()
    for part, tests in _parts(alert, group, file["tests"]):
        made = [(ORIGINAL, part), *_changed_groups(alert, part, tests, seen)]
        count += len(made) - 1
        passed = made
        # A few tests at a time, the long ones last: what these notice need not be tried again.
        for number, chosen in enumerate(_rounds(tests)):
            place = folder / f"{part['rules'][0].get('labels', {}).get('slo', '')}{number}"
            place.mkdir()
            passed = _passing(passed, file | {"tests": chosen}, place)
        names = [name for name, _rules in passed]
        good = good and ORIGINAL in names
        survivors += [name for name in names if name != ORIGINAL]
    return Score(len(file["tests"]), count, tuple(survivors), good)


def only(alert: str, rules: dict[str, Any]) -> dict[str, Any]:
    """Keep of a rule file what one alert is made of."""
    home = next(g for g in rules["groups"] if any(r.get("alert") == alert for r in g["rules"]))
    needed = _needed(alert, home, rules)
    kept = [rule for rule in home["rules"] if _matters(rule, alert) or rule in needed]
    return {"groups": [{**home, "rules": kept}]}


def _needed(alert: str, home: dict[str, Any], rules: dict[str, Any]) -> list[Rule]:
    """List the rules of the group that record what an alert asks for, unless its tests give it."""
    tests = document(alert, rules)["tests"]
    given = {one["series"].partition("{")[0] for test in tests for one in test["input_series"]}
    needed = [rule for rule in home["rules"] if rule.get("alert") == alert]
    for rule in reversed(home["rules"]):
        asked = set[str]().union(*(analyse(one["expr"]).metrics for one in needed)) - given
        if rule.get("record", "").startswith("log:") and rule["record"] in asked:
            needed.append(rule)
    return needed


def _parts(
    alert: str, group: dict[str, Any], tests: list[dict[str, Any]]
) -> Iterator[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Take each objective by itself; nothing else makes its series."""
    kept = group["rules"]
    slos = [rule["labels"]["slo"] for rule in kept if "slo" in rule.get("labels", {})]
    for name in dict.fromkeys(slos) if alert == BURN else ():
        rules = [rule for rule in kept if rule["labels"]["slo"] == name]
        yield {**group, "rules": rules}, [t for t in tests if t["name"].startswith(f"{name}: ")]
    if alert != BURN:
        yield group, tests


def _rounds(tests: Sequence[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    ordered = sorted(tests, key=_moments)
    return [ordered[i : i + _A_FEW] for i in range(0, len(ordered), _A_FEW)]


def _moments(test: dict[str, Any]) -> int:
    """Count the minutes, or the longer steps, until the last moment that is looked at."""
    looks = [*test.get("alert_rule_test", []), *test.get("promql_expr_test", [])]
    step = int(test["interval"].removesuffix("m")) if test["interval"].endswith("m") else 1
    return max(int(look["eval_time"].removesuffix("m") or 0) for look in looks) // step


def _passing(
    made: Sequence[tuple[str, dict[str, Any]]], tests: dict[str, Any], folder: Path
) -> list[tuple[str, dict[str, Any]]]:
    """Give those that pass the tests."""
    paths = []
    for number, (_name, content) in enumerate(made):
        (folder / f"{number}.rules").write_text(yaml.dump({"groups": [content]}, Dumper=_DUMPER))
        text = yaml.dump(tests | {"rule_files": [f"{number}.rules"]}, Dumper=_DUMPER)
        paths.append(folder / f"{number}.tests")
        paths[-1].write_text(text)
    report = folder / "report.xml"
    done = promtool(NEWEST, "test", "rules", f"--junit={report}", *paths)
    if not report.exists():
        raise RuntimeError(done.stdout + done.stderr)
    suites = list(ElementTree.parse(report).getroot().iter("testsuite"))
    return [one for one, suite in zip(made, suites, strict=True) if _passes(suite)]


def _passes(suite: ElementTree.Element) -> bool:
    return all(suite.get(key) in (None, "0") for key in ("failures", "errors"))


def _changed_groups(
    alert: str, group: dict[str, Any], tests: Sequence[dict[str, Any]], seen: set[str]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give the group of the alert with one rule changed.

    Of rules that are made for each job or objective, the first of its kind will do that is tested.
    """
    for place, rule in enumerate(group["rules"]):
        kind = _kind(rule)
        if kind in seen or not _is_tested(rule, tests):
            continue
        seen.add(kind)
        for name, mutant in mutants(rule):
            rules = [*group["rules"][:place], mutant, *group["rules"][place + 1 :]]
            yield f"{name} ({kind[:30]}): {mutant['expr']}", {**group, "rules": rules}


def _matters(rule: Rule, alert: str) -> bool:
    recorded = rule.get("record", "").startswith("slo:") and alert == BURN
    return rule.get("alert") == alert or recorded


def _kind(rule: Rule) -> str:
    if "alert" in rule:
        return str(rule["labels"]["severity"])
    slo = rule.get("labels", {}).get("slo", "")
    return f"{rule['record']} {rule['expr']}".replace(slo, "")


def _is_tested(rule: Rule, tests: Sequence[dict[str, Any]]) -> bool:
    if "record" in rule:
        return bool(rule["record"] != "slo:objective:ratio")
    looks = [look for test in tests for look in test.get("alert_rule_test", [])]
    labels = [alert["exp_labels"] for look in looks for alert in look["exp_alerts"]]
    return any(rule["labels"].items() <= found.items() for found in labels)
