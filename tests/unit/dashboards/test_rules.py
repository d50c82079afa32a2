# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of grafana/dashboard-linter, and our own, hold of every board; each rule finds its fault."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import promql_parser
import pytest

from dashboards.checks.exceptions import RULES
from dashboards.checks.rules import NAMES, findings, forbidden
from dashboards.checks.view import BoardView

FOLDER = Path(__file__).parents[3] / "roles/grafana/files/dashboards"
FILES = {path.stem: json.loads(path.read_text("utf-8")) for path in FOLDER.glob("*.json")}
Change = Callable[[dict[str, Any]], object]
"""Breaks a board."""


def _panel(board: dict[str, Any], title: str) -> dict[str, Any]:
    found: dict[str, Any] = next(box for box in board["panels"] if box["title"] == title)
    return found


def _variable(board: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(v for v in board["templating"]["list"] if v["name"] == name)
    return found


def _query(board: dict[str, Any], expr: str, **more: Any) -> None:
    _panel(board, "Request Rate")["targets"][0] |= {"expr": expr, **more}


def _asks(expr: str, **more: Any) -> Change:
    return lambda board: _query(board, expr, **more)


def _sets(panel: str, **values: Any) -> Change:
    return lambda board: _panel(board, panel).update(values)


def _unit(unit: str) -> Change:
    def change(board: dict[str, Any]) -> None:
        _panel(board, "Request Rate")["fieldConfig"]["defaults"] |= {"unit": unit, "mappings": []}

    return change


def _moved(board: dict[str, Any]) -> None:
    _panel(board, "Error Rate")["gridPos"]["x"] -= 1


def _outside(board: dict[str, Any]) -> None:
    _panel(board, "Error Rate")["gridPos"]["w"] += 1


def _twice(board: dict[str, Any]) -> None:
    _panel(board, "Response Time")["targets"][1]["refId"] = "A"


def _steps(board: dict[str, Any]) -> None:
    _panel(board, "Failed requests")["fieldConfig"]["defaults"]["thresholds"]["steps"].reverse()


def _column(board: dict[str, Any], title: str, source: str) -> None:
    arranged = _panel(board, title)["transformations"][1]["options"]
    arranged["renameByName"][source] = "X"


def _link(board: dict[str, Any]) -> None:
    columns = _panel(board, "Hosts")["fieldConfig"]["overrides"]
    columns[0]["matcher"]["options"] = "Machine"


def _open_rows(board: dict[str, Any]) -> None:
    _panel(board, "Hosts")["targets"][1]["expr"] = "node_load5"


def _own_source(title: str) -> Change:
    return lambda board: _panel(board, title)["targets"][0].update(datasource={"uid": "prom"})


APPLICATION = "barehost-application"
J = 'job=~"$job",instance=~"$instance"'
BROKEN: list[tuple[str, str, str, Change]] = [
    ("uneditable-dashboard", APPLICATION, "the key is missing", lambda b: b.pop("editable")),
    ("uneditable-dashboard", APPLICATION, "true", lambda b: b.update(editable=True)),
    ("form", APPLICATION, "an id", lambda b: b.update(id=7)),
    ("form", APPLICATION, "an export", lambda b: b.update(__inputs=[])),
    ("form", APPLICATION, "a source of an export", lambda b: b.update(description="${DS_X}")),
    ("form", APPLICATION, "a uid with a space", lambda b: b.update(uid="my board")),
    ("form", APPLICATION, "schema 2", lambda b: b.update(schemaVersion=2)),
    ("form", APPLICATION, "5 s", lambda b: b.update(refresh="5s")),
    ("form", APPLICATION, "no refresh", lambda b: b.update(refresh="")),
    (
        "template-datasource-rule",
        APPLICATION,
        "another name",
        lambda b: _variable(b, "datasource").update(name="source"),
    ),
    (
        "template-datasource-rule",
        APPLICATION,
        "another label",
        lambda b: _variable(b, "datasource").update(label="Source"),
    ),
    (
        "template-datasource-rule",
        APPLICATION,
        "the first by name",
        lambda b: _variable(b, "datasource").pop("current"),
    ),
    (
        "template-job-rule",
        APPLICATION,
        "one only",
        lambda b: _variable(b, "job").update(multi=False),
    ),
    ("template-job-rule", APPLICATION, "no job", lambda b: _variable(b, "job").update(name="jobs")),
    (
        "template-instance-rule",
        APPLICATION,
        "all means none too",
        lambda b: _variable(b, "instance").update(allValue=".*"),
    ),
    (
        "template-label-promql-rule",
        APPLICATION,
        "a plain query",
        lambda b: _variable(b, "job").update(definition="up"),
    ),
    (
        "template-on-time-change-reload-rule",
        APPLICATION,
        "on load",
        lambda b: _variable(b, "job").update(refresh=1),
    ),
    (
        "variables-ask-the-chosen-source",
        APPLICATION,
        "a variable",
        lambda b: _variable(b, "job").update(datasource={"uid": "prometheus"}),
    ),
    (
        "variables-ask-the-chosen-source",
        APPLICATION,
        "an annotation",
        lambda b: b["annotations"]["list"][0].update(datasource={"uid": "-- Grafana --"}),
    ),
    (
        "variables-are-used",
        APPLICATION,
        "a new one",
        lambda b: b["templating"]["list"].append({"name": "zone", "type": "custom"}),
    ),
    ("unique-names", APPLICATION, "a title", _sets("Error Rate", title="Request Rate")),
    ("unique-names", APPLICATION, "an id", _sets("Error Rate", id=1)),
    ("unique-names", APPLICATION, "no id", lambda b: _panel(b, "Error Rate").pop("id")),
    ("unique-names", APPLICATION, "a refId", _twice),
    ("no-overlap", APPLICATION, "one to the left", _moved),
    ("no-overlap", APPLICATION, "over the edge", _outside),
    ("panel-datasource-rule", APPLICATION, "a stat", _own_source("Failed requests")),
    ("panel-datasource-rule", APPLICATION, "a graph", _own_source("Request Rate")),
    (
        "panel-datasource-rule",
        "barehost-logs",
        "Elasticsearch",
        _sets("Log", datasource={"uid": "elasticsearch"}),
    ),
    ("panel-title-description-rule", APPLICATION, "none", _sets("Tool Usage", description="")),
    ("panel-title-description-rule", "barehost-logs", "no title", _sets("Log", title="")),
    ("panel-units-rule", APPLICATION, "unknown, with mappings", _unit("furlongs")),
    ("panel-no-targets-rule", APPLICATION, "an empty list", _sets("Error Rate", targets=[])),
    ("panel-is-built-in", APPLICATION, "a plug-in", _sets("Error Rate", type="marcusolsson-x")),
    ("panel-is-built-in", APPLICATION, "gone since 11", _sets("Error Rate", type="graph")),
    ("thresholds-ascend", APPLICATION, "turned round", _steps),
    (
        "shares-end-at-one",
        "barehost-slo",
        "from where the data begins",
        lambda b: _panel(b, "Error budget left")["fieldConfig"]["defaults"].pop("min"),
    ),
    ("links-name-columns", "barehost-overview", "a column was renamed", _link),
    ("rows-can-be-joined", "barehost-overview", "the metric's name stays", _open_rows),
    ("target-promql-rule", APPLICATION, "a bracket", _asks("sum(up")),
    (
        "target-promql-rule",
        APPLICATION,
        "divided by itself",
        _asks(f'x_total{{{J},code="1"}} / x_total{{{J}}}'),
    ),
    ("target-rate-interval-rule", APPLICATION, "5 m", _asks(f"rate(x_total{{{J}}}[5m])")),
    (
        "target-rate-interval-rule",
        APPLICATION,
        "$__interval",
        _asks(f"sum(irate(x_total{{{J}}}[$__interval]))"),
    ),
    ("target-job-rule", APPLICATION, "none", _asks('up{instance=~"$instance"}')),
    ("target-job-rule", APPLICATION, "equal", _asks('up{job="$job",instance=~"$instance"}')),
    (
        "target-instance-rule",
        APPLICATION,
        "in one of two",
        _asks(f'up{{{J}}} or up{{job=~"$job"}}'),
    ),
    ("target-counter-agg-rule", APPLICATION, "bare", _asks(f"sum(x_total{{{J}}})")),
    (
        "target-counter-agg-rule",
        APPLICATION,
        "with a matcher",
        _asks(f'max(x_bucket{{{J},le="5"}})'),
    ),
    (
        "legends-survive",
        APPLICATION,
        "aggregated away",
        _asks(f"sum by (job) (up{{{J}}})", legendFormat="{{instance}}"),
    ),
    (
        "series-can-be-told-apart",
        APPLICATION,
        "no legend",
        _asks(f"sum by (job) (up{{{J}}})", legendFormat=""),
    ),
    (
        "columns-are-labels",
        "barehost-overview",
        "a label that is lost",
        lambda b: _column(b, "Hosts", "device"),
    ),
    (
        "tables-ask-once",
        "barehost-overview",
        "a range",
        lambda b: _panel(b, "Hosts")["targets"][0].update(instant=False),
    ),
    ("tables-ask-once", APPLICATION, "$__range in a graph", _asks(f"changes(up{{{J}}}[$__range])")),
    ("macros-are-known", APPLICATION, "of another source", _asks("up > $__from")),
    ("macros-are-known", APPLICATION, "not filled in", _asks(f"up{{{J},<disks>}}")),
]


def test_nothing_is_forbidden(board: Any) -> None:
    assert [str(finding) for finding in forbidden(board)] == []


@pytest.mark.parametrize(
    ("rule", "name", "change"),
    [pytest.param(r, n, c, id=f"{r}: {t}") for r, n, t, c in BROKEN],
)
def test_a_rule_finds_its_fault(rule: str, name: str, change: Change) -> None:
    broken = deepcopy(FILES[name])
    change(broken)
    assert rule in {finding.rule for finding in forbidden(BoardView(broken))}


def test_every_rule_has_its_fault() -> None:
    assert set(NAMES) == {rule for rule, _name, _text, _change in BROKEN}


def test_every_exception_is_needed(boards: list[Any]) -> None:
    used = {finding.reason for board in boards for finding in findings(board)}
    assert set(RULES) - used == set()


def test_another_parser_reads_every_query(board: Any) -> None:
    for panel, target in board.queries:
        assert promql_parser.parse(target.promql), panel.title
