# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables: one row a thing, one column a fact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders import common
from grafana_foundation_sdk.builders import table as builders
from grafana_foundation_sdk.models.dashboard import (
    DataTransformerConfig,
    DynamicConfigValue,
    Panel,
)

from dashboards import targets
from dashboards.look import Steps, by_steps, thresholds
from dashboards.panels import NO_DATA, finished, mappings
from dashboards.queries import Query


@dataclass(frozen=True)
class Column:
    """One column; those of labels have the label's name, those of values `Value #A` and so on."""

    source: str
    title: str
    unit: str = "none"
    steps: Steps = ()
    words: Mapping[str, tuple[str, str]] | None = None
    link: tuple[str, str] = ("", "")
    """Title and address of where a click leads."""
    width: int = 0
    decimals: int | None = None


def table(
    title: str,
    description: str,
    *queries: Query,
    columns: Sequence[Column],
    alerts: Sequence[str] = (),
    sort: str = "",
    no_value: str = NO_DATA,
) -> Panel:
    """Show the labels and values that have a column; rows of several queries are joined."""
    panel = builders.Panel().title(title).description(description).datasource(targets.METRICS)
    asked = [query.as_table() for query in queries]
    panel.unit("none").no_value(no_value).color_scheme(by_steps())
    panel.transformations(
        [
            DataTransformerConfig(id_val="merge", options={}),
            DataTransformerConfig(id_val="organize", options=_arrangement(columns)),
            DataTransformerConfig(id_val="filterFieldsByName", options=_only(columns)),
        ]
    )
    if sort:
        panel.sort_by([common.TableSortByFieldState().display_name(sort).desc(False)])
    for column in columns:
        panel.override_by_name(column.title, _properties(column))
    return finished(panel.build(), asked, alerts)


def _arrangement(columns: Sequence[Column]) -> dict[str, object]:
    return {
        "excludeByName": {},
        "indexByName": {column.source: place for place, column in enumerate(columns)},
        "renameByName": {column.source: column.title for column in columns},
    }


def _only(columns: Sequence[Column]) -> dict[str, object]:
    return {"include": {"names": [column.title for column in columns]}}


def _properties(column: Column) -> list[DynamicConfigValue]:
    found = [DynamicConfigValue("unit", column.unit)]
    if column.decimals is not None:
        found.append(DynamicConfigValue("decimals", column.decimals))
    if column.steps:
        found.append(DynamicConfigValue("thresholds", thresholds(column.steps).build()))
    if column.words:
        found.append(DynamicConfigValue("mappings", mappings(column.words)))
    if column.steps or column.words:
        # The first is read by Grafana up to 9, the second from 10 on.
        found.append(DynamicConfigValue("custom.displayMode", "color-text"))
        found.append(DynamicConfigValue("custom.cellOptions", {"type": "color-text"}))
    if column.link[1]:
        found.append(DynamicConfigValue("links", [targets.link(*column.link)]))
    if column.width:
        found.append(DynamicConfigValue("custom.width", column.width))
    return found
