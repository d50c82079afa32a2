# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The answers: those parts of Grafana's API that the role, its tests and people's browsers use."""

import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from standin import Refused, datasources, proxy
from standin.server import Answer, Request, logged_in

Handler = Callable[..., Answer]
_STARTED = time.time()
_ROUTES: list[tuple[str, re.Pattern[str], Handler, bool]] = []
_PAGE = (
    "<!DOCTYPE html><title>Grafana (stand-in)</title><p>This is a stand-in for Grafana, for tests."
)


def route(methods: str, pattern: str, *, free: bool = False) -> Callable[[Handler], Handler]:
    """Register an answer; free: for everybody."""

    def register(handler: Handler) -> Handler:
        _ROUTES.append((methods, re.compile(pattern), handler, free))
        return handler

    return register


def answer(request: Request) -> Answer:
    """Find the answer to a request."""
    for methods, pattern, handler, free in _ROUTES:
        found = pattern.fullmatch(request.path)
        if found and request.method in methods.split():
            if not free and not request.user:
                return Answer(401, {"message": "Unauthorized"})
            return handler(request, *found.groups())
    if not request.user and not request.path.startswith("/api/"):
        return Answer(302, b"", {"Location": f"{request.server.prefix}/login"})
    if request.path.startswith("/api/"):
        return Answer(404, {"message": "Not found"})
    return Answer(200, _PAGE.encode(), {"Content-Type": "text/html"})


@route("GET HEAD", "/api/health", free=True)
def _health(request: Request) -> Answer:
    hidden = request.server.on("auth.anonymous", "hide_version")
    told = {} if hidden else {"version": request.server.version, "commit": "stand-in"}
    return Answer(200, {"database": "ok", "stand-in": True, **told})


@route("GET", "/healthz", free=True)
def _alive(_request: Request) -> Answer:
    return Answer(200, b"Ok", {"Content-Type": "text/plain"})


@route("GET", "/metrics", free=True)
def _metrics(request: Request) -> Answer:
    labels = f'version="{request.server.version}",edition="stand-in"'
    series = f"grafana_build_info{{{labels}}} 1\nprocess_start_time_seconds {_STARTED}\n"
    return Answer(200, series.encode(), {"Content-Type": "text/plain; version=0.0.4"})


@route("GET", "/login", free=True)
def _login_page(_request: Request) -> Answer:
    return Answer(200, _PAGE.encode(), {"Content-Type": "text/html"})


@route("POST", "/login", free=True)
def _login(request: Request) -> Answer:
    given = request.json()
    user = request.server.database.login(str(given.get("user")), str(given.get("password")))
    if not user:
        return Answer(401, {"message": "Invalid username or password"})
    return logged_in(request, user)


@route("POST", "/api/user/signup", free=True)
def _signup(request: Request) -> Answer:
    if request.server.on("users", "allow_sign_up"):
        return Answer(501, {"message": "the stand-in signs nobody up"})
    return Answer(401, {"message": "User signup is disabled"})


@route("GET", "/api/user")
def _user(request: Request) -> Answer:
    return Answer(200, request.server.database.user(request.user))


@route("PUT", "/api/user/password")
def _password(request: Request) -> Answer:
    given, database = request.json(), request.server.database
    login = database.user(request.user)["login"]
    if not database.login(login, str(given.get("oldPassword"))):
        return Answer(401, {"message": "Invalid old password"})
    try:
        database.set_password(request.user, str(given.get("newPassword")))
    except Refused as exc:
        return Answer(400, {"message": str(exc)})
    return Answer(200, {"message": "User password changed"})


@route("GET", "/api/org")
def _org(_request: Request) -> Answer:
    return Answer(200, {"id": 1, "name": "Main Org."})


@route("GET", "/api/frontend/settings")
def _frontend(request: Request) -> Answer:
    return Answer(200, {"buildInfo": {"version": request.server.version, "edition": "stand-in"}})


@route("GET", "/api/admin/settings")
def _settings(request: Request) -> Answer:
    secret = re.compile("password|secret|token")
    return Answer(
        200,
        {
            section: {k: "*********" if v and secret.search(k) else v for k, v in keys.items()}
            for section, keys in request.server.settings.items()
        },
    )


@route("POST", "/api/admin/provisioning/(datasources|dashboards)/reload")
def _reload(request: Request, what: str) -> Answer:
    server = request.server
    if what == "datasources":
        datasources.provision(server.folder / what, server.database)
    else:
        server.watcher.look()
    return Answer(200, {"message": f"{what.capitalize()} config reloaded"})


# -- data sources ---------------------------------------------------------------


