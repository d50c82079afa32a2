# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of panels, each with what all of its kind have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from grafana_foundation_sdk.builders import bargauge, common, heatmap, stat, timeseries
from grafana_foundation_sdk.models import common as values
from grafana_foundation_sdk.models.dashboard import (
    DynamicConfigValue,
    MatcherConfig,
    Panel,
    ValueMap,
    ValueMapping,
    ValueMappingResult,
)
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode

from dashboards import targets
from dashboards.look import (
    PLAIN,
    SEVERITIES,
    Steps,
    by_series,
    by_steps,
    fixed,
    pattern,
    thresholds,
)
from dashboards.queries import Query

Legend = Literal["list", "right"]
"""Names below the graph, or a table of names and values beside it, for wide panels."""
NO_DATA = "no data"
_LAST = ["lastNotNull"]


def lines(
    title: str,
    description: str,
    *queries: Query,
    unit: str,
    alerts: Sequence[str] = (),
    colors: Mapping[str, str] | None = None,
    legend: Legend = "list",
    stacked: bool = False,
    lowest: float | None = 0,
    highest: float | None = None,
    level: tuple[float, str] | None = None,
    below: str = "",
    no_value: str = NO_DATA,
) -> Panel:
    """Draw values over time.

    Series that match `below` are drawn downwards. `level` is a fixed value with its colour, drawn as
    a dashed line; thresholds of alerts are queries instead, see `limit`.
    """
    panel = timeseries.Panel().title(title).description(description).datasource(targets.METRICS)
    panel.unit(unit).no_value(no_value).color_scheme(by_series()).thresholds(thresholds(PLAIN))
    panel.line_width(1).fill_opacity(40 if stacked else 8).show_points(values.VisibilityMode.NEVER)
    panel.span_nulls(False).axis_soft_min(0)
    panel.stacking(_stacking(stacked))
    panel.legend(_legend(legend))
    panel.tooltip(_tooltip())
    if highest is not None:
        panel.max(highest)
    if below:
        panel.override_by_regexp(below, [DynamicConfigValue("custom.transform", "negative-Y")])
    elif lowest is not None:
        panel.min(lowest)
    if level:
        style = common.GraphThresholdsStyleConfig().mode(values.GraphThresholdsStyleMode.DASHED)
        panel.thresholds(thresholds(((None, "transparent"), level))).thresholds_style(style)
    for name, color in (colors or {}).items():
        panel.override_by_regexp(pattern(colors or {}, name), [fixed(color)])
    _draw_limits(panel, queries)
    return finished(panel.build(), queries, alerts)


def number(
    title: str,
    description: str,
    *queries: Query,
    unit: str,
    steps: Steps = PLAIN,
    alerts: Sequence[str] = (),
    words: Mapping[str, tuple[str, str]] | None = None,
    decimals: int | None = None,
    trend: bool = True,
    name_only: bool = False,
    no_value: str = NO_DATA,
) -> Panel:
    """Show the present value in large figures, with its trend behind."""
    panel = stat.Panel().title(title).description(description).datasource(targets.METRICS)
    panel.unit(unit).no_value(no_value).color_scheme(by_steps()).thresholds(thresholds(steps))
    panel.mappings(mappings(words or {}))
    shown = values.BigValueGraphMode.AREA if trend else values.BigValueGraphMode.NONE
    panel.graph_mode(shown).color_mode(values.BigValueColorMode.VALUE)
    panel.reduce_options(common.ReduceDataOptions().calcs(_LAST).fields("").values(False))
    panel.orientation(values.VizOrientation.AUTO).justify_mode(values.BigValueJustifyMode.AUTO)
    named = any(query.legend for query in queries)
    both = values.BigValueTextMode.VALUE_AND_NAME if named else values.BigValueTextMode.VALUE
    panel.text_mode(values.BigValueTextMode.NAME if name_only else both)
    if decimals is not None:
        panel.decimals(decimals)
    return finished(panel.build(), queries, alerts)


