# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How each kind of panel is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.dates import DateFormatter
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from dashboards.checks.view import PanelView
from dashboards.preview.data import NAMED, Line, color, stepped
from dashboards.preview.units import shown

SMALL, LARGE = 6, 17
INK, FAINT = "#24292e", "#d8dadf"
_MOST_NAMES = 6
_LIMIT = "limit"


def draw(axes: Axes, panel: PanelView, lines: Sequence[Line]) -> None:
    """Draw a panel into its place."""
    kind = {
        "timeseries": _graph,
        "stat": _number,
        "bargauge": _bars,
        "heatmap": _spread,
    }.get(panel.type)
    if panel.type != "timeseries":
        axes.set_axis_off()
    if not lines or kind is None:
        told = panel.defaults.get("noValue", "") if kind else "its data comes from Elasticsearch"
        axes.set_axis_off()
        axes.text(0.5, 0.5, told, ha="center", va="center", fontsize=9, color=NAMED["gray"])
        return
    kind(axes, panel, lines)


def _graph(axes: Axes, panel: PanelView, lines: Sequence[Line]) -> None:
    stacked = panel.defaults["custom"].get("stacking", {}).get("mode") == "normal"
    under: dict[float, float] = {}
    for place, line in enumerate(lines):
        limit = line.ref.startswith(_LIMIT)
        values = np.array(line.values)
        if line.style.get("custom.transform") == "negative-Y":
            values = -values
        base = np.zeros(len(values))
        if stacked and not limit:
            base = np.array([under.get(moment, 0.0) for moment in line.times])
            values = base + np.nan_to_num(values)
            under |= dict(zip(line.times, values.tolist(), strict=True))
        times = _dates(line.times)
        paint = color(line, place)
        width, dashes = (1.0, (4, 3)) if limit else (0.9, ())
        axes.plot(times, values, color=paint, lw=width, dashes=dashes, label=line.name)
        if not limit:
            opacity = panel.defaults["custom"].get("fillOpacity", 0) / 100
            axes.fill_between(times, base, values, color=paint, alpha=opacity, lw=0)
    _scale(axes, panel)
    _names(axes, lines)


def _scale(axes: Axes, panel: PanelView) -> None:
    unit = str(panel.defaults.get("unit"))
    low, high = panel.defaults.get("min"), panel.defaults.get("max")
    found = axes.get_ylim()
    axes.set_ylim(low if low is not None else found[0], high if high is not None else found[1])
    for step in panel.defaults.get("thresholds", {}).get("steps", [])[1:]:
        axes.axhline(step["value"], color=NAMED[step["color"]], lw=1, dashes=(4, 3))
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _place: shown(abs(value), unit)))
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.xaxis.set_major_formatter(DateFormatter("%H:%M"))  # type: ignore[no-untyped-call]
    axes.tick_params(labelsize=SMALL, length=0, colors=NAMED["gray"])
    axes.grid(color=FAINT, lw=0.4)
    for side in axes.spines.values():
        side.set_visible(False)


def _names(axes: Axes, lines: Sequence[Line]) -> None:
    """Name the series below the graph."""
    handles, labels = axes.get_legend_handles_labels()
    named = [(handle, label) for handle, label in zip(handles, labels, strict=True) if label]
    if not named:
        return
    more = len(named) - _MOST_NAMES
    shown_names = named[:_MOST_NAMES]
    labels = [label if len(label) < 30 else f"{label[:28]}…" for _handle, label in shown_names]
    if more > 0:
        labels[-1] += f" (+{more})"
    axes.legend(
        [handle for handle, _label in shown_names],
        labels,
        loc="upper left",
        bbox_to_anchor=(-0.02, -0.13),
        ncols=2 if max(map(len, labels)) > 18 else 3,
        fontsize=SMALL,
        frameon=False,
        handlelength=1.2,
        borderpad=0,
        columnspacing=1,
        labelcolor=INK,
    )


