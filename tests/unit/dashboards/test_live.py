# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The check against a running Prometheus sees what is missing."""

from __future__ import annotations

import urllib.parse
from typing import Any

import pytest

from dashboards.checks import live
from dashboards.checks.exceptions import EMPTY
from dashboards.checks.live import faults
from dashboards.checks.view import BoardView

EXPR = 'sum(up{job=~"$job",instance=~"$instance"})'


def _board(expr: str = EXPR, *, instant: bool = False) -> Any:
    target = {"refId": "A", "expr": expr, "instant": instant}
    variable = {"name": "job", "allValue": ".+", "definition": "label_values(up, job)"}
    instance = {"name": "instance", "allValue": ".+"}
    return BoardView(
        {
            "uid": "board",
            "templating": {"list": [variable, instance]},
            "panels": [{"title": "Panel", "type": "timeseries", "targets": [target]}],
        }
    )


class FakePrometheus:
    """Answers every query of a panel alike, and keeps what was asked."""

    def __init__(self, answer: dict[str, Any], choices: int = 1) -> None:
        """Take the answer, and how many values a variable has."""
        self.answer, self.choices = answer, choices
        self.asked: list[tuple[str, dict[str, str]]] = []

    def __call__(self, path: str) -> dict[str, Any]:
        """Answer."""
        kind, _mark, given = path.partition("?")
        asked = dict(urllib.parse.parse_qsl(given))
        if asked["query"].startswith("group by"):
            return _result(*[{"value": [0, "1"]}] * self.choices)
        self.asked.append((kind, asked))
        return self.answer


def _result(*series: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"status": "success", "data": {"result": list(series)}, **more}


GOOD = _result({"metric": {}, "values": [[0, "NaN"], [15, "1"]]})


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (GOOD, None),
        (_result(), "no data"),
        (_result({"values": [[0, "NaN"], [15, "NaN"]]}), "no data"),
        (_result({"values": [[0, "+Inf"]]}), "no data"),
        (_result({"values": [[0, "NaN"]]}, {"values": [[0, "0"]]}), None),
        ({"status": "error", "error": "many-to-many"}, "many-to-many"),
        (_result({"values": [[0, "1"]]}, warnings=["slow"]), "Prometheus warns: slow"),
    ],
)
def test_a_query_must_have_numbers(answer: dict[str, Any], fault: str | None) -> None:
    wanted = [f"board: Panel: A: {fault}"] if fault else []
    assert faults([_board()], FakePrometheus(answer)) == wanted


def test_a_reason_allows_no_data_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "EMPTY", {("board", "Panel", "A"): "a reason"})
    assert live.faults([_board()], FakePrometheus(_result())) == []
    assert live.faults([_board()], FakePrometheus({"status": "error", "error": "x"})) != []


def test_a_variable_must_have_something_to_choose_from() -> None:
    found = faults([_board()], FakePrometheus(GOOD, choices=0))
    assert found == ["board: the variable job has nothing to choose from"]


def test_everything_is_filled_in() -> None:
    server = FakePrometheus(GOOD)
    faults([_board('sum(rate(x_total{job=~"$job"}[$__rate_interval]))')], server)
    kind, asked = server.asked[0]
    assert kind == "query_range"
    assert asked["query"] == 'sum(rate(x_total{job=~".+"}[1m]))'
    assert float(asked["end"]) - float(asked["start"]) == 300


def test_the_present_moment_is_asked_where_the_panel_asks_it() -> None:
    server = FakePrometheus(_result({"value": [0, "1"]}))
    assert faults([_board(instant=True)], server) == []
    assert server.asked[0][0] == "query"


def test_reasons_are_given_for_queries_that_exist(boards: list[Any]) -> None:
    there = {
        (board.uid, panel.title, ref)
        for board in boards
        for panel, target in (*board.queries, *board.searches)
        for ref in (target.ref, "*")
    }
    assert set(EMPTY) - there == set()
    assert all(EMPTY.values())
