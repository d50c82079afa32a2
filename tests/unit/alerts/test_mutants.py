# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Change one thing in a shipped alert: its tests must notice every such mutant."""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import yaml
from ansible_collections.barehost.monitoring.plugins.plugin_utils._rule_tests import rule_tests

_NUMBER = re.compile(r"(>=|<=|==|!=|>|<) ([0-9.]+)")
_FLIPPED = {">": "<", "<": ">", ">=": "<", "==": "!="}


def _numbers(expr: str) -> Iterator[tuple[str, str]]:
    for match in _NUMBER.finditer(expr):
        start, end, op, number = match.start(), match.end(), match[1], float(match[2])
        for factor in (0.75, 1.3):
            changed = number * factor or (1e6 if factor > 1 else -1)
            if op == "==" and number in (0, 1):
                changed = 1 - number
            if number == 1 and op == "<":
                changed = 0 if factor < 1 else 2
            yield f"{op} {changed:g}", f"{expr[:start]}{op} {changed:g}{expr[end:]}"
        yield f"{_FLIPPED[op]} turned", f"{expr[:start]}{_FLIPPED[op]} {match[2]}{expr[end:]}"


def _conditions(expr: str) -> Iterator[tuple[str, str]]:
    if ") and (" in expr:
        left, right = expr.split(") and (", 1)
        yield "without its guard", left.removeprefix("(")
        yield "guard alone", right.removesuffix(")")
    if " and node_filesystem_readonly" in expr:
        yield "read-only too", re.sub(r" and node_filesystem_readonly\S* == 0", "", expr)
    for match in re.finditer(r" \+ increase\([^)]*\)", expr):
        yield "a summand less", expr[: match.start()] + expr[match.end() :]


def _labels(expr: str) -> Iterator[tuple[str, str]]:
    for label in sorted(set(re.findall(r"\w+", " ".join(re.findall(r"by \(([^)]*)\)", expr))))):
        pattern = re.compile(rf"(by \([^)]*?)(?:, {label}\b|\b{label}, |\b{label}\b)")
        changed = pattern.sub(r"\1", expr)
        if label != "le":
            yield f"by without {label}", changed
    for matcher in sorted(set(re.findall(r'\w+(?:=~|!~|!=|=)"[^"]*"', expr))):
        changed = re.sub(rf"{re.escape(matcher)},?", "", expr)
        yield f"without {matcher[:30]}", changed
        alternatives = re.search(r'"(.*\|.*)"', matcher)
        for one in alternatives[1].split("|") if alternatives else ():
            kept = "|".join(other for other in alternatives[1].split("|") if other != one)
            yield f"without alternative {one}", expr.replace(alternatives[1], kept)


def _ranges(expr: str) -> Iterator[tuple[str, str]]:
    for length in sorted(set(re.findall(r"\[([^]]+)\]", expr))):
        yield (
            f"range 8 x {length}",
            expr.replace(f"[{length}]", f"[{int(length[:-1]) * 8}{length[-1]}]"),
        )


def mutants(rule: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Name and make the mutants of a rule."""
    expr = rule["expr"]
    for source in (_numbers, _conditions, _labels, _ranges):
        for name, changed in source(expr):
            if changed != expr:
                yield name, {**rule, "expr": changed}
    hold = int(rule.get("for", "0m")[:-1])
    for minutes in {hold + 1, max(hold - 1, 0)} - {hold}:
        yield f"for {minutes}m", {**rule, "for": f"{minutes}m"}
    yield "severity", {**rule, "labels": {**rule["labels"], "severity": "page"}}
    for key in ("summary", "description"):
        texts = {**rule["annotations"], key: rule["annotations"][key] + "."}
        if "{{" in rule["annotations"][key]:
            yield key, {**rule, "annotations": texts}


def _mutated(alert: str, rules: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Make rule files with one mutant each; of a rule that is made for each job, one will do."""
    for group, content in enumerate(rules["groups"]):
        for place, rule in enumerate(content["rules"]):
            if rule.get("alert") == alert and rule["labels"].get("job", "cadvisor") == "cadvisor":
                for name, mutant in mutants(rule):
                    changed = deepcopy(rules)
                    changed["groups"][group]["rules"][place] = mutant
                    yield f"{name}: {mutant['expr']}", changed


def test_every_mutant_is_noticed(
    alert: str,
    rules: dict[str, Any],
    tests: dict[str, Any],
    rules_of: Any,
    promtool: Any,
    tmp_path: Path,
) -> None:
    made = {"the original": rules, **dict(_mutated(alert, rules))}
    paths = []
    for number, changed in enumerate(made.values()):
        (tmp_path / f"{number}.rules").write_text(yaml.safe_dump(rules_of(alert, changed)))
        document = rule_tests(rules, {alert: tests[alert]}, rule_files=[f"{number}.rules"])
        paths.append(tmp_path / f"{number}.tests")
        paths[-1].write_text(yaml.safe_dump(document))
    report = tmp_path / "report.xml"
    promtool("3.5.3", "test", "rules", f"--junit={report}", *paths)
    suites = list(ElementTree.parse(report).getroot().iter("testsuite"))
    assert len(suites) == len(made) >= 3
    survivors = [
        name
        for name, suite in zip(made, suites, strict=True)
        if suite.get("failures") in (None, "0") and suite.get("errors") in (None, "0")
    ]
    assert survivors == ["the original"], "\n".join([f"of {len(made)} survive:", *survivors])
