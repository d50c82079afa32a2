# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Grafana lets the administrator in and nobody else, and every panel has data."""

from __future__ import annotations

import dataclasses
import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from dashboards.checks import live, live_logs
from dashboards.checks.view import BoardView
from demo.services import DIRECT, Grafana

SHIPPED = Path(__file__).parents[3] / "roles/grafana/files/dashboards"
HOME = "barehost-overview"
# Error budgets are recorded every two minutes; the first of them needs requests before it.
PATIENCE = 240


@pytest.fixture(scope="session")
def grafana(stack: Any) -> Grafana:
    """Return Grafana as its administrator sees it."""
    return stack.grafana


def refusal(request: urllib.request.Request) -> int:
    """Return the status of an answer that must be a refusal."""
    with pytest.raises(urllib.error.HTTPError) as raised:
        DIRECT.open(request, timeout=5)
    return raised.value.code


def boards(grafana: Grafana) -> list[BoardView]:
    """Return the dashboards as Grafana shows them."""
    return [BoardView(board) for board in grafana.dashboards()]


def test_the_password_that_the_host_made_opens(grafana: Grafana) -> None:
    assert len(grafana.password) >= 20
    assert grafana.ask("user")["isGrafanaAdmin"] is True


def test_the_usual_password_does_not(grafana: Grafana) -> None:
    usual = dataclasses.replace(grafana, password="admin")  # noqa: S106
    assert refusal(urllib.request.Request(f"{grafana.url}/api/user", headers=usual.headers)) == 401


def test_nobody_signs_up(grafana: Grafana) -> None:
    body = json.dumps({"email": "a@example.com"}).encode()
    headers = {"Content-Type": "application/json"}
    url = f"{grafana.url}/api/user/signup"
    assert refusal(urllib.request.Request(url, body, headers)) in (401, 403, 404)


def test_data_sources_follow_from_the_inventory_and_answer(grafana: Grafana) -> None:
    found = grafana.datasources()
    assert set(found.values()) == {"prometheus", "alertmanager", "elasticsearch"}
    assert all(uid == kind for uid, kind in found.items())
    assert [uid for uid, kind in found.items() if not grafana.answers(uid, kind)] == []


def test_every_dashboard_with_a_data_source_is_there(grafana: Grafana) -> None:
    shipped = {path.stem for path in SHIPPED.glob("*.json")}
    assert {board.uid for board in boards(grafana)} == shipped


def test_people_see_the_overview_first(grafana: Grafana) -> None:
    assert grafana.ask("dashboards/home")["dashboard"]["uid"] == HOME


def test_every_panel_has_data(load: Any, grafana: Grafana, eventually: Any) -> None:
    read = live.reader(grafana.through("prometheus"), grafana.headers)
    shown = boards(grafana)

    def faults() -> list[str]:
        return live.faults(shown, read)

    assert eventually(lambda: faults() == [], seconds=PATIENCE), faults()


def test_every_search_finds_lines(load: Any, grafana: Grafana, eventually: Any) -> None:
    search = live_logs.searcher(grafana.through("elasticsearch"), grafana.headers)
    shown = boards(grafana)
    assert sum(1 for board in shown for _search in board.searches) >= 5

    def faults() -> list[str]:
        return live_logs.faults(shown, search)

    assert eventually(lambda: faults() == [], seconds=60), faults()
