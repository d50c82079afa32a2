# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From paths to the templates of their routes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI, WebSocket
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from ai_assistant.instrumentation.routes import UNMATCHED, RouteTable


async def nothing() -> None:
    """Answer nothing."""


async def plain(_request: Any) -> PlainTextResponse:
    """Answer without FastAPI."""
    return PlainTextResponse("")


def application() -> FastAPI:
    """Return an application with every way to make a route."""
    app, tenant, deep = FastAPI(), FastAPI(), FastAPI()
    inner, outer = APIRouter(prefix="/inner"), APIRouter(prefix="/outer")
    app.get("/items/{item}")(nothing)
    app.post("/items/{item}")(nothing)
    app.get("/items/special/all")(nothing)
    app.put("/{anything}/special")(nothing)
    inner.get("/{name}")(nothing)
    outer.include_router(inner)
    app.include_router(outer, prefix="/v1")
    deep.get("/leaf/{leaf}")(nothing)
    tenant.get("/users/{user}")(nothing)
    tenant.mount("/deep/{level}", deep)
    app.mount("/tenants/{tenant}", tenant)
    app.mount("/static", StaticFiles(directory=Path(__file__).parent))
    app.mount("/star", Starlette(routes=[Route("/{name}", plain)]))
    app.add_route("/plain/{name}", plain)

    @app.websocket("/socket/{name}")
    async def socket(websocket: WebSocket) -> None:
        await websocket.accept()

    return app


@pytest.mark.parametrize(
    ("method", "path", "template"),
    [
        ("GET", "/items/7", "/items/{item}"),
        ("POST", "/items/7", "/items/{item}"),
        ("DELETE", "/items/7", "/items/{item}"),  # 405
        ("GET", "/items/special/all", "/items/special/all"),
        ("PUT", "/items/special", "/{anything}/special"),  # the router prefers what fits the method
        ("GET", "/v1/outer/inner/x", "/v1/outer/inner/{name}"),
        ("GET", "/tenants/4711/users/9", "/tenants/{tenant}/users/{user}"),
        ("PUT", "/tenants/4711/users/9", "/tenants/{tenant}/users/{user}"),  # 405 below a mount
        ("GET", "/tenants/4711/deep/2/leaf/3", "/tenants/{tenant}/deep/{level}/leaf/{leaf}"),
        ("GET", "/tenants/4711/nowhere", UNMATCHED),
        ("GET", "/static/some/file.css", "/static/{path}"),
        ("GET", "/star/x", "/star/{name}"),
        ("GET", "/star/x/y", UNMATCHED),
        ("GET", "/plain/x", "/plain/{name}"),
        ("GET", "/docs", "/docs"),
        ("GET", "/socket/x", UNMATCHED),  # asked by HTTP
        ("GET", "/nowhere", UNMATCHED),
        ("GET", "/", UNMATCHED),
    ],
)
def test_a_path_has_the_template_of_its_route(method: str, path: str, template: str) -> None:
    assert RouteTable(application().routes).template(method, path) == template


@pytest.mark.parametrize(
    "path",
    ["/items/7", "/v1/outer/inner/x", "/tenants/4711/users/9", "/star/x", "/plain/x", "/nowhere"],
)
def test_a_template_is_known_exactly_where_the_application_answers(
    path: str, ask: Callable[..., Any]
) -> None:
    """The application itself is the oracle."""
    app = application()
    (answer,) = ask(app, ("GET", path))
    known = RouteTable(app.routes).template("GET", path) != UNMATCHED
    assert known == (answer.status_code != 404)


def test_what_is_announced_is_the_api_alone() -> None:
    app = application()
    app.router.routes.append(Mount("/open", routes=[Route("/x", plain, methods=["GET", "POST"])]))
    assert sorted(RouteTable(app.routes).announced()) == [
        ("GET", "/items/special/all"),
        ("GET", "/items/{item}"),
        ("GET", "/open/x"),
        ("GET", "/plain/{name}"),
        ("GET", "/star/{name}"),
        ("GET", "/tenants/{tenant}/deep/{level}/leaf/{leaf}"),
        ("GET", "/tenants/{tenant}/users/{user}"),
        ("GET", "/v1/outer/inner/{name}"),
        ("POST", "/items/{item}"),
        ("POST", "/open/x"),
        ("PUT", "/{anything}/special"),
    ]
