# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A board: rows of panels, what can be chosen, what it links to; and its JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import DataSourceRef
from grafana_foundation_sdk.models.dashboard import (
    AnnotationContainer,
    AnnotationQuery,
    Dashboard,
    DashboardCursorSync,
    DashboardLink,
    DashboardLinkType,
    GridPos,
    Panel,
    RowPanel,
    VariableModel,
)

from dashboards import targets
from dashboards.look import SEVERITIES
from dashboards.variables import runbooks

TAG = "barehost"
WIDTH = 24
# Panels are written as Grafana 9 reads them; newer versions bring them up to their own schema.
SCHEMA = 39


@dataclass(frozen=True)
class Row:
    """Panels side by side; what does not fit any more goes below. Without a title it has no bar."""

    panels: Sequence[Panel]
    widths: int | Sequence[int] = 8
    """The width of each panel, or of all; a board is 24 wide."""
    title: str = ""
    height: int = 8
    collapsed: bool = False


@dataclass(frozen=True)
class Board:
    """One dashboard."""

    name: str
    title: str
    description: str
    variables: Sequence[VariableModel]
    rows: Sequence[Row]
    marked: str = ""
    """Which firing alerts are marked in the graphs, as matchers; empty for none."""
    marked_with: str = ""
    """The metric whose jobs alone have their alerts marked, also while all jobs are chosen."""
    since: str = "now-3h"
    source: DataSourceRef = targets.METRICS

    @property
    def uid(self) -> str:
        """Name it in addresses; links to it stay good as long as this does."""
        return f"{TAG}-{self.name}"


def document(board: Board) -> str:
    """Write the JSON that Grafana provisions; the same board gives the same text."""
    text = JSONEncoder(sort_keys=True, indent=2).encode(_dashboard(board))
    return json.dumps(json.loads(text), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _dashboard(board: Board) -> Dashboard:
    made = builders.Dashboard(board.title).uid(board.uid).description(board.description)
    made.tags([TAG]).readonly().tooltip(DashboardCursorSync.CROSSHAIR)
    made.timezone("browser").refresh("30s").time(board.since, "now").version(1)
    found = made.build()
    found.schema_version = SCHEMA
    found.templating.list_val = [
        *board.variables,
        *([runbooks()] if _points_to_runbooks(board) else []),
    ]
    found.annotations = AnnotationContainer(list_val=_marks(board))
    found.links = _links()
    found.panels = _panels(board.rows)
    return found


def _points_to_runbooks(board: Board) -> bool:
    panels = [panel for row in board.rows for panel in row.panels]
    return "${runbooks}" in JSONEncoder().encode(panels)


def _panels(rows: Sequence[Row]) -> list[Panel | RowPanel]:
    found: list[Panel | RowPanel] = []
    number, top = 0, 0
    for row in rows:
        inside: list[Panel] = []
        if row.title:
            number += 1
            place = GridPos(h=1, w=WIDTH, x=0, y=top)
            heading = RowPanel(
                id_val=number, title=row.title, grid_pos=place, collapsed=row.collapsed
            )
            heading.panels = inside if row.collapsed else []
            found.append(heading)
            top += 1
        left = 0
        for panel, width in zip(row.panels, _widths(row), strict=True):
            if left + width > WIDTH:
                left, top = 0, top + row.height
            number += 1
            panel.id_val = number
            panel.grid_pos = GridPos(h=row.height, w=width, x=left, y=top)
            inside.append(panel)
            left += width
        top += row.height
        if not row.collapsed:
            found.extend(inside)
    return found


def _widths(row: Row) -> Sequence[int]:
    return [row.widths] * len(row.panels) if isinstance(row.widths, int) else row.widths


def _marks(board: Board) -> list[AnnotationQuery]:
    """Mark in every graph when an alert began to fire.

    Only the beginning: while ten alerts fire, ten shades over a graph would hide it.
    """
    subject = f" and on (job) count_over_time({board.marked_with}[1h])" if board.marked_with else ""
    found = []
    for severity in ("critical", "warning") if board.marked else ():
        firing = f'ALERTS{{alertstate="firing",severity="{severity}",{board.marked}}}'
        found.append(
            AnnotationQuery(
                name=f"{severity.capitalize()} alerts",
                datasource=board.source,
                icon_color=SEVERITIES[severity],
                expr=f"{firing} unless {firing} offset 1m{subject}",
                step="60s",
                title_format="{{alertname}}",
                text_format="{{severity}} {{instance}}",
                tag_keys="severity",
            )
        )
    return found


def _links() -> list[DashboardLink]:
    boards = builders.DashboardLink("Dashboards").type(DashboardLinkType.DASHBOARDS)
    boards.tags([TAG]).as_dropdown(True).keep_time(True).icon("dashboard")
    alerts = builders.DashboardLink("Alert rules").type(DashboardLinkType.LINK)
    alerts.url("/alerting/list").icon("bolt").tooltip("What is watched, and what fires now")
    return [boards.build(), alerts.build()]
