# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A dashboard's JSON, seen as panels, targets and variables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

# What Grafana fills in, with a value of the right form.
MACROS = {"$__rate_interval": "1m", "$__interval": "15s", "$__range": "10m"}
_LEGEND = re.compile(r"{{\s*(\w+)\s*}}")


@dataclass(frozen=True)
class Target:
    """One query of a panel."""

    json: dict[str, Any]

    @property
    def ref(self) -> str:
        """Return its name within the panel."""
        return str(self.json.get("refId", ""))

    @property
    def expr(self) -> str:
        """Return the PromQL as it is written; empty for another kind of query."""
        return str(self.json.get("expr", ""))

    @property
    def promql(self) -> str:
        """Return PromQL that a parser reads: what Grafana fills in is filled in."""
        expr = self.expr
        for macro, value in MACROS.items():
            expr = expr.replace(macro, value)
        return expr

    @property
    def asks_elasticsearch(self) -> bool:
        """Tell whether it is for Elasticsearch."""
        return str(self.json.get("datasource", {}).get("type", "")) == "elasticsearch"

    @property
    def instant(self) -> bool:
        """Tell whether it asks for the present moment only."""
        return bool(self.json.get("instant"))

    @property
    def legend(self) -> list[str]:
        """List the labels that the legend shows."""
        return _LEGEND.findall(str(self.json.get("legendFormat", "")))


@dataclass(frozen=True)
class PanelView:
    """One panel."""

    json: dict[str, Any]

    @property
    def title(self) -> str:
        """Return its title."""
        return str(self.json.get("title", ""))

    @property
    def type(self) -> str:
        """Return its kind."""
        return str(self.json.get("type", ""))

    @property
    def targets(self) -> list[Target]:
        """List its queries."""
        return [Target(target) for target in self.json.get("targets", [])]

    @property
    def defaults(self) -> dict[str, Any]:
        """Return how its values are shown."""
        found: dict[str, Any] = self.json.get("fieldConfig", {}).get("defaults", {})
        return found

    @property
    def links(self) -> list[str]:
        """List the addresses that it links to."""
        return [str(link.get("url", "")) for link in self.json.get("links", [])]


@dataclass(frozen=True)
class BoardView:
    """One dashboard."""

    json: dict[str, Any]

    @property
    def uid(self) -> str:
        """Return its uid."""
        return str(self.json.get("uid", ""))

    @property
    def variables(self) -> list[dict[str, Any]]:
        """List its variables."""
        found: list[dict[str, Any]] = self.json.get("templating", {}).get("list", [])
        return found

    def variable(self, name: str) -> dict[str, Any]:
        """Return a variable; empty when there is none of this name."""
        return next((each for each in self.variables if each.get("name") == name), {})

    @cached_property
    def boxes(self) -> list[dict[str, Any]]:
        """List all panels, rows and what is folded into them included."""
        found = []
        for panel in self.json.get("panels", []):
            found += [panel, *panel.get("panels", [])]
        return found

    @property
    def panels(self) -> list[PanelView]:
        """List the panels that show something."""
        return [PanelView(box) for box in self.boxes if box.get("type") != "row"]

    @property
    def queries(self) -> Iterator[tuple[PanelView, Target]]:
        """List every PromQL query with its panel."""
        for panel in self.panels:
            for target in panel.targets:
                if target.expr:
                    yield panel, target

    @property
    def searches(self) -> Iterator[tuple[PanelView, Target]]:
        """List every search in Elasticsearch with its panel."""
        for panel in self.panels:
            for target in panel.targets:
                if target.asks_elasticsearch:
                    yield panel, target
