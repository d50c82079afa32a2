# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the check for dead rules finds, and that its list of rare metrics is about our rules."""

from __future__ import annotations

from typing import Any

from ansible_collections.barehost.monitoring.plugins.plugin_utils._promql_checks import analyse

from demo.dead_rules import RARE, missing, selectors

# What Prometheus makes of rate(a{b!~"c|\\\\d"}[5m]) / on (x) e offset 1d > 1, without what is not looked at.
PARSED = {
    "type": "binaryExpr",
    "lhs": {
        "type": "binaryExpr",
        "lhs": {
            "type": "call",
            "args": [
                {
                    "type": "matrixSelector",
                    "name": "a",
                    "matchers": [
                        {"name": "b", "type": "!~", "value": r"c|\d"},
                        {"name": "__name__", "type": "=", "value": "a"},
                    ],
                }
            ],
        },
        "matching": {"card": "one-to-one", "labels": ["x"], "on": True},
        "rhs": {
            "type": "vectorSelector",
            "name": "e",
            "matchers": [{"name": "__name__", "type": "=", "value": "e"}],
        },
    },
    "rhs": {"type": "numberLiteral", "val": "1"},
}
A, E = 'a{b!~"c|\\\\d"}', "e{}"


def found(there: list[str], rules: list[tuple[str, str]]) -> tuple[list[str], list[str]]:
    """Tell what is missing, and what was asked, when only some selectors have series."""
    asked: list[str] = []

    def query(expr: str) -> list[Any]:
        asked.append(expr)
        return [1] if any(f"({selector}[" in expr for selector in there) else []

    return list(missing(rules, lambda expr: PARSED, query)), asked


def test_every_selector_of_an_expression_is_seen() -> None:
    assert list(selectors(PARSED)) == [("a", ['b!~"c|\\\\d"']), ("e", [])]


def test_a_rule_whose_series_are_there_is_alive() -> None:
    assert found([A, E], [("X", "...")])[0] == []


def test_a_rule_is_dead_without_one_of_its_series() -> None:
    assert found([A], [("X", "...")])[0] == [f"X: there is no series {E}"]
    assert found([E], [("X", "...")])[0] == [f"X: there is no series {A}"]


def test_rules_of_one_name_are_all_looked_at() -> None:
    parsed = {"a": PARSED["lhs"], "e": PARSED["lhs"]["rhs"]}
    rules = [("X", "a"), ("X", "e")]
    complaints = list(
        missing(rules, parsed.__getitem__, lambda expr: [1] if "(e{}[" in expr else [])
    )
    assert complaints == [f"X: there is no series {A}"]


def test_a_selector_is_asked_for_once() -> None:
    complaints, asked = found([A], [("X", "..."), ("Y", "...")])
    assert [line.partition(":")[0] for line in complaints] == ["X", "Y"]
    assert asked == [f"count(last_over_time({selector}[10m]))" for selector in (A, E)]


def test_rare_metrics_are_those_of_rules_that_are_shipped(rules: dict[str, Any]) -> None:
    shipped = [rule["expr"] for group in rules["groups"] for rule in group["rules"]]
    needed = set().union(*(analyse(expr).metrics for expr in shipped))
    assert set(RARE) <= needed
    assert not needed <= set(RARE)