def _number(axes: Axes, panel: PanelView, lines: Sequence[Line]) -> None:
    steps = panel.defaults["thresholds"]["steps"]
    if panel.json["options"]["graphMode"] == "area" and len(lines) == 1:
        behind = axes.inset_axes((0, 0, 1, 0.4))
        behind.set_axis_off()
        values = np.nan_to_num(np.array(lines[0].values))
        paint = stepped(lines[0].last, steps)
        behind.plot(values, color=paint, lw=0.8)
        behind.fill_between(range(len(values)), values, color=paint, alpha=0.15, lw=0)
        behind.set_ylim(0, max(values.max() * 1.1, 1e-9))
    size = LARGE if len(lines) == 1 else max(7, LARGE - 3 * len(lines))
    for place, line in enumerate(lines):
        text, paint = _worded(panel, line, steps)
        height = 1 - (place + 0.5) / len(lines) if len(lines) > 1 else 0.6
        if panel.json["options"]["textMode"] == "value_and_name":
            axes.text(0.02, height, line.name, fontsize=8, va="center", color=INK)
            axes.text(0.98, height, text, fontsize=size, va="center", ha="right", color=paint)
        else:
            axes.text(0.5, height, text, fontsize=size, va="center", ha="center", color=paint)


def _worded(panel: PanelView, line: Line, steps: list[dict[str, Any]]) -> tuple[str, str]:
    if panel.json["options"]["textMode"] == "name":
        return line.name, stepped(line.last, steps)
    for mapping in panel.defaults.get("mappings", []):
        if found := mapping["options"].get(f"{line.last:g}"):
            return str(found["text"]), NAMED[found["color"]]
    unit = str(panel.defaults["unit"])
    return shown(line.last, unit, panel.defaults.get("decimals")), stepped(line.last, steps)


def _bars(axes: Axes, panel: PanelView, lines: Sequence[Line]) -> None:
    steps, unit = panel.defaults["thresholds"]["steps"], str(panel.defaults["unit"])
    ordered = sorted(lines, key=lambda line: line.last)
    full = panel.defaults.get("max") or max(line.last for line in ordered) or 1
    for place, line in enumerate(ordered):
        paint = stepped(line.last, steps)
        axes.barh(place, full, color=FAINT, height=0.4)
        axes.barh(place, max(line.last, 0), color=paint, height=0.4)
        axes.text(0, place + 0.3, line.name, fontsize=7, va="bottom", color=INK)
        value = shown(line.last, unit)
        axes.text(full, place + 0.3, value, fontsize=8, va="bottom", ha="right", color=paint)
    axes.set_ylim(-0.5, max(len(ordered), 3) - 0.2)


def _spread(axes: Axes, panel: PanelView, lines: Sequence[Line]) -> None:
    """Draw buckets, which count what is below a boundary, as bands between boundaries."""
    buckets = sorted(lines, key=lambda line: float(line.labels["le"]))
    moments = sorted({moment for line in buckets for moment in line.times})
    table = np.zeros((len(buckets), len(moments)))
    for row, line in enumerate(buckets):
        found = dict(zip(line.times, line.values, strict=True))
        table[row] = [found.get(moment, 0.0) for moment in moments]
    bands = np.diff(np.nan_to_num(table), axis=0, prepend=0)
    axes.set_axis_on()
    axes.pcolormesh(_dates(moments), range(len(buckets)), np.clip(bands, 0, None), cmap="Blues")
    axes.set_yticks(range(len(buckets)), [line.labels["le"] for line in buckets])
    axes.xaxis.set_major_formatter(DateFormatter("%H:%M"))  # type: ignore[no-untyped-call]
    axes.tick_params(labelsize=SMALL, length=0, colors=NAMED["gray"])
    for side in axes.spines.values():
        side.set_visible(False)


def _dates(moments: Sequence[float]) -> NDArray[np.datetime64]:
    return np.array(moments).astype("datetime64[s]")
