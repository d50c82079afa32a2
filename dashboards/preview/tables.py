# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables: the rows that Grafana joins from the queries of a panel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes

from dashboards.checks.view import PanelView
from dashboards.preview.data import NAMED, Line, stepped
from dashboards.preview.drawings import INK
from dashboards.preview.units import shown

_MOST_ROWS = 9


def draw(axes: Axes, panel: PanelView, lines: Sequence[Line], now: float) -> None:
    """Draw the columns of a table."""
    axes.set_axis_off()
    arranged = panel.json["transformations"][1]["options"]
    order, names = arranged["indexByName"], arranged["renameByName"]
    columns = {source: names[source] for source in sorted(names, key=order.__getitem__)}
    rows = _rows(lines, list(columns))
    for sort in panel.json["options"].get("sortBy", []):
        source = next(name for name, title in columns.items() if title == sort["displayName"])
        rows.sort(key=lambda row: row.get(source, ""), reverse=bool(sort["desc"]))
    if not rows:
        told = panel.defaults.get("noValue", "")
        axes.text(0.5, 0.5, told, ha="center", va="center", fontsize=9, color=NAMED["gray"])
    for place, (source, title) in enumerate(columns.items()):
        left = place / len(columns)
        axes.text(left, 1, title, fontsize=7, weight="bold", color=INK, va="top")
        for number, row in enumerate(rows[:_MOST_ROWS], 1):
            text, paint = _cell(row.get(source, ""), _look(panel, title), now)
            axes.text(left, 1 - number / (_MOST_ROWS + 1), text, fontsize=7, color=paint, va="top")


def _rows(lines: Sequence[Line], columns: Sequence[str]) -> list[dict[str, Any]]:
    """Join what has the same labels."""
    several = len({line.ref for line in lines}) > 1
    rows: dict[tuple[str, ...], dict[str, Any]] = {}
    for line in lines:
        labels = {name: line.labels.get(name, "") for name in columns if not name.startswith("Val")}
        row = rows.setdefault(tuple(labels.values()), dict(labels))
        row[f"Value #{line.ref}" if several else "Value"] = line.last
    return list(rows.values())


def _look(panel: PanelView, title: str) -> dict[str, Any]:
    overrides = panel.json["fieldConfig"]["overrides"]
    found = [each for each in overrides if each["matcher"]["options"] == title]
    return {each["id"]: each["value"] for override in found for each in override["properties"]}


def _cell(value: Any, look: dict[str, Any], now: float) -> tuple[str, str]:
    if isinstance(value, str):
        for mapping in look.get("mappings", []):
            if found := mapping["options"].get(value):
                return str(found["text"]), NAMED[found["color"]]
        return value, INK
    paint = stepped(value, look["thresholds"]["steps"]) if "thresholds" in look else INK
    if look["unit"] == "dateTimeFromNow":
        return f"{shown(now - value / 1000, 's')} ago", paint
    return shown(value, str(look["unit"]), look.get("decimals")), paint