def bars(
    title: str,
    description: str,
    *queries: Query,
    unit: str,
    steps: Steps = PLAIN,
    alerts: Sequence[str] = (),
    highest: float | None = None,
    no_value: str = NO_DATA,
) -> Panel:
    """Compare the present values of several things as bars."""
    panel = bargauge.Panel().title(title).description(description).datasource(targets.METRICS)
    panel.unit(unit).no_value(no_value).min(0).color_scheme(by_steps()).thresholds(
        thresholds(steps)
    )
    panel.orientation(values.VizOrientation.HORIZONTAL)
    panel.display_mode(values.BarGaugeDisplayMode.BASIC).show_unfilled(True)
    panel.text(common.VizTextDisplayOptions().title_size(14).value_size(18))
    panel.reduce_options(common.ReduceDataOptions().calcs(_LAST).fields("").values(False))
    if highest is not None:
        panel.max(highest)
    return finished(panel.build(), queries, alerts)


def spread(title: str, description: str, query: Query, *, unit: str) -> Panel:
    """Draw how the observations of a histogram are spread over time."""
    panel = heatmap.Panel().title(title).description(description).datasource(targets.METRICS)
    panel.unit("short").no_value(NO_DATA).calculate(False).cell_gap(1).hide_legend()
    panel.color(
        heatmap.HeatmapColorOptions().mode(HeatmapColorMode.SCHEME).scheme("Blues").steps(32)
    )
    panel.y_axis(heatmap.YAxisConfig().unit(unit))
    panel.tooltip(heatmap.HeatmapTooltip().mode(values.TooltipDisplayMode.SINGLE).y_histogram(True))
    return finished(panel.build(), [query], [])


def mappings(words: Mapping[str, tuple[str, str]]) -> list[ValueMapping]:
    """Show words and colours instead of numbers."""
    if not words:
        return []
    shown = {
        value: ValueMappingResult(text=text, color=color, index=place)
        for place, (value, (text, color)) in enumerate(words.items())
    }
    return [ValueMap(options=shown)]


def _draw_limits(panel: timeseries.Panel, queries: Sequence[Query]) -> None:
    count = sum(1 for query in queries if query.limits)
    for place in range(1, count + 1):
        matcher = MatcherConfig(id_val="byFrameRefID", options=f"{targets.LIMIT_REF}{place}")
        panel.with_override(
            matcher,
            [
                DynamicConfigValue("custom.lineStyle", {"fill": "dash", "dash": [8, 8]}),
                DynamicConfigValue("custom.fillOpacity", 0),
                DynamicConfigValue("custom.stacking", {"group": "limits", "mode": "none"}),
            ],
        )
    for severity, color in SEVERITIES.items() if count else ():
        panel.override_by_regexp(f"/^{severity} limit/", [fixed(color)])


def finished(panel: Panel, queries: Sequence[Query], alerts: Sequence[str]) -> Panel:
    """Give a panel its queries, and links to the runbooks of the alerts that it shows."""
    panel.targets = targets.metrics(queries)
    drawn = [query.limits for query in queries if query.limits]
    panel.links = targets.runbooks(dict.fromkeys([*drawn, *alerts]))
    return panel


def _stacking(stacked: bool) -> common.StackingConfig:
    mode = values.StackingMode.NORMAL if stacked else values.StackingMode.NONE
    return common.StackingConfig().mode(mode).group("A")


def _legend(legend: Legend) -> common.VizLegendOptions:
    made = common.VizLegendOptions().show_legend(True)
    if legend == "right":
        made.display_mode(values.LegendDisplayMode.TABLE).placement(values.LegendPlacement.RIGHT)
        return made.calcs(["mean", "lastNotNull"])
    return made.display_mode(values.LegendDisplayMode.LIST).placement(values.LegendPlacement.BOTTOM)


def _tooltip() -> common.VizTooltipOptions:
    made = common.VizTooltipOptions().mode(values.TooltipDisplayMode.MULTI)
    return made.sort(values.SortOrder.DESCENDING)
