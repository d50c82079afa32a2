# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A line is found right away, and whatever it holds it is found, or kept with the reason."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from integration.support.chain import LOGS, milliseconds
from integration.support.elk import Elk
from integration.support.host import poll

RATE, PROBES, BETWEEN = 200, 5, 2
SOON = 20  # seconds; about 2 on an idle machine
# On the host: writes lines at a steady rate, asks for some of them until they are found, and prints
# the seconds that each of these took and what was found.
LIVE = """
import json, sys, threading, time, urllib.request
rate, probes, between, patience = map(int, sys.argv[1:])
seen = {}

def look(name, stamp, begin):
    url = "http://127.0.0.1:9200/logs-live-default/_search?q=structlog.event_id:" + name
    while time.time() < begin + patience:
        try:
            hits = json.load(urllib.request.urlopen(url, timeout=5))["hits"]["hits"]
        except OSError:
            hits = []
        if hits:
            seen[name] = [time.time() - begin, stamp, hits[0]["_source"]]
            return
        time.sleep(0.1)

begin = time.time()
with open("/var/log/delivery/live.log", "a") as file:
    for number in range(rate * between * probes):
        now = time.time()
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1e6):06d}Z"
        line = {"event": "many", "level": "info", "logger": "live", "timestamp": stamp}
        probe = number % (rate * between) == rate
        if probe:
            line |= {"event": "one", "level": "warn", "event_id": f"probe_{number}"}
        file.write(json.dumps(line) + chr(10))
        file.flush()
        if probe:
            threading.Thread(target=look, args=(line["event_id"], stamp, now)).start()
        time.sleep(max(0.0, begin + number / rate - time.time()))
for thread in threading.enumerate():
    if thread is not threading.current_thread():
        thread.join()
print(json.dumps(list(seen.values())))
"""


def test_a_line_is_found_within_seconds(chain: Elk) -> None:
    seen = chain.host.python(LIVE, *map(str, (RATE, PROBES, BETWEEN, SOON)))
    assert len(seen) == PROBES
    print("seconds:", *(round(seconds, 1) for seconds, _stamp, _line in seen))
    for _seconds, stamp, line in seen:
        assert line["message"] == "one"
        assert line["log"]["level"] == "warning"
        assert line["log"]["logger"] == "live"
        assert line["data_stream"]["dataset"] == "live"
        assert datetime.fromisoformat(line["@timestamp"]) == milliseconds(stamp)


def nested(levels: int, beside: bytes = b"") -> bytes:
    """Return a line of so many objects in each other, each with something beside the next."""
    return b'{"event": "nested", "in": %s1}' % (b'{%s"a": ' % beside * levels) + b"}" * levels


def keys(number: int) -> bytes:
    """Return a line of so many keys."""
    return json.dumps({"event": "keys"} | {f"key_{each}": each for each in range(number)}).encode()


