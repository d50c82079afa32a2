# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measure and log every request, as a plain ASGI application around another one.

Plain, since a middleware that is handed a finished response sees neither exceptions nor the end of a
stream. Outermost, so that it also sees what other middleware answers.
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Iterable
from functools import cached_property

import structlog
from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .metrics import ACTIVE_CONNECTIONS, EXCEPTION_COUNT, REQUEST_COUNT, REQUEST_DURATION
from .routes import METHODS, OTHER, RouteTable

REQUEST_ID = "X-Request-ID"
UNMEASURED = frozenset({"/metrics", "/healthz"})

_GOOD_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
_BODY = ("http.response.body", "http.response.pathsend")

log = structlog.stdlib.get_logger("access")


class RequestMiddleware:
    """Counts, times and logs the requests of an application."""

    def __init__(self, app: Starlette, statuses: Iterable[int]) -> None:
        """Wrap the application; series of these statuses are there before the first request."""
        self._app = app
        self._statuses = tuple(statuses)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and watch what comes back."""
        routes = self._routes
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        if _path(scope).rstrip("/") in UNMEASURED:
            await self._app(scope, receive, send)
            return
        await _Request(self._app, routes, scope, request_id).answer(receive, send)

    @cached_property
    def _routes(self) -> RouteTable:
        """The routes as they are when the application starts or gets its first request."""
        routes = RouteTable(self._app.routes)
        for method, endpoint in routes.announced():
            REQUEST_DURATION.labels(method, endpoint)
            for status in self._statuses:
                REQUEST_COUNT.labels(method, endpoint, str(status))
        return routes


class _Request:
    """One request, from its first byte to the last one of its answer."""

    def __init__(self, app: ASGIApp, routes: RouteTable, scope: Scope, request_id: str) -> None:
        self._app, self._routes, self._scope, self._request_id = app, routes, scope, request_id
        self._status = 500  # what a client gets when nothing was sent
        self._recorded = False
        self._start = time.perf_counter()

    async def answer(self, receive: Receive, send: Send) -> None:
        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._status = message["status"]
                MutableHeaders(scope=message)[REQUEST_ID] = self._request_id
            await send(message)
            if message["type"] in _BODY and not message.get("more_body", False):
                self._record(complete=True)  # now: tasks in the background may follow

        ACTIVE_CONNECTIONS.inc()
        try:
            await self._app(self._scope, receive, watched)
        except Exception as exc:
            EXCEPTION_COUNT.labels(self._method, self._endpoint, type(exc).__name__).inc()
            raise
        finally:
            self._record(complete=False)

    def _record(self, *, complete: bool) -> None:
        if self._recorded:
            return
        self._recorded = True
        duration = time.perf_counter() - self._start
        ACTIVE_CONNECTIONS.dec()
        REQUEST_COUNT.labels(self._method, self._endpoint, str(self._status)).inc()
        REQUEST_DURATION.labels(self._method, self._endpoint).observe(duration)
        write = log.info if self._status < 500 else log.warning
        write(
            "request",
            method=self._scope["method"],
            route=self._endpoint,
            path=self._scope["path"],  # without the query, which may hold what is nobody's business
            status=self._status,
            duration=round(duration, 6),
            complete=complete,
        )

    @property
    def _method(self) -> str:
        method: str = self._scope["method"]
        return method if method in METHODS else OTHER

    @property
    def _endpoint(self) -> str:
        return self._routes.template(self._scope["method"], _path(self._scope))


def _path(scope: Scope) -> str:
    """Return the path as the routes of the application know it, without a proxy's prefix."""
    root: str = scope.get("app_root_path", scope.get("root_path", ""))
    path: str = scope["path"]
    return path.removeprefix(root.rstrip("/")) or "/"


def _request_id(scope: Scope) -> str:
    """Return the id that a client or proxy gave to the request, a new one when it gave none."""
    given = Headers(scope=scope).get(REQUEST_ID, "")
    return given if _GOOD_REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
