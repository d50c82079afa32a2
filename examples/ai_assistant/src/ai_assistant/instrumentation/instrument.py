# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Everything in one call."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from fastapi import FastAPI
from prometheus_client.exposition import choose_encoder
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from .health import Check, health_endpoint
from .metrics import APP_INFO
from .middleware import RequestMiddleware
from .workers import registry


def instrument(
    api: FastAPI,
    *,
    version: str,
    checks: Mapping[str, Check] | None = None,
    notes: Mapping[str, Any] | None = None,
    statuses: Collection[int] = (200, 500),
) -> ASGIApp:
    """Return the application with metrics, logs, /metrics and /healthz; serve this one.

    checks: parts that the application leans on, by name; each raises when it is not usable.
    notes: what /healthz says besides. statuses: answers that are counted from zero for each route, so
    that a first error is a rise and not a new series.
    """
    APP_INFO.labels(version).set(1)
    health = health_endpoint(version, checks or {}, notes or {})
    # First, or else a route for everything, such as a mounted front end, would answer in their place.
    api.router.routes[:0] = [
        Route("/metrics", _metrics, include_in_schema=False),
        Route("/healthz", health, include_in_schema=False),
    ]
    return RequestMiddleware(api, statuses)


def _metrics(request: Request) -> Response:
    """Answer a scrape. Not async: it reads files, and so runs in a thread of its own."""
    encode, content_type = choose_encoder(request.headers.get("accept", ""))
    return Response(encode(registry()), headers={"Content-Type": content_type})
