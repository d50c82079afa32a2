# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a line in a file to a search hit: nothing is lost, and nothing is found twice."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from typing import Any

import pytest

URL, KIBANA = "http://127.0.0.1:9200", "http://127.0.0.1:5601"
STREAM = f"{URL}/logs-molecule-default"
UNITS = ("kibana", "logstash", "filebeat")
PASSWORD = "barehost:planted-deploy-0123456789"

# What is written, and what must be found of it: fields by their way in the document, and tags.
Case = tuple[bytes, dict[str, Any], set[str]]
BASE = {"@timestamp": "2026-11-26T10:11:12.123456Z", "level": "WARN", "logger": "app.main"}


def line(**fields: Any) -> bytes:
    return json.dumps({**BASE, **fields}).encode()


CASES: dict[str, Case] = {
    "application": (
        line(message="answered", service="ai", request_id="r-1", tool="search", length=3),
        {
            "@timestamp": "2026-11-26T10:11:12.123Z",
            "message": "answered",
            "log.level": "warning",
            "log.logger": "app.main",
            "service.name": "ai",
            "http.request.id": "r-1",
            "structlog.tool": "search",
        },
        set(),
    ),
    "structlog": (
        json.dumps({"event": "started", "level": "info", "timestamp": 1764151872.5}).encode(),
        {"message": "started", "log.level": "info", "@timestamp": "2025-11-26T10:11:12.500Z"},
        set(),
    ),
    "exception": (
        line(message="failed", exception="Traceback ...\nValueError: x"),
        {"error.stack_trace": "Traceback ...\nValueError: x"},
        set(),
    ),
    "exceptions as data": (
        line(message="failed", exception=[{"exc_type": "ValueError", "exc_value": "x"}]),
        {"error.type": "ValueError", "error.message": "x"},
        set(),
    ),
    "an object for a text": (
        line(event={"a": 1}, level={"b": 2}, logger=[1]),
        {"structlog.event.a": 1, "structlog.level.b": 2},
        {"_no_text"},
    ),
    "names of ECS": (line(message="x", log="text", tags={"a": 1}, host=5), {"message": "x"}, set()),
    "bad time": (
        line(message="x", timestamp="yesterday"),
        {"message": "x"},
        {"_timestamp_unparsed"},
    ),
    "a year of eight digits": (
        line(message="x", timestamp="20240102"),
        {"message": "x", "structlog.timestamp": "20240102"},
        {"_timestamp_unparsed"},
    ),
    "two objects": (b'{"message": "one"} {"message": "two"}', {"message": "two"}, set()),
    "text": (b"plain text, no JSON", {"message": "plain text, no JSON"}, {"_not_json"}),
    "broken": (b'{"message": "cut off', {"message": '{"message": "cut off'}, {"_not_json"}),
    "list": (b"[1, 2]", {"message": "[1, 2]"}, {"_not_json"}),
    "not UTF-8": (b"caf\xe9 \xff", {}, {"_not_json"}),
    "a megabyte": (
        line(message="y" * 1_000_000, data="z" * 100_000),
        {"log.level": "warning"},
        set(),
    ),
    "umlauts": (line(message="Größe 5 €"), {"message": "Größe 5 €"}, set()),
}


@pytest.fixture(scope="module")
def admin(host: Any) -> str:
    return "ada:planted-ada-$x-{PBKDF2}" if "trixie" in host.check_output("hostname") else ""


@pytest.fixture(scope="module")
def run() -> str:
    return f"run{time.time_ns()}"


def found(ask: Any, admin: str, path: str) -> list[dict[str, Any]]:
    """Return the documents of one file."""
    ask.answer(f"{STREAM}/_refresh", user=admin)
    body = {"size": 1000, "query": {"match_phrase": {"log.file.path": path}}}
    status, text = ask.answer(f"{STREAM}/_search", body=body, user=admin)
    if status == 404:
        return []
    assert status == 200, text
    return [hit["_source"] for hit in json.loads(text)["hits"]["hits"]]