MEGABYTE = 1 << 20
NOT_JSON, BROKEN = ["_not_json"], ["_jsonparsefailure", "_not_json"]
NO_TEXT, NO_TIME = ["_no_text"], ["_timestamp_unparsed"]
TOO_DEEP, TOO_LARGE = ["_too_deep"], ["_too_large"]
# What is written, and what must be found of it.
FOUND: dict[str, tuple[bytes, dict[str, Any]]] = {
    "text": (b"nothing but words", {"message": "nothing but words", "tags": NOT_JSON}),
    "blanks": (b"   ", {"message": "   ", "tags": NOT_JSON}),
    "half": (b'{"event": "ha', {"message": '{"event": "ha', "tags": BROKEN}),
    "list": (b'[1, "b"]', {"message": '[1, "b"]', "tags": NOT_JSON}),
    "nothing in it": (b"{}", {"message": "{}", "tags": NO_TEXT}),
    "end of Windows": (b'{"event": "two ends"}\r', {"message": "two ends"}),
    "megabyte of text": (b"x" * MEGABYTE, {"message": "x" * MEGABYTE, "tags": NOT_JSON}),
    "megabyte of a message": (
        b'{"level": "INFO", "event": "%s"}' % (b"y" * MEGABYTE),
        {"message": "y" * MEGABYTE, "log.level": "info"},
    ),
    "megabyte of a field": (
        b'{"event": "large", "payload": "%s"}' % (b"z" * MEGABYTE),
        {"message": "large", "structlog.payload": "z" * MEGABYTE},
    ),
    "long names": (
        b'{"event": "long", "level": "%s", "logger": "%s"}' % (b"l" * 40_000, b"n" * 40_000),
        {"message": "long", "log.level": "l" * 40_000, "log.logger": "n" * 40_000},
    ),
    "long exception": (
        b'{"event": "failed", "exception": "%s"}' % (b"e" * 100_000),
        {"message": "failed", "error.stack_trace": "e" * 100_000},
    ),
    "Latin-1": (b'{"event": "caf\xe9"}', {"message": "caf\N{REPLACEMENT CHARACTER}"}),
    "NUL": (b"be\0fore", {"message": "be\0fore", "tags": NOT_JSON}),
    "NUL in JSON": (b'{"event": "be\\u0000fore"}', {"message": "be\0fore"}),
    "NUL in broken JSON": (b'{"event": "\0"}', {"message": '{"event": "\0"}', "tags": BROKEN}),
    "event is an object": (
        b'{"event": {"kind": "x"}}',
        {"message": '{"event": {"kind": "x"}}', "tags": NO_TEXT, "structlog.event": {"kind": "x"}},
    ),
    "known fields of other types": (
        b'{"event": "types", "level": 3, "logger": {"a": 1}, "request_id": 5, "exception": [1]}',
        {"message": "types", "structlog.level": 3, "structlog.logger": {"a": 1}},
    ),
    "names of Logstash's own": (
        b'{"event": "own", "@metadata": {"id": "x"}, "tags": 7, "data_stream": {"dataset": "y"}}',
        {"message": "own", "structlog.tags": 7, "data_stream.dataset": "lines"},
    ),
    "nested": (nested(19), {"message": "nested"}),
    "too deep": (nested(20), {"message": nested(20).decode(), "tags": TOO_DEEP}),
    "much too deep": (nested(20_000), {"tags": TOO_DEEP}),
    "deep with branches": (nested(5_000, b'"b": [], '), {"tags": TOO_DEEP}),
    "deep without an end": (nested(5_000).rstrip(b"}"), {"tags": TOO_DEEP}),
    "wide": (
        b'{"event": "wide", "in": [%s2]}' % (b'[1, {"a": []}], ' * 1000),
        {"message": "wide"},
    ),
    "brackets in a text": (
        b'{"event": "%s", "in": "\\"%s"}' % (b"[{" * 50, b"[{" * 50),
        {"message": "[{" * 50, "structlog.in": '"' + "[{" * 50},
    ),
    "5000 keys": (keys(5000), {"message": "keys", "structlog.key_4999": 4999}),
    "a number": (b'{"event": "v", "value": 1}', {"structlog.value": 1}),
    "the same as an object": (b'{"event": "v", "value": {"a": "b"}}', {"structlog.value.a": "b"}),
    "larger than long": (
        b'{"event": "large", "value": 123456789012345678901234567890}',
        {"structlog.value": 123456789012345678901234567890},
    ),
    "larger than double": (b'{"event": "v", "value": 1e400}', {"tags": TOO_LARGE}),
    "400 digits": (b'{"event": "v", "value": [1, -%s]}' % (b"9" * 400), {"tags": TOO_LARGE}),
    "nearly too large": (
        b'{"event": "v", "value": 1e300, "id": "3e400", "at": "x: 3e400, y"}',
        {"structlog.value": 1e300},
    ),
    "far future": (
        b'{"event": "future", "timestamp": "9999-12-31T23:59:59.999Z"}',
        {"message": "future", "@timestamp": "9999-12-31T23:59:59.999Z"},
    ),
    "year 10000": (
        b'{"event": "year", "timestamp": "10000-01-01T00:00:00Z"}',
        {"message": "year", "tags": NO_TIME, "structlog.timestamp": "10000-01-01T00:00:00Z"},
    ),
    "no dashes": (
        b'{"event": "dashes", "timestamp": "20240102"}',
        {"message": "dashes", "tags": NO_TIME, "structlog.timestamp": "20240102"},
    ),
    "seconds in a text": (
        b'{"event": "seconds", "timestamp": "1704164645"}',
        {"message": "seconds", "@timestamp": "2024-01-02T03:04:05.000Z"},
    ),
    "before the epoch": (
        b'{"event": "past", "timestamp": "1600-01-01T00:00:00.000Z"}',
        {"message": "past", "@timestamp": "1600-01-01T00:00:00.000Z"},
    ),
    "no such day": (
        b'{"event": "day", "timestamp": "2024-02-30T00:00:00Z"}',
        {"message": "day", "tags": NO_TIME, "structlog.timestamp": "2024-02-30T00:00:00Z"},
    ),
    "out of range": (
        b'{"event": "range", "timestamp": "2024-13-45T25:61:61Z"}',
        {"message": "range", "tags": NO_TIME, "structlog.timestamp": "2024-13-45T25:61:61Z"},
    ),
    "time is an object": (
        b'{"event": "object", "timestamp": {"a": 1}}',
        {"message": "object", "tags": NO_TIME, "structlog.timestamp": {"a": 1}},
    ),
    "after all of them": (b'{"event": "last"}', {"message": "last"}),
}
# What is written, and why Elasticsearch refuses it.
REFUSED: dict[str, tuple[bytes, str]] = {
    "NUL in a key": (b'{"event": "key", "a\\u0000b": 1}', "reserved character \\\\0"),
    "key without a name": (b'{"event": "key", "": 1}', "field name cannot be an empty string"),
    "key of dots": (b'{"event": "key", "..": 1}', "field name cannot contain only dots"),
    "key too long": (b'{"event": "key", "%s": 1}' % (b"k" * 40_000), "one immense field"),
}
# No documents.
DROPPED = {"empty": b"", "empty in Windows": b"\r"}


