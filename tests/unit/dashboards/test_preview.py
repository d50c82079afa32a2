# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pictures show what the JSON says."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from dashboards.preview.pictures import CELL, HEAD, WIDTH, picture
from dashboards.preview.units import shown


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.1234, "percentunit", "12.3%"),
        (1, "percentunit", "100%"),
        (1536, "bytes", "1.50 KiB"),
        (2_500_000, "Bps", "2.50 MB/s"),
        (2_500_000, "bps", "2.50 Mb/s"),
        (0.005, "s", "5 ms"),
        (90, "s", "1.5 min"),
        (7200, "dtdurations", "2.0 hour"),
        (12.5, "reqps", "12.5 req/s"),
        (12345, "short", "12.3 K"),
        (math.nan, "s", "–"),
    ],
)
def test_numbers_are_shown_with_their_unit(value: float, unit: str, text: str) -> None:
    assert shown(value, unit) == text


@pytest.mark.parametrize("name", ["barehost-overview", "barehost-application"])
def test_a_board_becomes_a_picture(name: str, boards: list[Any], tmp_path: Path) -> None:
    """The two have all kinds of panels between them."""
    board = next(board for board in boards if board.uid == name)
    picture(board, _answer, tmp_path / "board.png")
    with Image.open(tmp_path / "board.png") as image:
        lines = max(box["gridPos"]["y"] + box["gridPos"]["h"] for box in board.boxes)
        assert image.size == (WIDTH, HEAD + CELL * lines)
        assert len(image.convert("RGB").getcolors(10**7) or []) > 20


def _answer(path: str) -> dict[str, Any]:
    labels = {"le": "0.5", "job": "a", "host": "b", "alertname": "c", "severity": "critical"}
    if path.startswith("query?"):
        series = {"metric": labels, "value": [1_700_000_000, "0.5"]}
    else:
        values = [[1_700_000_000 + 15 * place, str(place / 10)] for place in range(8)]
        series = {"metric": labels, "values": [*values, [1_700_000_200, "NaN"]]}
    return {"status": "success", "data": {"result": [series]}}
