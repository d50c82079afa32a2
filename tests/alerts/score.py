# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many mutants of an alert its tests notice: one run of promtool for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

import yaml
from ansible_collections.barehost.monitoring.plugins.plugin_utils._rule_tests import rule_tests

from alerts.mutants import mutants
from alerts.promtool import NEWEST, promtool


class Score(NamedTuple):
    """What a run showed."""

    all: int
    survivors: tuple[str, ...]
    original_passes: bool

    @property
    def killed(self) -> int:
        """Count the mutants that were noticed."""
        return self.all - len(self.survivors)


def score(alert: str, rules: dict[str, Any], tests: dict[str, Any], folder: Path) -> Score:
    """Try the tests of an alert on each of its mutants, and on the original."""
    group = next(g for g in rules["groups"] if any(r.get("alert") == alert for r in g["rules"]))
    made = [("the original", group), *_changed_groups(alert, group)]
    document = rule_tests(rules, {alert: tests[alert]}, rule_files=[])
    paths = []
    for number, (_name, content) in enumerate(made):
        (folder / f"{number}.rules").write_text(yaml.dump({"groups": [content]}, Dumper=_DUMPER))
        text = yaml.dump(document | {"rule_files": [f"{number}.rules"]}, Dumper=_DUMPER)
        paths.append(folder / f"{number}.tests")
        paths[-1].write_text(text)
    report = folder / "report.xml"
    done = promtool(NEWEST, "test", "rules", f"--junit={report}", *paths)
    if not report.exists():
        raise RuntimeError(done.stdout + done.stderr)
    suites = list(ElementTree.parse(report).getroot().iter("testsuite"))
    passed = [name for (name, _), suite in zip(made, suites, strict=True) if _passes(suite)]
    survivors = tuple(name for name in passed if name != "the original")
    return Score(len(made) - 1, survivors, "the original" in passed)


def _passes(suite: ElementTree.Element) -> bool:
    return all(suite.get(key) in (None, "0") for key in ("failures", "errors"))


def _changed_groups(alert: str, group: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give the group of the alert with one rule mutated, and what else the alert stands on.

    Of a rule that is made for each job or objective, the first of its severity will do.
    """
    seen: set[str] = set()
    kept = [rule for rule in group["rules"] if _matters(rule, alert)]
    for place, rule in enumerate(kept):
        severity = rule["labels"]["severity"] if "alert" in rule else ""
        if rule.get("alert") != alert or severity in seen:
            continue
        seen.add(severity)
        for name, mutant in mutants(rule):
            rules = [*kept[:place], mutant, *kept[place + 1 :]]
            yield f"{name} ({severity}): {mutant['expr']}", {**group, "rules": rules}


def _matters(rule: dict[str, Any], alert: str) -> bool:
    return rule.get("alert") == alert or rule.get("record", "").startswith("slo:")


_DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
