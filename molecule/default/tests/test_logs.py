# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the application logs is found in Elasticsearch, by its fields, within seconds and once."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import pytest

REQUESTS = 200
# On the application's host: requests with ids of our own, while other load runs.
SEND = """
import sys, urllib.request
prefix, number = sys.argv[1], int(sys.argv[2])
for i in range(number):
    headers = {"X-Request-ID": f"{prefix}-{i}"}
    request = urllib.request.Request("http://127.0.0.1:8000/api/items/1", headers=headers)
    try:
        urllib.request.urlopen(request, timeout=10).read()
    except urllib.error.HTTPError:
        pass
"""


@pytest.fixture(scope="module")
def prefix() -> str:
    """Return what the ids of this run begin with."""
    return f"chain{time.time_ns()}"


@pytest.fixture(scope="module")
def sent(stack: Any, load: Any, prefix: str) -> float:
    """Send the requests, and return when the last was answered."""
    stack.app.output("python3", "-c", SEND, prefix, str(REQUESTS))
    return time.time()


def test_a_line_is_found_within_seconds(stack: Any, sent: float, prefix: str) -> None:
    query = f'http.request.id:"{prefix}-{REQUESTS - 1}"'
    while not stack.logs.count(query):
        assert time.time() - sent < 20, "the line of the last request is not found"
        time.sleep(0.5)


def test_it_has_the_right_fields(stack: Any, sent: float, prefix: str) -> None:
    (line,) = stack.logs.find(f'http.request.id:"{prefix}-7" AND log.logger:access')
    assert line["service"]["name"] == "ai-assistant"
    assert line["log"]["level"] == "info"
    assert line["log"]["file"]["path"] == "/var/log/ai-assistant/ai-assistant.log"
    assert line["host"]["name"] == stack.app_name
    assert line["data_stream"]["dataset"] == "ai_assistant"
    assert line["structlog"]["route"] == "/api/items/{item_id}"
    assert line["structlog"]["method"] == "GET"
    assert f"{prefix}-7" in line["event"]["original"]
    written = datetime.fromisoformat(line["@timestamp"])
    assert abs(written - datetime.fromtimestamp(sent, UTC)).total_seconds() < 60


def test_each_request_has_its_line_once(
    stack: Any, sent: float, prefix: str, eventually: Any
) -> None:
    query = f"http.request.id:{prefix}-* AND log.logger:access"
    assert eventually(lambda: stack.logs.count(query) >= REQUESTS, seconds=30)
    found = [line["http"]["request"]["id"] for line in stack.logs.find(query, size=10_000)]
    assert sorted(found) == sorted(f"{prefix}-{number}" for number in range(REQUESTS))


def test_nothing_was_refused_or_could_not_be_read(stack: Any, sent: float) -> None:
    assert stack.logs.count("data_stream.dataset:dead_letters") == 0
    assert stack.logs.count("data_stream.dataset:ai_assistant AND _exists_:tags") == 0
