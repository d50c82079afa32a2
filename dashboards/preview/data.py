# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a panel shows: its series, with names and colours as the JSON sets them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from dashboards.checks.live import Read, ask
from dashboards.checks.view import BoardView, PanelView, Target

MINUTES = 30
_LABEL = re.compile(r"{{\s*(\w+)\s*}}")
# Grafana's names of colours, and the order in which it gives them to series.
NAMED = {
    "green": "#56a64b",
    "yellow": "#e0b400",
    "blue": "#3274d9",
    "orange": "#ff780a",
    "red": "#e02f44",
    "purple": "#a352cc",
    "gray": "#8e8e8e",
}
PALETTE = ("#56a64b", "#e0b400", "#3274d9", "#ff780a", "#e02f44", "#1f60c4", "#a352cc", "#8ab8ff")


@dataclass(frozen=True)
class Line:
    """One series of a panel."""

    name: str
    ref: str
    labels: dict[str, str]
    times: list[float]
    values: list[float]
    style: dict[str, Any]
    """What overrides set, by property."""

    @property
    def last(self) -> float:
        """Return the newest value that is a number."""
        return next((value for value in reversed(self.values) if not math.isnan(value)), math.nan)


def lines(board: BoardView, panel: PanelView, read: Read, now: float) -> list[Line]:
    """Fetch the series of a panel."""
    found = []
    for target in panel.targets:
        if not target.expr:
            continue
        answer = ask(target, board, read, MINUTES, now)
        for series in answer.get("data", {}).get("result", []):
            samples = series.get("values") or [series["value"]]
            name = _named(target, series["metric"])
            found.append(
                Line(
                    name,
                    target.ref,
                    series["metric"],
                    [float(moment) for moment, _value in samples],
                    [float(value) for _moment, value in samples],
                    dict(_overrides(panel, name, target.ref)),
                )
            )
    return found


def _named(target: Target, labels: dict[str, str]) -> str:
    legend = str(target.json.get("legendFormat", ""))
    return _LABEL.sub(lambda match: labels.get(match[1], ""), legend).strip()


def _overrides(panel: PanelView, name: str, ref: str) -> Iterator[tuple[str, Any]]:
    for override in panel.json["fieldConfig"]["overrides"]:
        matcher, options = override["matcher"]["id"], override["matcher"]["options"]
        by_name = matcher == "byName" and options == name
        by_pattern = matcher == "byRegexp" and re.search(options.strip("/"), name)
        if by_name or by_pattern or (matcher == "byFrameRefID" and options == ref):
            for given in override["properties"]:
                yield given["id"], given["value"]


def color(line: Line, place: int) -> str:
    """Return the colour of a series."""
    fixed = line.style.get("color", {}).get("fixedColor")
    return NAMED.get(fixed, PALETTE[place % len(PALETTE)])


def stepped(value: float, steps: list[dict[str, Any]]) -> str:
    """Return the colour that a value has by its steps."""
    found = steps[0]["color"]
    for step in steps[1:]:
        if value >= step["value"]:
            found = step["color"]
    return NAMED.get(found, NAMED["gray"])