@route("GET", "/api/datasources")
def _sources(request: Request) -> Answer:
    return Answer(200, request.server.database.sources())


@route("POST", "/api/datasources")
def _new_source(request: Request) -> Answer:
    source = request.json()
    if not source.get("uid") or not source.get("name"):
        return Answer(400, {"message": "bad request data"})
    request.server.database.put_source(source, False, False)
    return Answer(200, {"message": "Datasource added", "name": source["name"]})


def _source(request: Request, uid: str) -> dict[str, Any] | None:
    return next((s for s in request.server.database.sources() if s["uid"] == uid), None)


@route("GET DELETE", "/api/datasources/uid/([^/]+)")
def _one_source(request: Request, uid: str) -> Answer:
    source = _source(request, uid)
    if not source:
        return Answer(404, {"message": "Data source not found"})
    if request.method == "GET":
        return Answer(200, source)
    if source["readOnly"]:
        return Answer(403, {"message": "Cannot delete read-only data source"})
    request.server.database.rows("delete from data_source where uid=?", uid)
    return Answer(200, {"message": "Data source deleted"})


@route("GET POST", "/api/datasources/proxy/uid/([^/]+)(?:/.*)?")
def _proxied(request: Request, uid: str) -> Answer:
    source = _source(request, uid)
    if not source:
        return Answer(404, {"message": "Unable to find datasource"})
    # Grafana 9 takes what follows a hyphen in the uid for a part of the path behind it.
    rest = re.sub(r"^/api/datasources/proxy/uid/\w+/?", "/", request.path)
    return proxy.forward(request, source, rest)


@route("GET", "/api/alertmanager/([^/]+)(/api/v2/.*)")
def _alertmanager(request: Request, uid: str, rest: str) -> Answer:
    source = _source(request, uid)
    if not source or source.get("jsonData", {}).get("implementation") != "prometheus":
        return Answer(404, {"message": "404 page not found"})
    return proxy.forward(request, source, rest)


# -- dashboards -----------------------------------------------------------------


@route("GET", "/api/folders")
def _folders(request: Request) -> Answer:
    rows = request.server.database.rows("select uid, title from folder")
    return Answer(200, [{"uid": uid, "title": title} for uid, title in rows])


@route("GET", "/api/search")
def _search(request: Request) -> Answer:
    rows = request.server.database.rows(
        "select d.uid, d.title, d.folder, f.title, d.data from dashboard d"
        " left join folder f on f.uid = d.folder order by d.title"
    )
    keys = ("uid", "title", "folderUid", "folderTitle")
    found = [
        {
            **dict(zip(keys, row, strict=False)),
            "type": "dash-db",
            "tags": json.loads(row[4]).get("tags") or [],
        }
        for row in rows
    ]
    return Answer(200, found if request.query.get("type") in (None, "dash-db") else [])


@route("GET", "/api/dashboards/home")
def _home(request: Request) -> Answer:
    path = request.server.settings["dashboards"]["default_home_dashboard_path"]
    board = json.loads(Path(path).read_text()) if path else {"title": "Home", "panels": []}
    return Answer(200, {"dashboard": board, "meta": {"isHome": True}})


@route("GET DELETE", "/api/dashboards/uid/([^/]+)")
def _dashboard(request: Request, uid: str) -> Answer:
    query = "select data, folder, provider, path from dashboard where uid=?"
    rows = request.server.database.rows(query, uid)
    if not rows:
        return Answer(404, {"message": "Dashboard not found"})
    data, folder, provider, path = rows[0]
    if request.method == "DELETE":
        return Answer(400, {"message": "provisioned dashboard cannot be deleted"})
    external = path.rpartition("/")[2]
    meta = {"provisioned": bool(provider), "provisionedExternalId": external, "folderUid": folder}
    return Answer(200, {"dashboard": json.loads(data), "meta": meta})


@route("POST", "/api/dashboards/db")
def _save(request: Request) -> Answer:
    uid = (request.json().get("dashboard") or {}).get("uid")
    if request.server.database.rows("select 1 from dashboard where uid=?", uid):
        return Answer(400, {"message": "Cannot save provisioned dashboard"})
    return Answer(501, {"message": "the stand-in saves no dashboards"})


# -- alerting -------------------------------------------------------------------


@route("GET", "/api/v1/provisioning/contact-points")
def _contact_points(request: Request) -> Answer:
    points = [p for data in request.server.alerting for p in data.get("contactPoints") or []]
    return Answer(
        200,
        [
            {"name": point["name"], "provenance": "file", **receiver}
            for point in points
            for receiver in point["receivers"]
        ],
    )
