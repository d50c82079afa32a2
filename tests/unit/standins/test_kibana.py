# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in for Kibana: settings, readiness, data views and saved objects, kept in Elasticsearch."""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from elastic.common.web import Answer, Request, Web
from elastic.kibana import command
from elastic.kibana.api import Kibana
from elastic.kibana.settings import Invalid, load

XSRF = {"kbn-xsrf": "true"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "server: {host: 0.0.0.0, port: 5601}\nserver.publicBaseUrl: http://k:5601\n",
        "elasticsearch.hosts: http://localhost:9200\ntelemetry.optIn: false\npath.data: "
        "/var/lib/kibana\n",
        "elasticsearch: {hosts: ['http://a:9200'], serviceAccountToken: abc}\n",
        f"xpack.encryptedSavedObjects.encryptionKey: {'x' * 32}\n",
        "logging.root.level: warn\nlogging: {appenders: {file: {type: file, fileName: /x, "
        "layout: {type: json}}}}\n",
        "server.name: ${NAME}\nxpack.security.session.idleTimeout: 1h\n",
    ],
)
def test_settings_that_are_fine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("NAME", "n")
    (tmp_path / "kibana.yml").write_text(text)
    load(tmp_path / "kibana.yml", {})


@pytest.mark.parametrize(
    ("text", "code", "wanted"),
    [
        (
            "xpack.security.enabled: true",
            78,
            "[config validation of [xpack.security].enabled]: definition for this key is missing",
        ),
        (
            "server.prot: 1",
            78,
            "[config validation of [server].prot]: definition for this key is missing",
        ),
        ("no.such: 1", 64, 'Unknown configuration key(s): "no.such". Check for spelling errors'),
        (
            "server.port: abc",
            78,
            "[config validation of [server].port]: expected value of type [number] but got "
            "[string]",
        ),
        ("server.port: 99999", 78, "Value must be equal to or lower than [65535]."),
        ("elasticsearch.username: elastic", 78, 'value of "elastic" is forbidden.'),
        (
            "elasticsearch: {username: a, serviceAccountToken: b}",
            78,
            "serviceAccountToken cannot be specified",
        ),
        (
            "xpack.reporting.encryptionKey: short",
            78,
            "value has length [5] but it must have a minimum length of [32].",
        ),
        ("elasticsearch.hosts: ['localhost:9200']", 78, "expected URI with scheme [http|https]."),
        ("server.basePath: kibana/", 78, "must start with a slash, don't end with one"),
        ("server.ssl.enabled: true", 78, "must specify [certificate] and [key]"),
        ("a: [", 1, "YAMLException"),
        ("server.name: ${NOBODY}", 1, "Unknown environment variable referenced in config : NOBODY"),
    ],
)
def test_settings_that_are_refused(tmp_path: Path, text: str, code: int, wanted: str) -> None:
    (tmp_path / "kibana.yml").write_text(text)
    with pytest.raises(Invalid) as refusal:
        load(tmp_path / "kibana.yml", {})
    assert refusal.value.code == code
    assert wanted in str(refusal.value)


class Node:
    """An Elasticsearch that knows single documents."""

    def __init__(self) -> None:
        self.documents: dict[str, Any] = {}
        self.made, self.version = False, "8.5.0"
        self.web = Web("127.0.0.1", 0, self._answer)

    def _answer(self, request: Request) -> Answer:
        if request.path == "/_nodes":
            return Answer(200, {"nodes": {"a": {"version": self.version}}})
        if request.path == "/_security/_authenticate":
            return Answer(405, {})
        if request.path == "/.kibana":
            return Answer(200 if self.made else 404, {})
        if request.path == "/.kibana_8.5.0_001":
            self.made = True
            return Answer(200, {})
        if request.path == "/.kibana/_search":
            kinds = request.json()["query"]["terms"]["type"]
            hits = [
                {"_id": name, "_source": one}
                for name, one in self.documents.items()
                if one["type"] in kinds
            ]
            return Answer(200, {"hits": {"hits": hits}})
        _root, _index, action, name = request.path.split("/", 3)
        if request.method == "PUT":
            if action == "_create" and name in self.documents:
                return Answer(409, {})
            self.documents[name] = request.json()
            return Answer(201, {})
        if name not in self.documents:
            return Answer(404, {})
        return Answer(
            200,
            {
                "_source": self.documents.pop(name)
                if request.method == "DELETE"
                else self.documents[name]
            },
        )


@pytest.fixture
def node() -> Iterator[Node]:
    """Begin with an empty one."""
    made = Node()
    yield made
    made.web.close()


@pytest.fixture
def kibana(node: Node) -> Kibana:
    """Make one that is ready."""
    settings = {"elasticsearch.hosts": [f"http://127.0.0.1:{node.web.port}"]}
    made = Kibana(settings, command.client_of(settings), "8.5.0", "k")
    command.look(made)
    return made


def ask(
    kibana: Kibana, method: str, path: str, body: Any = None, **headers: str
) -> tuple[int, Any]:
    """Ask as a client does."""
    url = urllib.parse.urlsplit(path)
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = {**XSRF, **{name.replace("_", "-"): value for name, value in headers.items()}}
    told = kibana.answer(
        Request(method, url.path, dict(urllib.parse.parse_qsl(url.query)), given, data)
    )
    return told.status, told.body


def test_it_is_not_ready_before_elasticsearch_is(kibana: Kibana, node: Node) -> None:
    assert ask(kibana, "GET", "/api/status")[0] == 200
    assert ask(kibana, "GET", "/api/status")[1]["version"]["number"] == "8.5.0"
    fresh = Kibana(kibana.settings, kibana.client, "8.5.0", "k")
    assert ask(fresh, "GET", "/api/status") == (503, b"Kibana server is not ready yet.")
    node.version = "7.17.0"
    command.look(fresh)
    assert not fresh.ready
    node.web.close()
    command.look(kibana)
    status, told = ask(kibana, "GET", "/api/status")
    assert (status, told["status"]["overall"]["level"]) == (503, "critical")


