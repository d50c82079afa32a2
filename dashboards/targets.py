# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Queries and links in Grafana's form."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.builders import prometheus
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models.common import DataSourceRef
from grafana_foundation_sdk.models.dashboard import DashboardLink, DashboardLinkType
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from dashboards.queries import Query

METRICS = DataSourceRef(type_val="prometheus", uid="${datasource}")
LOGS = DataSourceRef(type_val="elasticsearch", uid="${datasource}")
LIMIT_REF = "limit"
RUNBOOK = "${runbooks}/%s.md"


def metrics(queries: Sequence[Query]) -> list[Dataquery]:
    """Make targets, with refId A, B, C ..., and limit1, limit2 ... for thresholds."""
    plain = [query for query in queries if not query.limits]
    limits = [query for query in queries if query.limits]
    named = [(chr(ord("A") + place), query) for place, query in enumerate(plain)]
    named += [(f"{LIMIT_REF}{place}", query) for place, query in enumerate(limits, 1)]
    return [_target(ref, query) for ref, query in named]


def _target(ref: str, query: Query) -> Dataquery:
    made = prometheus.Dataquery().ref_id(ref).datasource(METRICS).expr(query.filled())
    made.legend_format(query.legend)
    if query.kind in ("instant", "table"):
        made.instant()
    else:
        made.range()
    if query.kind == "table":
        made.format(PromQueryFormat.TABLE)
    if query.kind == "heatmap":
        made.format(PromQueryFormat.HEATMAP)
    return made.build()


def runbooks(alerts: Iterable[str]) -> list[DashboardLink]:
    """Link a panel to the runbooks of the alerts that watch what it shows."""
    return [link(f"Runbook {name}", RUNBOOK % name, new_tab=True) for name in alerts]


def link(title: str, url: str, *, new_tab: bool = False) -> DashboardLink:
    """Make a link of a panel, a field or a board."""
    made = builders.DashboardLink(title).type(DashboardLinkType.LINK).url(url)
    return made.target_blank(new_tab).build()
