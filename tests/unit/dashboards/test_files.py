# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The dashboards that are provisioned are those that the code makes, and Grafana can read them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from dashboards.board import document
from dashboards.boards import BOARDS

FOLDER = Path(__file__).parents[3] / "roles/grafana/files/dashboards"
DOCUMENTED = {
    "barehost-application": (
        "Request Rate",
        "Response Time",
        "Error Rate",
        "Active Connections",
        "Tool Usage",
        "Cache Performance",
    ),
    "barehost-system": (
        "CPU Usage",
        "Memory Usage",
        "Disk Usage",
        "Disk I/O",
        "Network Traffic",
        "Container CPU",
        "Container Memory",
    ),
}


def test_the_files_are_what_the_code_makes() -> None:
    made = {f"{board.uid}.json": document(board) for board in BOARDS}
    there = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.json")}
    assert set(there) == set(made)
    old = [name for name, text in made.items() if there[name] != text]
    assert not old, f"{old}: run `make dashboards`"


def test_the_same_board_is_written_the_same_way_twice() -> None:
    assert [document(board) for board in BOARDS] == [document(board) for board in BOARDS]


def test_keys_are_sorted(uid: str) -> None:
    text = (FOLDER / f"{uid}.json").read_text(encoding="utf-8")
    again = json.dumps(json.loads(text), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    assert text == again


def test_uids_and_titles_are_there_once(boards: list[Any]) -> None:
    uids, titles = [b.uid for b in boards], [b.json["title"] for b in boards]
    assert len(set(uids)) == len(uids) and len(set(titles)) == len(titles)
    assert all(path.stem in uids for path in FOLDER.glob("*.json"))


def test_the_schema_of_the_sdk_knows_every_key(board: Any) -> None:
    """What the SDK does not know is lost when it reads the JSON and writes it again."""
    read = json.loads(JSONEncoder().encode(Dashboard.from_json(board.json)))
    assert list(_lost(board.json, read)) == []


@pytest.mark.parametrize("name", DOCUMENTED)
def test_every_documented_panel_is_there(name: str, boards: list[Any]) -> None:
    board = next(board for board in boards if board.uid == name)
    missing = set(DOCUMENTED[name]) - {panel.title for panel in board.panels}
    assert not missing


def test_what_a_reader_of_the_guide_looks_for_first_is_on_the_first_screen(board: Any) -> None:
    """Of 900 pixels about 25 lines of the grid are left under the browser and Grafana's bars."""
    first = [box for box in board.boxes if box["type"] != "row"][0]
    seen = [box for box in board.boxes if box["type"] != "row" and box["gridPos"]["y"] < 20]
    assert (first["gridPos"]["x"], first["gridPos"]["y"]) == (0, 0)
    assert len(seen) >= min(4, len(board.panels))


def _lost(given: Any, read: Any, path: str = "") -> Any:
    if isinstance(given, dict):
        for key, value in given.items():
            if not isinstance(read, dict) or key not in read:
                yield f"{path}.{key}"
            else:
                yield from _lost(value, read[key], f"{path}.{key}")
    elif isinstance(given, list):
        if not isinstance(read, list) or len(given) != len(read):
            yield path
        else:
            for place, value in enumerate(given):
                yield from _lost(value, read[place], f"{path}[{place}]")
    elif given != read:
        yield f"{path}: {given!r} is read as {read!r}"