def append(host: Any, path: str, data: bytes) -> None:
    code = "import sys,base64; open(sys.argv[1],'ab').write(base64.b64decode(sys.stdin.read()))"
    encoded = base64.b64encode(data).decode()
    host.run_expect([0], "mkdir -p /var/log/molecule && chmod 0755 /var/log/molecule")
    for start in range(0, len(encoded), 80_000):
        part = encoded[start : start + 80_000]
        host.check_output("printf %%s %s | python3 -c %s %s", part, code, path)
    host.check_output("chmod 0644 %s", path)


def at(document: dict[str, Any], way: str) -> Any:
    for name in way.split("."):
        document = document[name]
    return document


@pytest.fixture(scope="module")
def documents(host: Any, ask: Any, admin: str, run: str, eventually: Any) -> list[dict[str, Any]]:
    """Write all lines, and wait until all are found."""
    path = f"/var/log/molecule/{run}.log"
    append(host, path, b"".join(raw + b"\n" for raw, _fields, _tags in CASES.values()))
    assert eventually(lambda: len(found(ask, admin, path)) >= len(CASES), 120)
    documents = found(ask, admin, path)
    return sorted(documents, key=lambda document: int(document["log"]["offset"]))


@pytest.mark.parametrize("case", CASES)
def test_a_line_becomes_a_document(documents: list[dict[str, Any]], case: str) -> None:
    assert len(documents) == len(CASES)
    document = documents[list(CASES).index(case)]
    _raw, fields, tags = CASES[case]
    assert {way: at(document, way) for way in fields} == fields
    assert set(document.get("tags", [])) >= tags
    assert document["data_stream"]["dataset"] == "molecule"
    assert document["event"]["original"]


def test_nothing_is_lost_or_found_twice_while_logstash_stands_still(
    host: Any, ask: Any, admin: str, run: str, eventually: Any
) -> None:
    path = f"/var/log/molecule/{run}-many.log"
    many = [line(message=f"line {number}", event_id=f"{run}-{number}") for number in range(500)]
    append(host, path, b"\n".join(many[:250]) + b"\n")
    host.check_output("systemctl kill --signal=KILL logstash")
    append(host, path, b"\n".join(many[250:]) + b"\n")
    assert eventually(lambda: len(found(ask, admin, path)) >= 500, 300)
    time.sleep(3)
    messages = [document["message"] for document in found(ask, admin, path)]
    assert sorted(messages) == sorted(f"line {number}" for number in range(500))


def test_people_find_a_view_of_the_logs(ask: Any, host: Any) -> None:
    login = PASSWORD if "trixie" in host.check_output("hostname") else ""
    view = ask.json(f"{KIBANA}/api/data_views/data_view/barehost-logs", user=login)["data_view"]
    assert (view["title"], view["timeFieldName"]) == ("logs-*-default", "@timestamp")
    search = ask.json(f"{KIBANA}/api/saved_objects/search/barehost-errors", user=login)
    assert search["attributes"]["title"] == "Errors"


@pytest.mark.parametrize("unit", UNITS)
def test_the_unit_is_sandboxed(unit: str, exposure: Callable[[str], float], host: Any) -> None:
    assert exposure(f"{unit}.service") <= 2.0
    shown = host.check_output("systemctl show %s -p MemoryMax -p NRestarts", f"{unit}.service")
    assert "infinity" not in shown


@pytest.mark.parametrize("unit", UNITS)
def test_no_secret_is_readable(unit: str, readable: Callable[..., list[str]]) -> None:
    assert readable(f"{unit}.service") == []


@pytest.mark.parametrize("port", [5044, 5066, 5601, 9600])
def test_nobody_outside_reaches_it(host: Any, port: int) -> None:
    lines = host.check_output("ss -Hltn").splitlines()
    places = {text.split()[3] for text in lines if text.split()[3].endswith(f":{port}")}
    assert places and all("127.0.0.1" in place for place in places), places
