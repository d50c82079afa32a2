# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Panels that ask Elasticsearch."""

from __future__ import annotations

from collections.abc import Sequence

from grafana_foundation_sdk.builders import common, stat, timeseries
from grafana_foundation_sdk.builders import elasticsearch as builders
from grafana_foundation_sdk.builders import logs as panels
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models import common as values
from grafana_foundation_sdk.models.dashboard import Panel
from grafana_foundation_sdk.models.elasticsearch import (
    BucketAggregation,
    MetricAggregation,
    TermsOrder,
)

from dashboards.look import LEVELS, NONE_LIKED, PLAIN, by_series, by_steps, fixed, thresholds
from dashboards.targets import LOGS

TIME = "@timestamp"
NEWEST = "500"
"""Lines that are fetched at once."""


def count(title: str, description: str, query: str, *, among: str = "", bad: bool = False) -> Panel:
    """Count the lines of the chosen time, all or those among them."""
    panel = stat.Panel().title(title).description(description).datasource(LOGS)
    panel.unit("short").no_value("0").color_scheme(by_steps())
    panel.thresholds(thresholds(NONE_LIKED if bad else PLAIN))
    panel.graph_mode(values.BigValueGraphMode.AREA).color_mode(values.BigValueColorMode.VALUE)
    panel.reduce_options(common.ReduceDataOptions().calcs(["sum"]).fields("").values(False))
    panel.text_mode(values.BigValueTextMode.VALUE)
    return _asking(panel.build(), _counts(query, among=among))


def course(title: str, description: str, query: str, field: str, *, among: str = "") -> Panel:
    """Draw the number of lines over time, all or those among them, by the values of a field."""
    panel = timeseries.Panel().title(title).description(description).datasource(LOGS)
    panel.unit("short").min(0).no_value("none").color_scheme(by_series())
    panel.draw_style(values.GraphDrawStyle.BARS).fill_opacity(70).line_width(0)
    panel.stacking(common.StackingConfig().mode(values.StackingMode.NORMAL).group("A"))
    legend = common.VizLegendOptions().show_legend(True).calcs(["sum"])
    legend.display_mode(values.LegendDisplayMode.TABLE).placement(values.LegendPlacement.RIGHT)
    panel.legend(legend)
    for level, color in LEVELS.items():
        panel.override_by_name(level, [fixed(color)])
    return _asking(panel.build(), _counts(query, field, among))


def lines(title: str, description: str, query: str) -> Panel:
    """Show the lines themselves."""
    panel = panels.Panel().title(title).description(description).datasource(LOGS)
    panel.unit("none").show_time(True).wrap_log_message(True).prettify_log_message(False)
    panel.enable_log_details(True).sort_order(values.LogsSortOrder.DESCENDING)
    panel.dedup_strategy(values.LogsDedupStrategy.NONE)
    newest = builders.Logs().id("1").settings(builders.ElasticsearchLogsSettings().limit(NEWEST))
    return _asking(panel.build(), _query(query, [newest], []))


def _counts(query: str, field: str = "", among: str = "") -> Dataquery:
    settings = builders.ElasticsearchDateHistogramSettings().interval("auto").min_doc_count("0")
    buckets: list[Builder[BucketAggregation]] = []
    if among:
        # Beside what is typed, not in one query with it: an empty text would make that a wrong one.
        kept = builders.ElasticsearchFiltersSettings().filters(
            [builders.Filter().query(among).label("")]
        )
        buckets.append(builders.Filters().id("4").settings(kept))
    if field:
        terms = (
            builders.ElasticsearchTermsSettings()
            .size("10")
            .order_by("_count")
            .order(TermsOrder.DESC)
        )
        buckets.append(builders.Terms().id("3").field(field).settings(terms))
    buckets.append(builders.DateHistogram().id("2").field(TIME).settings(settings))
    alias = f"{{{{term {field}}}}}" if field else ""
    return _query(query, [builders.Count().id("1")], buckets, alias)


def _query(
    query: str,
    metrics: Sequence[Builder[MetricAggregation]],
    buckets: Sequence[Builder[BucketAggregation]],
    alias: str = "",
) -> Dataquery:
    made = builders.Dataquery().ref_id("A").query(query).time_field(TIME)
    if alias:
        made.alias(alias)
    made.metrics(list(metrics)).bucket_aggs(list(buckets))
    found = made.build()
    found.datasource = LOGS
    return found


def _asking(panel: Panel, query: Dataquery) -> Panel:
    panel.targets = [query]
    return panel
