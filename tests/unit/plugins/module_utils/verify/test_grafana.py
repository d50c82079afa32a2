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
        ({"type": "custom", "query": "One : 1,Two : 2", "current": {}}, "1"),
        ({"type": "interval", "query": "1m, 10m", "current": {}}, "1m"),
        ({"type": "interval", "current": {"text": "auto", "value": "$__auto_interval_v"}}, "1m"),
        ({"type": "constant", "query": "a,b", "current": {}}, "a,b"),
        ({"type": "textbox", "query": "typed"}, "typed"),
    ],
)
@pytest.mark.parametrize("form", ["$v", "${v}", "${v:regex}", "[[v]]"])
def test_variables(variable: dict[str, Any], value: str, form: str) -> None:
    values = _panels.variables({"templating": {"list": [{"name": "v", **variable}]}})
    assert _panels.fill(f'x{{a=~"{form}"}}[$__rate_interval]', values) == f'x{{a=~"{value}"}}[5m]'


# -- as a 9.4 answers ---------------------------------------------------------------


def source(number: int, uid: str, name: str, *, default: bool = False) -> dict[str, Any]:
    """A data source in a list of them."""
    return {
        "id": number, "uid": uid, "orgId": 1, "name": name, "type": "prometheus",
        "typeName": "Prometheus", "access": "proxy", "url": "http://127.0.0.1:9090", "user": "",
        "database": "", "basicAuth": False, "isDefault": default, "jsonData": {}, "readOnly": False,
    }  # fmt: skip


def answers(board: dict[str, Any], version: str = "9.4.0", **more: Any) -> Answers:
    """A Grafana with one board, asked for what is written there as for what is not known."""
    return {
        **grafana(),
        "/api/frontend/settings": {"buildInfo": {"version": version}},
        "/api/datasources": [
            source(1, "a-b-c", "Prom"),
            source(2, "UdmmJQROz", "Other", default=True),
        ],
        "/api/dashboards/uid/board": {"meta": {"type": "db"}, "dashboard": board},
        **more,
    }


def asked(
    monkeypatch: pytest.MonkeyPatch, given: Answers, version: str = "9.4.0"
) -> tuple[list[str], list[str], str]:
    """What is asked of data sources, what is found, and how many queries have data."""
    client_, service = client(monkeypatch, given)
    wanted = Wanted(unit="grafana", version=version, boards=["board"], may_be_empty={})
    verdict = _grafana.verify(client_, wanted)
    urls = [url.removeprefix("http://service").partition("?")[0] for url, _body in service.asked]
    proxied = [url for url in urls if "/proxy/" in url]
    return proxied, [fault for _check, fault, _warning in faults(verdict)], verdict.seen["panels"]


def one(title: str, uid: str, **target: Any) -> dict[str, Any]:
    return {
        "id": 1,
        "type": "timeseries",
        "title": title,
        "datasource": {"type": "prometheus", "uid": uid},
        "targets": [{"refId": "A", **target}],
    }


@pytest.mark.parametrize(
    ("version", "place"),
    [("9.3.2", "1"), ("9.4.0", "1"), ("10.4.1", "uid/a-b-c"), ("13.0.1", "uid/a-b-c")],
)
def test_a_source_with_a_hyphen_is_reached(
    monkeypatch: pytest.MonkeyPatch, version: str, place: str
) -> None:
    path = f"/api/datasources/proxy/{place}/api/v1/query_range"
    given = answers({"panels": [one("P", "a-b-c", expr="up")]}, version, **{path: WELL})
    assert asked(monkeypatch, given, version) == ([path], [], "1/1 queries have data")


def test_a_query_that_is_refused_has_no_data(monkeypatch: pytest.MonkeyPatch) -> None:
    path = "/api/datasources/proxy/1/api/v1/query_range"
    refused = '{"status":"error","errorType":"bad_data","error":"parse error"}'
    given = answers({"panels": [one("P", "a-b-c", expr="up(")]}, **{path: (400, refused)})
    _asked, found, panels = asked(monkeypatch, given)
    assert "parse error" in found[0] and panels == "0/1 queries have data"


@pytest.mark.parametrize("target", [{}, {"expr": ""}, {"expr": " "}, {"expr": None}])
def test_a_query_that_is_not_written_yet_is_not_asked(
    monkeypatch: pytest.MonkeyPatch, target: dict[str, Any]
) -> None:
    given = answers({"panels": [one("P", "a-b-c", **target)]})
    assert asked(monkeypatch, given) == ([], [], "0/0 queries have data")


def test_the_default_source_may_be_chosen_by_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = {"selected": False, "text": "default", "value": "default"}
    variable = {"name": "ds", "type": "datasource", "query": "prometheus", "current": chosen}
    path = f"{PROXY}/UdmmJQROz/api/v1/query_range"
    board = {"templating": {"list": [variable]}, "panels": [one("P", "${ds}", expr="up")]}
    assert asked(monkeypatch, answers(board, **{path: WELL}))[:2] == ([path], [])


