# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Change one thing in a shipped alert: its tests must notice, and the page must say how often."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from ansible_collections.barehost.monitoring.plugins.plugin_utils._promql_nodes import Node, bare
from ansible_collections.barehost.monitoring.plugins.plugin_utils._promql_parser import parse

from alerts import pages, shipped
from alerts.mutants import mutants
from alerts.promql import mapped, written
from alerts.score import AT_ONCE, Score, score

WANTED = 0.9
RULE = {
    "alert": "A",
    "expr": '(sum by (job, a) (rate(x{job="j",b=~"c|d"}[5m] offset 1h)) / y > 0.5) and z == 0',
    "for": "5m",
    "labels": {"severity": "warning"},
    "annotations": {"summary": "{{ $value }}", "description": "x"},
}


@pytest.fixture(scope="session")
def page() -> str:
    """Read the page that shows the scores."""
    return pages.PAGE.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def scores(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Future[Score]]]:
    """Measure the alerts that are asked for, some at once: promtool keeps one core busy."""
    calls = [getattr(item, "callspec", None) for item in request.session.items]
    asked = dict.fromkeys(call.params["alert"] for call in calls if call and "alert" in call.params)

    def measured(alert: str) -> Score:
        return score(alert, shipped.rules(), tmp_path_factory.mktemp(alert))

    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {alert: pool.submit(measured, alert) for alert in asked}


def test_mutants_are_noticed_as_the_page_says(
    alert: str, page: str, scores: dict[str, Future[Score]]
) -> None:
    found = scores[alert].result()
    assert found.original_passes
    survivors = "\n".join(found.survivors)
    message = f"run `make docs`; {found.killed} of {found.all} are noticed, not:\n{survivors}"
    assert pages.row(alert, found) in page.splitlines(), message


def test_nine_of_ten_mutants_are_noticed(page: str) -> None:
    killed, everything = pages.scores_told(page)
    assert everything > 200
    assert killed >= WANTED * everything


def test_every_shipped_alert_is_in_the_table_and_no_other(page: str) -> None:
    rows = [line for line in page.splitlines() if line.startswith("| [")]
    assert [line[3:].partition("]")[0] for line in rows] == list(pages.alerts())
    assert pages.total(rows) in page


@pytest.mark.parametrize(
    "name",
    [
        *["threshold: > 0.375", "threshold: > 0.65", "threshold: == 1", "operator: <"],
        *["operator: * for /", "operator: left of and alone", "operator: right of and alone"],
        *["operator: !=", "matcher: without job=j", "matcher: without b=~c|d"],
        *["matcher: b without c", "label: by without job", "label: by without a"],
        *["window: 40m", "window: without offset", "for: 6m", "for: 4m", "severity"],
        "text: summary",
    ],
)
def test_each_kind_of_mutant_is_made(name: str) -> None:
    made = dict(mutants(RULE))
    assert name in made
    assert made[name] != RULE


def test_mutants_differ_from_each_other_and_are_promql() -> None:
    made = list(mutants(RULE))
    texts = [str(sorted((key, str(value)) for key, value in rule.items())) for _name, rule in made]
    assert len(set(texts)) == len(made) == 20
    assert all(parse(rule["expr"]) for _name, rule in made)


EXPRESSIONS = sorted({r["expr"] for g in shipped.rules()["groups"] for r in g["rules"]})
MORE = [
    "-a ^ 2 + b",
    "max_over_time(rate(x[5m])[1h:1m] offset -5m) > bool 1",
    'a{x="\\"q"} * on (b) group_left (c) d @ end()',
    "quantile without (a) (0.9, x) unless ignoring (b) y",
    "sum(x) - 1e9",
]


@pytest.mark.parametrize("expr", [*EXPRESSIONS, *MORE], ids=lambda text: text[:50])
def test_an_expression_is_written_as_it_was_read(expr: str) -> None:
    assert _bare(parse(written(parse(expr)))) == _bare(parse(expr))


def _bare(node: Node) -> Node:
    """Take off all parentheses; the tree alone says what belongs together."""
    return mapped(node, bare)
