# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules about each panel; those of grafana/dashboard-linter have its names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ansible_collections.barehost.monitoring.plugins.plugin_utils._promql_checks import analyse

from dashboards.checks.boards import SOURCE
from dashboards.checks.view import PanelView

# Panels that Grafana 9 to 13 have built in.
_BUILT_IN = re.compile(
    "alertlist|bargauge|barchart|gauge|heatmap|histogram|logs|piechart|stat|state-timeline"
    "|status-history|table|text|timeseries"
)
# Those of the boards, all known to grafana/dashboard-linter.
_UNITS = re.compile(
    "none|short|percentunit|bytes|Bps|bps|reqps|ops|iops|pps|s|dtdurations|dateTimeFromNow"
)
_FIELD = re.compile(r"\${__data\.fields\.(\w+)}")


def panel_datasource_rule(panel: PanelView) -> Iterator[str]:
    """Panel and queries ask the data source that is chosen, whatever the kind of panel."""
    for each in (panel.json, *(target.json for target in panel.targets)):
        if each.get("datasource", {}).get("uid") != SOURCE:
            yield f"{each.get('refId', 'the panel')} asks a data source of its own"


def panel_title_description_rule(panel: PanelView) -> Iterator[str]:
    """Somebody who sees it for the first time learns what it shows."""
    if not panel.title:
        yield "it has no title"
    if not str(panel.json.get("description", "")).endswith("."):
        yield "its description is no sentence"


def panel_units_rule(panel: PanelView) -> Iterator[str]:
    """Values have a unit, also where there are mappings; so have the columns of a table."""
    found = [panel.defaults.get("unit"), *_overridden(panel, "unit")]
    yield from (f"{unit!r} is no unit" for unit in found if not _UNITS.fullmatch(str(unit)))


def panel_no_targets_rule(panel: PanelView) -> Iterator[str]:
    """It asks something."""
    if not panel.targets:
        yield "it has no query"


def panel_is_built_in(panel: PanelView) -> Iterator[str]:
    """No plug-in is needed."""
    if not _BUILT_IN.fullmatch(panel.type):
        yield f"{panel.type!r} is not built into Grafana"


def thresholds_ascend(panel: PanelView) -> Iterator[str]:
    """Steps begin at minus infinity and ascend."""
    given = [panel.defaults.get("thresholds"), *_overridden(panel, "thresholds")]
    for steps in (each["steps"] for each in given if each):
        values = [step["value"] for step in steps[1:]]
        if steps[0]["value"] is not None or values != sorted(set(values)):
            yield f"the steps {values} do not ascend from minus infinity"


def shares_end_at_one(panel: PanelView) -> Iterator[str]:
    """A share is drawn from 0, not from the smallest value that was there."""
    share = panel.defaults.get("unit") == "percentunit"
    if share and panel.type == "bargauge" and panel.defaults.get("min") != 0:
        yield "a share is not drawn from 0"


def links_name_columns(panel: PanelView) -> Iterator[str]:
    """What a link takes from the row is a column of the table."""
    columns = [each["matcher"]["options"] for each in panel.json["fieldConfig"]["overrides"]]
    for links in _overridden(panel, "links"):
        for name in _FIELD.findall(str(links)):
            if name not in columns:
                yield f"the link uses {name}, which is no column"


def rows_can_be_joined(panel: PanelView) -> Iterator[str]:
    """Several queries of a table have the same labels, and no others such as the metric's name."""
    if panel.type != "table" or len(panel.targets) < 2:
        return
    shapes = [analyse(target.promql).shape for target in panel.targets]
    if any(shape.open or shape.labels != shapes[0].labels for shape in shapes):
        yield "its queries have different labels, so each makes rows of its own"


def _overridden(panel: PanelView, name: str) -> list[Any]:
    overrides = panel.json.get("fieldConfig", {}).get("overrides", [])
    properties = [each for override in overrides for each in override["properties"]]
    return [each["value"] for each in properties if each["id"] == name]


RULES = {
    "panel-datasource-rule": panel_datasource_rule,
    "panel-title-description-rule": panel_title_description_rule,
    "panel-units-rule": panel_units_rule,
    "panel-no-targets-rule": panel_no_targets_rule,
    "panel-is-built-in": panel_is_built_in,
    "thresholds-ascend": thresholds_ascend,
    "shares-end-at-one": shares_end_at_one,
    "links-name-columns": links_name_columns,
    "rows-can-be-joined": rows_can_be_joined,
}
