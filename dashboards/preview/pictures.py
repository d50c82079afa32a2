# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A picture of a whole board."""

from __future__ import annotations

import io
import time
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from dashboards.checks.live import Read
from dashboards.checks.view import BoardView, PanelView
from dashboards.preview import data, drawings, tables

WIDTH, CELL = 1440, 30
"""A laptop's screen, and the height of a line of Grafana's grid, in pixels."""
HEAD = 70
DPI = 100
COLORS = 128
matplotlib.use("Agg")


def picture(board: BoardView, read: Read, path: Path) -> None:
    """Draw a board with what a Prometheus has now."""
    places = [box["gridPos"] for box in board.boxes]
    height = HEAD + CELL * max(place["y"] + place["h"] for place in places)
    figure = Figure(figsize=(WIDTH / DPI, height / DPI), dpi=DPI, facecolor="#f4f5f5")
    head = "PREVIEW of the dashboard, drawn from live data by matplotlib, not by Grafana"
    figure.text(0.01, 1 - 26 / height, board.json["title"], fontsize=15, weight="bold")
    figure.text(0.01, 1 - 52 / height, f"{board.json['description']}  –  {head}", fontsize=8)
    now = time.time()
    for box in board.boxes:
        card = _card(figure, box, height)
        if card:
            panel = PanelView(box)
            found = data.lines(board, panel, read, now)
            if panel.type == "table":
                tables.draw(card, panel, found, now)
            else:
                drawings.draw(card, panel, found)
    held = io.BytesIO()
    figure.savefig(held, format="png")
    image = Image.open(held).convert("RGB").quantize(COLORS, dither=Image.Dither.NONE)
    image.save(path, optimize=True)


def _card(figure: Figure, box: dict[str, Any], height: int) -> Axes | None:
    """Draw the frame of a panel and return the space within; a row has none."""
    at = box["gridPos"]
    left, wide = at["x"] * WIDTH / 24, at["w"] * WIDTH / 24
    top, tall = HEAD + at["y"] * CELL, at["h"] * CELL

    def space(x: float, y: float, w: float, h: float) -> Axes:
        return figure.add_axes((x / WIDTH, 1 - (y + h) / height, w / WIDTH, h / height))

    if box["type"] == "row":
        figure.text(0.01, 1 - (top + 22) / height, f"▾ {box['title']}", fontsize=10, weight="bold")
        return None
    frame = space(left + 3, top + 3, wide - 6, tall - 6)
    frame.set(xticks=[], yticks=[], facecolor="white")
    for side in frame.spines.values():
        side.set_color(drawings.FAINT)
    figure.text((left + 10) / WIDTH, 1 - (top + 18) / height, box["title"], fontsize=8)
    if box["type"] in ("timeseries", "heatmap"):
        return space(left + 58, top + 30, wide - 72, tall - 92)
    return space(left + 12, top + 30, wide - 24, tall - 42)
