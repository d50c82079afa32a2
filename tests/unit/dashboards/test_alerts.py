# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Boards and alerts belong together: each alert is seen somewhere, with the limits that it has."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.barehost.monitoring.plugins.plugin_utils._promql_checks import analyse

from dashboards.alerts import runbook_base, shipped, steps
from dashboards.look import GOOD, SEVERITIES

ROOT = Path(__file__).parents[3]
# Alerts that no panel shows, and why.
UNSEEN: dict[str, str] = {}
_RUNBOOK = re.compile(r"\${runbooks}/(\w+)\.md")
_LIMIT = re.compile(r'alert:threshold{alert="(\w+)"')
_WATCHDOG = "ALERTS"


def _links(boards: list[Any]) -> dict[str, list[Any]]:
    """Return the panels that show each alert: those that link to its runbook."""
    found: dict[str, list[Any]] = {}
    for board in boards:
        for panel in board.panels:
            for url in panel.links:
                if match := _RUNBOOK.fullmatch(url):
                    found.setdefault(match[1], []).append(panel)
    return found


def test_every_alert_has_a_panel_or_a_reason(boards: list[Any]) -> None:
    seen = set(_links(boards))
    assert set(shipped()) - seen == set(UNSEEN)
    assert seen - set(shipped()) == set(), "panels that link to no alert"


def test_every_runbook_that_a_panel_links_to_is_there(boards: list[Any]) -> None:
    base = runbook_base()
    variables = [board.variable("runbooks") for board in boards if board.variable("runbooks")]
    assert {variable["query"] for variable in variables} == {base}
    pages = {path.stem for path in (ROOT / base.partition("/main/")[2]).glob("*.md")}
    assert set(_links(boards)) <= pages


def test_a_panel_shows_what_its_alert_looks_at(boards: list[Any], rules: list[Any]) -> None:
    looked_at: dict[str, set[str]] = {}
    for rule in rules:
        looked_at.setdefault(rule["alert"], set()).update(analyse(rule["expr"]).metrics)
    strangers = []
    for alert, panels in _links(boards).items():
        wanted = looked_at[alert] or {_WATCHDOG}
        for panel in panels:
            shown = {m for t in panel.targets for m in analyse(t.promql).metrics}
            if not _subjects(shown) & _subjects(wanted):
                strangers.append(f"{panel.title}: {alert} looks at {sorted(wanted)}")
    assert strangers == []


def _subjects(metrics: set[str]) -> set[str]:
    """Metrics, and of what was recorded its subject: the budget is about the ratios."""
    return {metric.partition(":")[0] for metric in metrics}


def test_a_drawn_limit_is_that_of_an_alert_with_one(boards: list[Any]) -> None:
    drawn = {
        name
        for board in boards
        for _p, target in board.queries
        for name in _LIMIT.findall(target.expr)
    }
    assert drawn
    assert [name for name in drawn if not shipped()[name].thresholds] == []


def test_a_panel_with_a_limit_links_to_the_runbook(boards: list[Any]) -> None:
    for board in boards:
        for panel in board.panels:
            drawn = {name for target in panel.targets for name in _LIMIT.findall(target.expr)}
            linked = {match[1] for url in panel.links if (match := _RUNBOOK.fullmatch(url))}
            assert drawn <= linked, panel.title


def test_thresholds_are_those_of_the_rules(rules: list[Any]) -> None:
    """What colours a number is what the compiled rule compares with."""
    compared: dict[str, set[str]] = {}
    for rule in rules:
        numbers = re.findall(r"(?:[<>]=?|==) ([-+0-9.e]+)", rule["expr"])
        compared.setdefault(rule["alert"], set()).update(f"{float(number):g}" for number in numbers)
    for name, alert in shipped().items():
        for severity, value in alert.thresholds.items():
            assert f"{value:g}" in compared[name], (name, severity)


def test_colours_change_at_the_thresholds() -> None:
    above, below = shipped()["HighErrorRate"], shipped()["DiskSpaceLow"]
    assert (above.above, below.above) == (True, False)
    red, orange = SEVERITIES["critical"], SEVERITIES["warning"]
    assert steps("HighErrorRate") == ((None, GOOD), (above.thresholds["critical"], red))
    low, high = below.thresholds["critical"], below.thresholds["warning"]
    assert steps("DiskSpaceLow") == ((None, red), (low, orange), (high, GOOD))
    used = steps("DiskSpaceLow", complement=True)
    assert used == ((None, GOOD), (round(1 - high, 12), orange), (round(1 - low, 12), red))


@pytest.mark.parametrize(
    ("board", "panel", "alert", "parts"),
    [
        (
            "barehost-postgresql",
            "Connections in use",
            "PostgresConnectionsHigh",
            ["pg_stat_activity_count", 'backend_type="client backend"'],
        ),
        (
            "barehost-postgresql",
            "Connections in use by server",
            "PostgresConnectionsHigh",
            ["pg_stat_activity_count", 'backend_type="client backend"'],
        ),
        (
            "barehost-postgresql",
            "Longest transaction",
            "PostgresLongTransaction",
            ['application_name!~"pg_dump|pg_basebackup"'],
        ),
        (
            "barehost-postgresql",
            "Longest transaction by database",
            "PostgresLongTransaction",
            ['application_name!~"pg_dump|pg_basebackup"'],
        ),
        ("barehost-system", "Faults", "FilesystemTurnedReadOnly", ["min_over_time("]),
        (
            "barehost-redis",
            "Last save",
            "RedisPersistenceFailing",
            ["redis_rdb_last_bgsave_status", "redis_aof_last_write_status"],
        ),
    ],
)
def test_a_panel_sees_trouble_where_its_alert_does(
    boards: list[Any], rules: list[Any], board: str, panel: str, alert: str, parts: list[str]
) -> None:
    """Neither red without the alert, nor green or empty while it fires."""
    (shown,) = (p for b in boards if b.uid == board for p in b.panels if p.title == panel)
    asked = " ".join(target.promql for target in shown.targets)
    expr = next(rule["expr"] for rule in rules if rule["alert"] == alert)
    assert [part for part in parts if part not in expr] == []
    assert [part for part in parts if part not in asked] == []


def test_what_is_typed_reaches_elasticsearch_as_it_is(boards: list[Any]) -> None:
    """Grafana escapes a variable in a query of Lucene: * would look for an asterisk."""
    (logs,) = (board for board in boards if board.uid == "barehost-logs")
    asked = [target["query"] for panel in logs.json["panels"] for target in panel["targets"]]
    assert asked
    assert all("${query:raw}" in query and "${query}" not in query for query in asked)
