# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the data sources that a dashboard asks for are there (private to this collection)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import (
    Faults,
    kind,
    nearest,
    shown,
)

_VARIABLE = re.compile(r"\$\{(\w+)(?::\w+)?\}|\$(\w+)|\[\[(\w+)(?::\w+)?\]\]")
# Grafana's own: built-in annotations, panels that mix sources or show another panel's data.
_BUILT_IN = {"-- Grafana --", "-- Mixed --", "-- Dashboard --", "grafana", "__expr__"}
_BUILT_IN |= {"-100", "default"}  # what older exports call expressions, and the default
_BUILT_IN_TYPES = {"grafana", "datasource", "__expr__"}


@dataclass(frozen=True)
class Known:
    """The data sources that a dashboard may ask for; without types, nobody knows them all."""

    uids: frozenset[str]
    types: frozenset[str] | None


@dataclass(frozen=True)
class Fault:
    """What is wrong. absent: only that no data source of the kind is deployed."""

    text: str
    absent: bool = False


def known(datasources: Any, elsewhere: Any, faults: Faults) -> Known:
    """Collect what is provisioned, and what was made by other means."""
    sources = datasources if datasources is not None else []
    others = elsewhere if elsewhere is not None else []
    for name, value in (("datasources", sources), ("elsewhere", others)):
        if not isinstance(value, list):
            faults.add(name, f"{shown(value)} is {kind(value)}, not a list")
            return Known(frozenset(), frozenset())
    found = [source for source in sources if isinstance(source, dict)]
    uids = {str(source[key]) for source in found for key in ("uid", "name") if key in source}
    types = {str(source["type"]) for source in found if "type" in source}
    return Known(
        frozenset(uids | {str(uid) for uid in others}), None if others else frozenset(types)
    )


def faults(data: dict[str, Any], there: Known) -> Iterator[Fault]:
    """Yield each data source that is not there, once, with the panel that wants it."""
    variables = _variables(data)
    yield from (
        Fault(
            f"its variable {name} offers data sources of the type {shown(kind_)}, {_none(there)}",
            True,
        )
        for name, kind_ in variables.items()
        if there.types is not None and kind_ not in there.types
    )
    names = _names(data)
    told: set[str] = set()
    for place, source in _mentions(data, "the dashboard"):
        for fault in _fault(source, names, there):
            if fault not in told:
                told.add(fault)
                yield Fault(f"{place}: {fault}")


def _none(there: Known) -> str:
    return f"and there is none (there are: {', '.join(sorted(there.types or ())) or 'none'})"


def _variables(data: dict[str, Any]) -> dict[str, str]:
    """The variables that offer data sources, and of what type."""
    return {
        str(one.get("name")): str(one.get("query"))
        for one in _listed(data)
        if one.get("type") == "datasource"
    }


def _names(data: dict[str, Any]) -> set[str]:
    """All variables: any of them may hold the name of a data source."""
    return {str(one.get("name")) for one in _listed(data)}


def _listed(data: dict[str, Any]) -> list[dict[str, Any]]:
    listed = _dictionary(data.get("templating")).get("list")
    return [one for one in (listed if isinstance(listed, list) else []) if isinstance(one, dict)]


def _dictionary(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _mentions(value: Any, place: str) -> Iterator[tuple[str, Any]]:
    """Every data source in panels, queries, variables and annotations, with the nearest name."""
    if isinstance(value, list):
        for item in value:
            yield from _mentions(item, place)
    elif isinstance(value, dict):
        name = value.get("title") or value.get("name")
        inner = f"{_word(value)} {shown(name)}" if isinstance(name, str) and name else place
        for key, item in value.items():
            if key == "datasource":
                yield inner, item
            elif isinstance(item, dict | list):
                yield from _mentions(item, place if key in ("templating", "annotations") else inner)


def _word(value: dict[str, Any]) -> str:
    if "panels" in value and "gridPos" not in value:
        return "dashboard"
    return "panel" if "gridPos" in value or "title" in value else "variable or annotation"


def _fault(source: Any, variables: set[str], there: Known) -> Iterator[str]:
    fields = source if isinstance(source, dict) else {"uid": source}
    uid, kind_ = fields.get("uid"), fields.get("type")
    if uid in (None, "") or not isinstance(uid, str):
        if isinstance(kind_, str) and there.types is not None and _foreign(kind_, there.types):
            yield f"no data source is of the type {shown(kind_)}"
        return
    variable = _VARIABLE.fullmatch(uid)
    if variable:
        name = "".join(group or "" for group in variable.groups())
        if name not in variables:
            text = f"{shown(uid)} is no variable of the dashboard"
            yield text + nearest(name, variables)
    elif uid not in _BUILT_IN and uid not in there.uids:
        by_hand = "; one made by hand belongs into grafana_datasources_elsewhere"
        yield f"there is no data source {shown(uid)}{nearest(uid, sorted(there.uids)) or by_hand}"


def _foreign(kind_: str, types: frozenset[str]) -> bool:
    return kind_ not in types and kind_ not in _BUILT_IN_TYPES
