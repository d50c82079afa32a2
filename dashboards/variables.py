# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be chosen at the top of a board."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.models.common import DataSourceRef
from grafana_foundation_sdk.models.dashboard import (
    VariableHide,
    VariableModel,
    VariableOption,
    VariableRefresh,
    VariableSort,
)

from dashboards import targets
from dashboards.alerts import runbook_base

ANY, ANY_OR_NONE = ".+", ".*"


def datasource(kind: str = "prometheus") -> VariableModel:
    """Choose the data source; Grafana takes the first of its type when nothing is chosen.

    The default one, where there is one of this type, comes before any other: a second data source
    must not take over just because its name sorts first.
    """
    made = builders.DatasourceVariable("datasource").label("Data source").type(kind)
    if kind == "prometheus":
        made.current(VariableOption(selected=True, text="default", value="default"))
    return _settled(made.build())


def choice(
    name: str,
    label: str,
    query: str,
    *,
    every: str = ANY,
    source: DataSourceRef = targets.METRICS,
) -> VariableModel:
    """Choose one, several or all values of a label."""
    made = builders.QueryVariable(name).label(label).datasource(source)
    made.query({"query": query, "refId": f"variable-{name}"}).definition(query)
    made.refresh(VariableRefresh.ON_TIME_RANGE_CHANGED).sort(VariableSort.ALPHABETICAL_ASC)
    made.multi(True).include_all(True).all_value(every)
    # What a board shows before anything was chosen; pictures of it are equal everywhere.
    made.current(VariableOption(selected=True, text=["All"], value=["$__all"]))
    return _settled(made.build())


def text(name: str, label: str, value: str) -> VariableModel:
    """Take any text."""
    made = builders.TextBoxVariable(name).label(label).default_value(value).build()
    made.current = VariableOption(selected=True, text=value, value=value)
    made.options = [made.current]
    return _bare(made)


def targets_of(metric: str, *, host: bool = False) -> tuple[VariableModel, ...]:
    """Choose jobs and instances among those that have a metric; on request by host.

    Others would show nothing.
    """
    chosen = 'job=~"$job"'
    found = [choice("job", "Job", f"label_values({metric}, job)")]
    if host:
        asked = f"label_values({_selected(metric, chosen)}, host)"
        found.append(choice("host", "Host", asked, every=ANY_OR_NONE))
        chosen += ',host=~"$host"'
    asked = f"label_values({_selected(metric, chosen)}, instance)"
    found.append(choice("instance", "Instance", asked))
    return tuple(found)


def _selected(metric: str, matchers: str) -> str:
    name, _brace, more = metric.removesuffix("}").partition("{")
    return f"{name}{{{more}{',' if more else ''}{matchers}}}"


def runbooks() -> VariableModel:
    """Hold the address below which the runbooks are; all links to them use it."""
    made = builders.ConstantVariable("runbooks").label("Runbooks").value(runbook_base()).build()
    made.hide = VariableHide.HIDE_VARIABLE
    made.skip_url_sync = True
    return _bare(made)


def _settled(variable: VariableModel) -> VariableModel:
    if variable.refresh is None:
        variable.refresh = VariableRefresh.ON_DASHBOARD_LOAD
    return _bare(variable)


def _bare(variable: VariableModel) -> VariableModel:
    """Leave out what only variables of type interval have."""
    variable.auto = variable.auto_min = variable.auto_count = variable.allow_custom_value = None
    return variable
