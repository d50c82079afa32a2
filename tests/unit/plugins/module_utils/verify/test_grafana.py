# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every panel is asked as Grafana asks, and what is missing is told by dashboard."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.barehost.monitoring.plugins.module_utils.verify import _grafana, _panels
from ansible_collections.barehost.monitoring.plugins.module_utils.verify._grafana import Wanted
from ansible_collections.barehost.monitoring.tests.unit.plugins.module_utils.verify.answers import (
    Answers,
    client,
    faults,
)

PROXY = "/api/datasources/proxy/uid"
WELL = {"data": {"result": [{"values": [[0, "1"]]}]}}
EMPTY = {"data": {"result": []}}


def panel(title: str, source: Any = "metrics", **target: Any) -> dict[str, Any]:
    return {
        "title": title,
        "targets": [{"refId": "A", "expr": "up", "datasource": {"uid": source}, **target}],
    }


def grafana(*panels: dict[str, Any], answer: Any = None, lines: int = 1) -> Answers:
    answer = WELL if answer is None else answer
    found = {"responses": [{"hits": {"hits": [{}] * lines}}]}
    variables = [{"name": "source", "type": "datasource", "current": {}}]
    return {
        "/api/frontend/settings": {"buildInfo": {"version": "9.4.7"}},
        "/api/search": [{"uid": "board"}],
        "/api/datasources": [
            {"uid": "metrics", "name": "Prometheus", "type": "prometheus", "isDefault": True},
            {"uid": "logs", "name": "Elasticsearch", "type": "elasticsearch", "database": "logs-*"},
            {"uid": "traces", "name": "Tempo", "type": "tempo"},
        ],
        "/api/dashboards/uid/board": {
            "dashboard": {
                "title": "Board",
                "panels": list(panels),
                "templating": {"list": variables},
            }
        },
        f"{PROXY}/metrics/api/v1/query_range": answer,
        f"{PROXY}/metrics/api/v1/query": answer,
        f"{PROXY}/logs/_msearch": found,
    }


def look(
    monkeypatch: pytest.MonkeyPatch, answers: Answers, **wanted: Any
) -> list[tuple[str, str, bool]]:
    given = {"boards": ["board"], "may_be_empty": {}, **wanted}
    asking = Wanted(unit="grafana", version="9.4.7", **given)
    return faults(_grafana.verify(client(monkeypatch, answers)[0], asking))


LOGS = {"expr": None, "query": "*", "metrics": [{"settings": {"limit": "5"}}]}


@pytest.mark.parametrize(
    ("panels", "answer", "found"),
    [
        ([panel("A")], WELL, []),
        ([panel("A", "Prometheus")], WELL, []),
        ([panel("A", None)], WELL, []),
        ([{"type": "row", "panels": [panel("A")]}], EMPTY, ["Board: no panel has data"]),
        ([panel("A"), panel("Lines", "logs", **LOGS)], EMPTY, ["Board: no data in A"]),
        ([panel("A", hide=True)], EMPTY, []),
        ([panel("A", "traces")], EMPTY, []),
        ([{"title": "Text", "type": "text"}], EMPTY, []),
        (
            [
                panel("A"),
                panel(
                    "Lines",
                    "${source}",
                    **LOGS,
                    datasource={"uid": "${source}", "type": "elasticsearch"},
                ),
            ],
            WELL,
            [],
        ),
        (
            [panel("A")],
            (400, "parse error"),
            [
                "Board: A: http://service/api/datasources/proxy/uid/metrics/api/v1/query_range answers 400: parse error"
            ],
        ),
    ],
)
def test_panels(
    monkeypatch: pytest.MonkeyPatch, panels: list[Any], answer: Any, found: list[str]
) -> None:
    told = look(monkeypatch, grafana(*panels, answer=answer))
    assert [fault for _check, fault, _warning in told] == found


@pytest.mark.parametrize("key", ["A", "A/A"])
def test_a_known_reason_is_no_finding(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    answers = grafana(panel("A"), panel("Lines", "logs", **LOGS), answer=EMPTY)
    assert look(monkeypatch, answers, may_be_empty={"board": {key: "a reason"}}) == []
    assert look(monkeypatch, answers, may_be_empty={"board": {"B": "a reason"}}) != []


def test_a_board_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    told = look(monkeypatch, grafana(panel("A")), boards=["board", "other"])
    assert told == [("dashboards", "the dashboard other is not there", False)]


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ({"allValue": ".+", "current": {"value": ["$__all"]}}, ".+"),
        ({"current": {"value": ["$__all"]}}, ".*"),
        ({"type": "query"}, ".*"),
        ({"current": {"value": ["a", "b"]}}, "a|b"),
        ({"current": {"value": "5m"}}, "5m"),
        ({"type": "custom"}, ""),
    ],
)
@pytest.mark.parametrize("form", ["$v", "${v}", "${v:regex}", "[[v]]"])
def test_variables(variable: dict[str, Any], value: str, form: str) -> None:
    values = _panels.variables({"templating": {"list": [{"name": "v", **variable}]}})
    assert _panels.fill(f'x{{a=~"{form}"}}[$__rate_interval]', values) == f'x{{a=~"{value}"}}[5m]'
