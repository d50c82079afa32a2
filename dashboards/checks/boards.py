# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules about a board as a whole; those of grafana/dashboard-linter have its names."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import combinations
from typing import Any

from dashboards.checks.view import BoardView

_UID = re.compile(r"[a-zA-Z0-9_-]{1,40}")
_REFRESH = re.compile(r"(\d+)(s|m|h)")
_SECONDS = {"s": 1, "m": 60, "h": 3600}
_WIDTH = 24
_LEAST_REFRESH = 30
_LEAST_SCHEMA, _LAST_SCHEMA = 37, 42
_EXPORTED = ("__inputs", "__requires", "__elements", "id", "gnetId")
_QUERY = re.compile(r"(label_values|label_names|metrics|query_result)\(")
SOURCE = "${datasource}"


def uneditable_dashboard(board: BoardView) -> Iterator[str]:
    """A key that is absent counts as editable, so it must be there."""
    if board.json.get("editable") is not False:
        yield "editable is not false"


def form(board: BoardView) -> Iterator[str]:
    """It can be provisioned: it is named, and nothing is left of an export."""
    if not _UID.fullmatch(board.uid):
        yield f"the uid {board.uid!r} is none"
    for key in ("title", "description", "tags"):
        if not board.json.get(key):
            yield f"{key} is empty"
    for key in _EXPORTED:
        if key in board.json:
            yield f"{key} belongs to an export, or to a database"
    if "${DS_" in json.dumps(board.json):
        yield "a data source of an export (${DS_...}) is left"
    if not _LEAST_SCHEMA <= board.json.get("schemaVersion", 0) <= _LAST_SCHEMA:
        yield "schemaVersion is not that of a Classic dashboard"
    match = _REFRESH.fullmatch(str(board.json.get("refresh", "")))
    if not match or int(match[1]) * _SECONDS[match[2]] < _LEAST_REFRESH:
        yield f"it asks more often than every {_LEAST_REFRESH} s, or never"


def template_datasource_rule(board: BoardView) -> Iterator[str]:
    """One variable chooses the data source, and begins with the default one for metrics."""
    found = [each for each in board.variables if each.get("type") == "datasource"]
    if [each.get("name") for each in found] != ["datasource"]:
        yield "there is not exactly one variable of type datasource, called datasource"
    if any(each.get("label") != "Data source" for each in found):
        yield 'its label is not "Data source"'
    metrics = (each for each in found if each.get("query") == "prometheus")
    if any(each.get("current", {}).get("value") != "default" for each in metrics):
        yield "another data source whose name sorts first would take over: it does not begin with default"


def template_job_rule(board: BoardView) -> Iterator[str]:
    """The job can be chosen."""
    yield from _choice(board.variable("job"), "Job")


def template_instance_rule(board: BoardView) -> Iterator[str]:
    """The instance can be chosen."""
    yield from _choice(board.variable("instance"), "Instance")


def _choice(variable: dict[str, Any], label: str) -> Iterator[str]:
    wanted = {"type": "query", "label": label, "multi": True, "includeAll": True, "allValue": ".+"}
    for key, value in wanted.items():
        if variable.get(key) != value:
            yield f"{key} is {variable.get(key)!r}, not {value!r}"


def template_label_promql_rule(board: BoardView) -> Iterator[str]:
    """A variable asks for labels, or for the result of a query."""
    for variable in _asking(board):
        if not _QUERY.match(variable.get("definition", "")):
            yield f"{variable['name']}: {variable.get('definition')!r} asks for no labels"


def template_on_time_change_reload_rule(board: BoardView) -> Iterator[str]:
    """What can be chosen follows the chosen time."""
    for variable in _asking(board):
        if variable.get("refresh") != 2:
            yield f"{variable['name']}: refresh is not 2"


def variables_ask_the_chosen_source(board: BoardView) -> Iterator[str]:
    """Variables and annotations too use the variable."""
    marks = board.json.get("annotations", {}).get("list", [])
    for each in [*_asking(board), *marks]:
        if each.get("datasource", {}).get("uid") != SOURCE:
            yield f"{each['name']} asks a data source of its own"


def variables_are_used(board: BoardView) -> Iterator[str]:
    """A variable that changes nothing misleads."""
    for variable in board.variables:
        others = [each for each in board.variables if each is not variable]
        text = json.dumps([board.json.get("panels"), board.json.get("annotations"), others])
        if not re.search(rf"\$({variable['name']}\b|{{{variable['name']}[}}:])", text):
            yield f"{variable['name']} is used nowhere"


def unique_names(board: BoardView) -> Iterator[str]:
    """Ids, titles and the names of queries are there once."""
    ids = [box.get("id") for box in board.boxes]
    titles = [panel.title for panel in board.panels]
    if None in ids or len(set(ids)) < len(ids):
        yield "two panels have one id, or one has none"
    yield from (f"{title!r} is there twice" for title in titles if titles.count(title) > 1)
    for panel in board.panels:
        refs = [target.ref for target in panel.targets]
        if "" in refs or len(set(refs)) < len(refs):
            yield f"{panel.title}: two queries have one refId, or one has none"


def no_overlap(board: BoardView) -> Iterator[str]:
    """Panels stand side by side, within the width of a board."""
    places = [(box["title"], box["gridPos"]) for box in board.boxes]
    for title, at in places:
        if at["x"] < 0 or at["x"] + at["w"] > _WIDTH or at["w"] < 1 or at["h"] < 1:
            yield f"{title} is outside"
    for (one, a), (other, b) in combinations(places, 2):
        beside = a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"]
        below = a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"]
        if not beside and not below:
            yield f"{one} and {other} overlap"


def _asking(board: BoardView) -> list[dict[str, Any]]:
    return [each for each in board.variables if each.get("type") == "query"]


RULES = {
    "uneditable-dashboard": uneditable_dashboard,
    "template-datasource-rule": template_datasource_rule,
    "template-job-rule": template_job_rule,
    "template-instance-rule": template_instance_rule,
    "template-label-promql-rule": template_label_promql_rule,
    "template-on-time-change-reload-rule": template_on_time_change_reload_rule,
    "form": form,
    "variables-ask-the-chosen-source": variables_ask_the_chosen_source,
    "variables-are-used": variables_are_used,
    "unique-names": unique_names,
    "no-overlap": no_overlap,
}