@pytest.fixture(scope="module")
def written(chain: Elk) -> dict[str, Any]:
    """Write all of them at once; return what is found, by name, and what was refused, by its line."""
    lines = {name: line for name, (line, _wanted) in {**REFUSED, **FOUND}.items()} | DROPPED
    path = f"{LOGS}/lines.log"
    begin = int(chain.host.sh(f"stat -c %s {path} 2>/dev/null || echo 0"))
    names = {}
    for name, line in lines.items():
        names[begin] = name
        begin += len(line) + 1
    text = b"".join(line + b"\n" for line in lines.values())
    chain.host.run("dd", f"of={path}", "oflag=append", "conv=notrunc", stdin=text)
    poll(lambda: chain.number("lines") >= len(FOUND), 90, "all lines")
    poll(lambda: chain.number("dead_letters") >= len(REFUSED), 90, "all refused lines")
    return {names[line["log"]["offset"]]: line for line in chain.found("lines", "*")}


def value(line: Mapping[str, Any], path: str) -> Any:
    """Look up a dotted name."""
    found: Any = line
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found


@pytest.mark.parametrize("name", FOUND)
def test_a_line_is_found(written: dict[str, Any], name: str) -> None:
    line, wanted = FOUND[name]
    found = written[name]
    wanted = {"tags": None} | wanted
    assert {path: value(found, path) for path in wanted} == wanted
    assert found["event"]["original"] == line.removesuffix(b"\r").decode(errors="replace")
    if "@timestamp" not in wanted:  # of no time of its own: when it was read
        age = datetime.now(UTC) - datetime.fromisoformat(found["@timestamp"])
        assert 0 <= age.total_seconds() < 300


@pytest.mark.parametrize("name", REFUSED)
def test_a_refused_line_is_kept_with_the_reason(
    chain: Elk, written: dict[str, Any], name: str
) -> None:
    line, reason = REFUSED[name]
    letters = chain.found("dead_letters", "event.original", "error.message", "message")
    (letter,) = (one for one in letters if one["event"]["original"] == line.decode())
    assert reason in letter["error"]["message"]
    assert letter["message"] == "refused by Elasticsearch"


def test_nothing_else_is_found(chain: Elk, written: dict[str, Any]) -> None:
    assert set(written) == set(FOUND)
    assert chain.number("lines") == len(FOUND)
    assert chain.host.show("logstash", "NRestarts") == {"NRestarts": "0"}
