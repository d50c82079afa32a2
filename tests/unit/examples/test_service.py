# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The application as it runs: two workers, real signals, no database."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from ansible_collections.barehost.monitoring.tests.unit.examples.support import Service

from ai_assistant.load.plan import Shares
from ai_assistant.load.traffic import Traffic, send

Start = Callable[..., Service]


@pytest.fixture(scope="module")
def service(start: Start) -> Service:
    """Return a service with two workers that lets faults be caused."""
    return start(workers=2, faults=1)


def rises(
    before: dict[str, dict[frozenset[str], float]], after: dict[str, dict[frozenset[str], float]]
) -> dict[str, dict[frozenset[str], float]]:
    """Return by how much each series has risen, without those that have not."""
    found: dict[str, dict[frozenset[str], float]] = {}
    for name, series in after.items():
        for labels, value in series.items():
            if rise := value - before.get(name, {}).get(labels, 0):
                found.setdefault(name, {})[labels] = rise
    return found


def test_the_counters_of_all_workers_are_what_the_clients_saw(service: Service) -> None:
    before = service.metrics()
    shares = Shares(errors=0.1, slowness=0.1, tool_failures=0.1)
    traffic = Traffic(service.url, duration=2, rate=60, seed=7, shares=shares, slow=0.1)
    report = asyncio.run(send(traffic))
    rise = rises(before, service.metrics())
    assert report["sent"] == report["answered"] == 123
    for name, part in (
        ("http_requests_total", "requests"),
        ("tool_executions_total", "tools"),
        ("cache_requests_total", "cache"),
    ):
        seen = {
            frozenset(value for key, value in line.items() if key != "count"): line["count"]
            for line in report[part]
        }
        assert seen
        assert rise[name] == seen
    assert sum(rise["http_request_duration_seconds_count"].values()) == 123
    assert sum(rise["http_exceptions_total"].values()) == sum(
        line["count"] for line in report["requests"] if line["status_code"] == "500"
    )


def test_both_workers_serve_and_any_of_them_answers_for_all(service: Service) -> None:
    service.said("Started server process", 2)
    before = service.metrics()["http_requests_total"]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(service.get, ["/api/chat/stream?message=hello"] * 16))
    first = service.metrics()["http_requests_total"]
    assert all(service.metrics()["http_requests_total"] == first for _scrape in range(8))
    assert rises({"": before}, {"": first})[""] == {
        frozenset({"GET", "/api/chat/stream", "200"}): 16
    }


def test_a_worker_that_dies_takes_no_count_along_and_leaves_no_request_active(
    service: Service,
) -> None:
    """Requests in flight die with it; what was counted stays, and nothing counts as running."""
    before = service.metrics()
    with ThreadPoolExecutor(8) as pool:
        slow = [pool.submit(_lost, service, "/faults/slowness?seconds=3") for _request in range(8)]
        _wait(lambda: 8 in service.metrics().get("active_connections", {}).values())
        started = service.said("Started server process")
        victim = int(started[0]["message"].split("[")[1].rstrip("]"))
        os.kill(victim, signal.SIGKILL)
        service.said("Started server process", len(started) + 1)
        lost = sum(future.result() for future in slow)
    _wait(lambda: "active_connections" not in service.metrics())
    after = service.metrics()
    for name in ("http_requests_total", "process_cpu_seconds_total"):
        assert all(after[name][labels] >= value for labels, value in before[name].items())
    answered = rises(before, after)["http_requests_total"]
    assert answered.get(frozenset({"POST", "/faults/slowness", "200"}), 0) == 8 - lost
    # The service as a whole was not started anew.
    assert after["process_start_time_seconds"] == before["process_start_time_seconds"]


def _lost(service: Service, path: str) -> bool:
    """Send a request; tell whether it got no answer."""
    try:
        httpx.post(f"{service.url}{path}", trust_env=False, timeout=40)
    except httpx.HTTPError:
        return True
    return False


def _wait(condition: Callable[[], bool]) -> None:
    limit = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.05)