@pytest.mark.parametrize(
    ("variable", "uid"),
    [
        ({}, "UdmmJQROz"),
        ({"current": {"text": "Prom", "value": "Prom"}}, "a_b"),
        ({"current": {"text": "Prom", "value": "a_b"}}, "a_b"),
        ({"current": {"text": "Gone", "value": "gone"}}, "UdmmJQROz"),
        ({"regex": "/^P/"}, "a_b"),
        ({"regex": "/prom$/i"}, "a_b"),
        ({"regex": "/prom$/"}, "UdmmJQROz"),
        ({"regex": "Pr.m"}, "a_b"),
        ({"regex": "rom"}, "UdmmJQROz"),
        ({"regex": "/(?<a>P/"}, "UdmmJQROz"),
    ],
)
def test_a_variable_stands_for_the_first_source_that_it_takes(
    monkeypatch: pytest.MonkeyPatch, variable: dict[str, Any], uid: str
) -> None:
    listed = [source(1, "UdmmJQROz", "Other", default=True), source(2, "a_b", "Prom")]
    path = f"{PROXY}/{uid}/api/v1/query_range"
    given = {"name": "ds", "type": "datasource", "query": "prometheus", **variable}
    board = {"templating": {"list": [given]}, "panels": [one("P", "${ds}", expr="up")]}
    told = answers(board, **{path: WELL, "/api/datasources": listed})
    assert asked(monkeypatch, told)[:2] == ([path], [])


def test_what_is_refused_for_one_reason_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    path = "/api/datasources/proxy/1/api/v1/query_range"
    panels = [one(title, "a-b-c", expr="up") for title in ("A", "B", "A")]
    refused = '{"message":"Data proxy hostname and ip are not included in whitelist"}'
    given = answers({"title": "Board", "panels": panels}, **{path: (403, refused)})
    _places, found, _panels_ = asked(monkeypatch, given)
    assert len(found) == 1 and found[0].startswith("Board: A, B: ")


@pytest.mark.parametrize(
    ("settings", "made"),
    [
        ({"size": "0", "order": "desc", "orderBy": "_term"}, (500, {"_key": "desc"})),
        ({"order": "desc", "orderBy": "_count"}, (500, {"_count": "desc"})),
        ({"size": "5", "order": "asc", "orderBy": "1"}, (5, {"_count": "asc"})),
        ({"size": "10", "orderBy": "_key"}, (10, {})),
    ],
)
def test_terms_are_those_that_elasticsearch_takes(
    settings: dict[str, Any], made: tuple[int, dict[str, str]]
) -> None:
    terms = {"id": "3", "type": "terms", "field": "level", "settings": settings}
    (found,) = _panels.search({"bucketAggs": [terms]}, {}, 0, 15)["aggs"].values()
    assert (found["terms"]["size"], found["terms"]["order"]) == made


def test_panels_of_old_rows_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    panel_ = {"id": 1, "type": "graph", "title": "P", "targets": [{"expr": "up"}]}
    path = f"{PROXY}/UdmmJQROz/api/v1/query_range"
    board = {"schemaVersion": 14, "rows": [{"title": "r", "panels": [panel_]}, {"title": "empty"}]}
    assert asked(monkeypatch, answers(board, **{path: WELL}))[:2] == ([path], [])


PLACED = {
    "gridPos": {"h": 4, "w": 4, "x": 0, "y": 0},
    "id": 1,
    "libraryPanel": {"name": "Lib", "uid": "lib1"},
    "title": "Lib",
    "type": "timeseries",
}


def test_panels_of_the_library_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    row = {"type": "row", "collapsed": True, "panels": [{**PLACED, "id": 2}]}
    path = "/api/datasources/proxy/1/api/v1/query_range"
    library = "/api/library-elements/lib1"
    kept = {"uid": "lib1", "name": "Lib", "kind": 1, "model": one("Kept", "a-b-c", expr="up")}
    board = {"title": "Board", "panels": [PLACED, row]}
    given = answers(board, **{path: EMPTY, library: {"result": kept}})
    places, found, _panels_ = asked(monkeypatch, given)
    assert (places, found) == ([path, path], ["Board: no panel has data"])


def test_a_panel_that_has_left_the_library_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = (404, '{"message":"library element could not be found","traceID":""}')
    path = "/api/datasources/proxy/1/api/v1/query_range"
    board = {"title": "Board", "panels": [PLACED, one("P", "a-b-c", expr="up")]}
    given = answers(board, **{path: WELL, "/api/library-elements/lib1": gone})
    places, found, _panels_ = asked(monkeypatch, given)
    assert places == [path] and len(found) == 1
    assert found[0].startswith("Board: Lib: ") and "could not be found" in found[0]


@pytest.mark.parametrize(
    ("data", "numbers"),
    [
        ({"resultType": "vector", "result": [{"metric": {}, "value": [1, "1"]}]}, True),
        ({"resultType": "vector", "result": [{"metric": {}, "value": [1, "NaN"]}]}, False),
        ({"resultType": "matrix", "result": [{"metric": {}, "values": [[1, "+Inf"]]}]}, False),
        ({"resultType": "matrix", "result": [{"values": [[1, "+Inf"], [2, "0"]]}]}, True),
        ({"resultType": "scalar", "result": [1796060597.67, "1"]}, True),
        ({"resultType": "scalar", "result": [1796060597.67, "NaN"]}, False),
        ({"resultType": "string", "result": [1796060597.786, "x"]}, True),
        ({"resultType": "vector", "result": [{"histogram": [1, {"count": "2"}]}]}, True),
        ({"resultType": "matrix", "result": [{"histograms": [[1, {"count": "2"}]]}]}, True),
        ({"resultType": "matrix", "result": []}, False),
    ],
)
def test_what_can_be_drawn(data: dict[str, Any], numbers: bool) -> None:
    assert _panels.has_numbers(data) is numbers