def test_what_changes_something_needs_a_header(kibana: Kibana) -> None:
    told = kibana.answer(Request("POST", "/api/data_views/data_view", {}, {}, b"{}"))
    assert (told.status, told.body["message"]) == (400, "Request must contain a kbn-xsrf header.")


def test_a_data_view(kibana: Kibana, node: Node) -> None:
    view = {"id": "logs", "title": "logs-app-*", "name": "App", "timeFieldName": "@timestamp"}
    path = "/api/data_views/data_view"
    assert ask(kibana, "GET", f"{path}/logs") == (
        404,
        {
            "statusCode": 404,
            "error": "Not Found",
            "message": "Saved object [index-pattern/logs] not found",
        },
    )
    status, told = ask(kibana, "POST", path, {"data_view": view})
    assert status == 200
    assert view.items() <= told["data_view"].items()
    assert node.documents["index-pattern:logs"]["type"] == "index-pattern"
    assert ask(kibana, "GET", f"{path}/logs")[1]["data_view"]["title"] == "logs-app-*"
    assert (
        ask(kibana, "POST", path, {"data_view": view})[1]["message"] == "Duplicate data view: App"
    )
    assert ask(kibana, "POST", path, {"data_view": {**view, "name": "Other"}})[0] == 409
    assert ask(kibana, "POST", path, {"override": True, "data_view": view})[0] == 200
    assert (
        ask(kibana, "POST", f"{path}/logs", {"data_view": {"name": "New"}})[1]["data_view"]["name"]
        == "New"
    )
    assert [one["id"] for one in ask(kibana, "GET", "/api/data_views")[1]["data_view"]] == ["logs"]
    assert ask(kibana, "POST", path, {"data_view": {"titel": "x", "title": "y"}})[0] == 400
    assert ask(kibana, "POST", path, {"data_view": {}})[0] == 400
    ask(kibana, "POST", "/api/data_views/default", {"data_view_id": "logs"})
    ask(kibana, "POST", "/api/data_views/default", {"data_view_id": "other"})
    assert ask(kibana, "GET", "/api/data_views/default")[1] == {"data_view_id": "logs"}
    assert ask(kibana, "DELETE", f"{path}/logs")[0] == 200
    assert ask(kibana, "GET", f"{path}/logs")[0] == 404


def test_saved_objects(kibana: Kibana) -> None:
    path, body = (
        "/api/saved_objects/search/s",
        {"attributes": {"title": "S", "columns": ["message"]}},
    )
    assert ask(kibana, "POST", path, body)[1]["attributes"] == body["attributes"]
    status, told = ask(kibana, "POST", path, body)
    assert (status, told["message"]) == (409, "Saved object [search/s] conflict")
    assert ask(kibana, "POST", f"{path}?overwrite=true", body)[0] == 200
    assert ask(kibana, "PUT", path, {"attributes": {"title": "T"}})[1]["attributes"]["columns"] == [
        "message"
    ]
    assert ask(kibana, "GET", "/api/saved_objects/_find?type=search")[1]["total"] == 1
    assert ask(kibana, "POST", "/api/saved_objects/nonsense", body)[0] == 400
    assert ask(kibana, "DELETE", path) == (200, {})
    assert ask(kibana, "GET", path)[0] == 404


def _form(lines: list[dict[str, Any]], name: str = "x.ndjson") -> tuple[bytes, str]:
    content = "\n".join(json.dumps(line) for line in lines)
    head = f'--b\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
    head += "Content-Type: application/ndjson\r\n\r\n"
    return f"{head}{content}\r\n--b--\r\n".encode(), "multipart/form-data; boundary=b"


def test_import_and_export(kibana: Kibana) -> None:
    path = "/api/saved_objects/_import"
    reference = {"type": "index-pattern", "id": "logs", "name": "n"}
    search = {"type": "search", "id": "s", "attributes": {"title": "ü"}, "references": [reference]}
    view = {
        "type": "index-pattern",
        "id": "logs",
        "attributes": {"title": "logs-*"},
        "references": [],
    }
    body, kind = _form([search])
    status, told = ask(kibana, "POST", path, body, content_type=kind)
    assert (status, told["success"], told["errors"][0]["error"]["type"]) == (
        200,
        False,
        "missing_references",
    )
    body, kind = _form([view, search, {"exportedCount": 2}])
    assert ask(kibana, "POST", path, body, content_type=kind)[1]["successCount"] == 2
    told = ask(kibana, "POST", path, body, content_type=kind)[1]
    assert [error["error"]["type"] for error in told["errors"]] == ["conflict", "conflict"]
    assert ask(kibana, "POST", f"{path}?overwrite=true", body, content_type=kind)[1]["success"]
    asked = {"objects": [{"type": "search", "id": "s"}], "includeReferencesDeep": True}
    lines = [
        json.loads(line)
        for line in ask(kibana, "POST", "/api/saved_objects/_export", asked)[1].splitlines()
    ]
    assert [line.get("id") for line in lines] == ["s", "logs", None]
    assert lines[2]["exportedCount"] == 2
    body, kind = _form([view], "x.json")
    assert (
        ask(kibana, "POST", path, body, content_type=kind)[1]["message"]
        == "Invalid file extension .json"
    )


def test_root_is_refused(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command.os, "geteuid", lambda: 0)
    assert command.main([]) == 1
    assert "Kibana should not be run as root." in capfd.readouterr().err
