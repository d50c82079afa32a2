# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The answers: those parts of Kibana's API that the role and its tests use."""

import re
import uuid
from collections.abc import Callable
from typing import Any

from elastic.common.elasticsearch import Away, Client
from elastic.common.web import Answer, Request
from elastic.kibana import transfer, views
from elastic.kibana.store import Fault, Store

Handler = Callable[..., Answer]
_ROUTES: list[tuple[str, re.Pattern[str], Handler]] = []
_PAGE = (
    b"<!DOCTYPE html><title>Elastic (stand-in)</title><p>This is a stand-in for Kibana, for tests."
)
_READS = ("GET", "HEAD", "OPTIONS")


def route(methods: str, pattern: str) -> Callable[[Handler], Handler]:
    """Register an answer."""

    def register(handler: Handler) -> Handler:
        _ROUTES.append((methods, re.compile(pattern), handler))
        return handler

    return register


class Kibana:
    """What answers; not ready before Elasticsearch is."""

    def __init__(self, settings: dict[str, Any], client: Client, version: str, name: str) -> None:
        self.settings, self.client, self.version, self.name = settings, client, version, name
        self.store = Store(client, version)
        self.uuid = str(settings.get("server.uuid") or uuid.uuid4())
        self.ready = False
        self.alive = False
        self.secured = False

    def answer(self, request: Request) -> Answer:
        """Answer one request."""
        base = (
            self.settings.get("server.basePath", "")
            if self.settings.get("server.rewriteBasePath")
            else ""
        )
        if base and request.path.startswith(base):
            request.path = request.path[len(base) :] or "/"
        headers = {"kbn-name": self.name, "kbn-license-sig": "stand-in"}
        if not self.ready:
            return Answer(503, b"Kibana server is not ready yet.", {**headers, "Retry-After": "30"})
        try:
            told = self._answered(request)
        except Fault as exc:
            told = _refused(exc.status, str(exc))
        except Away as exc:
            self.alive = False
            told = _refused(503, str(exc))
        except (KeyError, TypeError, ValueError) as exc:
            told = _refused(400, f"[request body]: {exc}")
        told.headers |= headers
        return told

    def _answered(self, request: Request) -> Answer:
        if (
            request.method not in _READS
            and not {"kbn-xsrf", "kbn-version"} & request.headers.keys()
        ):
            return _refused(400, "Request must contain a kbn-xsrf header.")
        user = self._user(request)
        if request.path == "/api/status":
            return _status(self, user)
        if not user and request.path.startswith("/api/"):
            return _refused(401, "Unauthorized")
        for methods, pattern, handler in _ROUTES:
            found = pattern.fullmatch(request.path)
            if found and request.method in methods.split():
                return handler(self, request, *found.groups())
        if request.path.startswith("/api/"):
            return _refused(404, "Not Found")
        return Answer(200, _PAGE, {"Content-Type": "text/html"})

    def _user(self, request: Request) -> bool:
        """Whether someone known asks; with security off, everybody is."""
        if not self.secured:
            return True
        given = request.headers.get("authorization")
        if not given:
            return False
        client = Client(self.client.hosts, {"Authorization": given}, self.client.tls)
        try:
            return client.ask("GET", "/_security/_authenticate")[0] == 200
        finally:
            client.close()


def _refused(status: int, message: str) -> Answer:
    names = {400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 409: "Conflict"}
    names |= {415: "Unsupported Media Type", 503: "Service Unavailable"}
    error = names.get(status, "Internal Server Error")
    return Answer(status, {"statusCode": status, "error": error, "message": message})


def _status(kibana: Kibana, user: bool) -> Answer:
    level = "available" if kibana.alive else "critical"
    node = (
        "Elasticsearch is available"
        if kibana.alive
        else "Unable to retrieve version information from Elasticsearch nodes."
    )
    overall = {"level": level, "summary": "All services are available" if kibana.alive else node}
    code = 200 if kibana.alive else 503
    if not user:
        return Answer(code, {"status": {"overall": {"level": level}}})
    part = {"level": level, "summary": node}
    number = {
        "number": kibana.version,
        "build_hash": "stand-in",
        "build_number": 0,
        "build_snapshot": False,
    }
    status = {
        "overall": overall,
        "core": {"elasticsearch": part, "savedObjects": part},
        "plugins": {},
    }
    return Answer(
        code,
        {
            "name": kibana.name,
            "uuid": kibana.uuid,
            "version": number,
            "status": status,
            "stand-in": True,
        },
    )