def test_without_databases_it_serves_and_says_what_is_missing(service: Service) -> None:
    health = service.get("/healthz")
    assert health.status_code == 200
    told = health.json()
    assert told["status"] == "degraded"
    assert told["checks"]["redis"] == "ConnectionError"
    assert told["checks"]["postgres"] == "FileNotFoundError"
    before = service.metrics()
    answer = service.client.post(f"{service.url}/api/chat", json={"message": "calculate 6 * 7"})
    assert answer.json() == {
        "reply": "42",
        "tool": "calculator",
        "tool_status": "success",
        "cache": "miss",
    }
    refused = service.client.post(f"{service.url}/api/items", json={"name": "x"})
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
    rise = rises(before, service.metrics())
    assert rise["cache_requests_total"] == {frozenset({"reply", "miss"}): 1}
    # The cache was asked and told; the store was to write the message and the item.
    assert rise["dependency_errors_total"] == {frozenset({"redis"}): 2, frozenset({"postgres"}): 2}


def test_every_line_is_json_and_tells_its_request(service: Service) -> None:
    answer = service.client.post(
        f"{service.url}/faults/errors", headers={"X-Request-ID": "id-of-a-test"}
    )
    assert (answer.status_code, answer.headers["x-request-id"]) == (500, "id-of-a-test")
    access, fault = service.of_request("id-of-a-test", 2)
    assert (access["logger"], access["message"]) == ("access", "request")
    assert (access["method"], access["route"], access["status"]) == ("POST", "/faults/errors", 500)
    assert 0 < access["duration"] < 5
    assert access["complete"] is True
    assert (fault["logger"], fault["level"]) == ("uvicorn.error", "error")
    assert fault["exception"].startswith("Traceback (most recent call last):\n")
    assert fault["exception"].endswith("InjectedFault: asked for by POST /faults/errors")
    for line in service.lines():
        assert {"@timestamp", "level", "logger", "message", "service"} <= line.keys()
        assert "color_message" not in line
    assert service.said("fault injection is on")[0]["level"] == "warning"


def test_the_query_is_not_logged(service: Service) -> None:
    headers = {"X-Request-ID": "with-a-query"}
    address = f"{service.url}/api/chat/stream?message=count+secret-of-a-user"
    assert service.client.get(address, headers=headers).status_code == 200
    service.of_request("with-a-query", 1)
    assert "secret-of-a-user" not in service.log.read_text()


def test_running_requests_end_before_the_service_does(start: Start) -> None:
    service = start(workers=2, faults=1)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(service.client.post, f"{service.url}/faults/slowness?seconds=1.5")
        _wait(lambda: "active_connections" in service.metrics())
        seconds = service.stop()
        assert running.result().json() == {"seconds": 1.5}
    assert seconds < 10
    assert service.process.returncode == 0
    assert [line["route"] for line in service.said("request")] == ["/faults/slowness"]
    service.lines()


def test_a_request_that_takes_too_long_is_given_up(start: Start) -> None:
    service = start(faults=1, grace=1)
    thread = threading.Thread(target=_lost, args=(service, "/faults/slowness?seconds=30"))
    thread.start()
    _wait(lambda: "active_connections" in service.metrics())
    assert 1 <= service.stop() < 10
    thread.join()
    (access,) = service.said("request")
    assert (access["status"], access["route"]) == (500, "/faults/slowness")
    service.lines()


def test_faults_can_be_caused_only_where_that_was_asked_for(start: Start) -> None:
    service = start()
    for path in ("errors", "slowness?seconds=1", "tools/calculator"):
        assert service.client.post(f"{service.url}/faults/{path}").status_code == 404
    assert service.get("/healthz").json()["faults"] is False
    assert "faults" not in service.get("/openapi.json").text


def test_what_an_earlier_run_has_left_is_gone(start: Start, service: Service) -> None:
    metrics = Path(service.log.parent / "metrics")
    pids = {path.stem.rpartition("_")[2] for path in metrics.glob("*.db")}
    assert str(service.process.pid) not in pids  # the parent has nothing to count
    fresh = start()
    folder = fresh.log.parent / "metrics"
    fresh.get("/nowhere")
    fresh.stop()
    left = {path.name for path in folder.glob("*.db")}
    assert left
    again = start(after=fresh)
    assert left.isdisjoint(path.name for path in folder.glob("*.db"))
    assert "http_requests_total" not in again.metrics()


def test_bad_settings_are_told_in_one_line(start: Start) -> None:
    with pytest.raises(AssertionError, match="settings cannot be used") as told:
        start(grace="long", port=-1)
    assert "AI_ASSISTANT_GRACE: " in str(told.value)
    assert "AI_ASSISTANT_PORT: " in str(told.value)
    assert "Traceback" not in str(told.value)
