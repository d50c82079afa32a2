# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a path to the template of its route.

Templates are few, paths are as many as clients care to make up: only the former can be a label.
The table is made from the routes themselves, since what frameworks leave in the scope of a request
lacks the prefix of an included router and holds the values of a mount's parameters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi.routing import iter_route_contexts
from starlette.routing import BaseRoute, Mount, WebSocketRoute

UNMATCHED = "unmatched"
OTHER = "OTHER"
METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})


@dataclass(frozen=True)
class _Entry:
    regex: re.Pattern[str]
    template: str
    methods: frozenset[str] | None  # None: all
    public: bool  # whether it is part of the API, unlike the pages that show the API
    mounted: RouteTable | None  # what lies below, if that is known


class RouteTable:
    """The routes of an application, in the order in which they are tried."""

    def __init__(self, routes: Sequence[BaseRoute]) -> None:
        """Read the routes as they are now, those of included routers and mounts too."""
        self._entries = [_entry(route) for route in iter_route_contexts(routes) if _is_http(route)]

    def template(self, method: str, path: str) -> str:
        """Return the template of the route that answers, UNMATCHED when there is none."""
        return self._find(method, path)[1] or UNMATCHED

    def announced(self) -> Iterator[tuple[str, str]]:
        """List the pairs of method and template that requests of the API have."""
        for entry in self._entries:
            if entry.mounted:
                mount = entry.template.removesuffix("/{path}")
                for method, template in entry.mounted.announced():
                    yield method, mount + template
            elif entry.public:
                for method in sorted((entry.methods or frozenset()) & METHODS - {"HEAD"}):
                    yield method, entry.template

    def _find(self, method: str, path: str) -> tuple[bool, str]:
        """Return whether the method fits, and the template; the router prefers routes that it fits."""
        partial = ""
        for entry in self._entries:
            if not (match := entry.regex.match(path)):
                continue
            if entry.mounted is not None:
                fits, below = entry.mounted._find(method, f"/{match['path']}")
                return fits, entry.template.removesuffix("/{path}") + below if below else ""
            if entry.methods is None or method in entry.methods:
                return True, entry.template
            partial = partial or entry.template
        return False, partial


def _is_http(route: Any) -> bool:
    kind = route.original_route
    return not isinstance(kind, WebSocketRoute) and getattr(route, "path_regex", None) is not None


def _entry(route: Any) -> _Entry:
    below = route.routes if isinstance(route.original_route, Mount) else []
    return _Entry(
        regex=route.path_regex,
        template=route.path_format,
        methods=None if route.methods is None else frozenset(route.methods),
        public=getattr(route, "include_in_schema", True),
        mounted=RouteTable(below) if below else None,
    )