# -- data views -------------------------------------------------------------------


@route("GET", "/api/data_views")
def _views(kibana: Kibana, _request: Request) -> Answer:
    return Answer(200, {"data_view": views.listed(kibana.store)})


@route("POST", "/api/data_views/data_view")
def _new_view(kibana: Kibana, request: Request) -> Answer:
    body = request.json()
    view = views.checked(body, new=True)
    return Answer(200, {"data_view": views.create(kibana.store, view, bool(body.get("override")))})


@route("GET POST DELETE", "/api/data_views/data_view/([^/]+)")
def _view(kibana: Kibana, request: Request, name: str) -> Answer:
    if request.method == "DELETE":
        kibana.store.delete("index-pattern", name)
        return Answer(200, b"")
    if request.method == "POST":
        return Answer(
            200,
            {
                "data_view": views.update(
                    kibana.store, name, views.checked(request.json(), new=False)
                )
            },
        )
    return Answer(200, {"data_view": views.shown(kibana.store.get("index-pattern", name))})


@route("GET POST", "/api/data_views/default")
def _default_view(kibana: Kibana, request: Request) -> Answer:
    try:
        attributes = kibana.store.get("config", kibana.version)["attributes"]
    except Fault:
        attributes = {}
    if request.method == "GET":
        return Answer(200, {"data_view_id": attributes.get("defaultIndex", "")})
    body = request.json()
    if body.get("force") or not attributes.get("defaultIndex"):
        changed = {**attributes, "defaultIndex": body["data_view_id"]}
        kibana.store.create("config", kibana.version, {"attributes": changed}, overwrite=True)
    return Answer(200, {"acknowledged": True})


# -- saved objects ----------------------------------------------------------------


@route("GET", "/api/saved_objects/_find")
def _find(kibana: Kibana, request: Request) -> Answer:
    kinds = request.query.get("type")
    if not kinds:
        raise Fault(
            400, "[request query.type]: expected at least one defined value but got [undefined]"
        )
    found = list(kibana.store.find([kinds]))
    return Answer(200, {"page": 1, "per_page": 20, "total": len(found), "saved_objects": found})


@route("POST", "/api/saved_objects/_export")
def _export(kibana: Kibana, request: Request) -> Answer:
    lines = transfer.exported(kibana.store, request.json())
    return Answer(
        200,
        lines,
        {
            "Content-Type": "application/ndjson",
            "Content-Disposition": "attachment; filename=export.ndjson",
        },
    )


@route("POST", "/api/saved_objects/_import")
def _import(kibana: Kibana, request: Request) -> Answer:
    overwrite, copies = (
        request.query.get(name) == "true" for name in ("overwrite", "createNewCopies")
    )
    if overwrite and copies:
        raise Fault(400, "[request query]: cannot use [overwrite] with [createNewCopies]")
    kind = request.headers.get("content-type", "")
    return Answer(200, transfer.imported(kibana.store, kind, request.body, overwrite, copies))


@route("POST", "/api/saved_objects/([a-z-]+)(?:/([^/]+))?")
def _create(kibana: Kibana, request: Request, kind: str, name: str | None) -> Answer:
    body = request.json()
    if not isinstance(body, dict) or not isinstance(body.get("attributes"), dict):
        raise Fault(
            400, "[request body.attributes]: expected value of type [object] but got [undefined]"
        )
    return Answer(
        200, kibana.store.create(kind, name, body, request.query.get("overwrite") == "true")
    )


@route("GET PUT DELETE", "/api/saved_objects/([a-z-]+)/([^/]+)")
def _one(kibana: Kibana, request: Request, kind: str, name: str) -> Answer:
    if request.method == "DELETE":
        kibana.store.delete(kind, name)
        return Answer(200, {})
    if request.method == "PUT":
        body = request.json()
        return Answer(
            200, kibana.store.update(kind, name, body["attributes"], body.get("references"))
        )
    return Answer(200, kibana.store.get(kind, name))
