# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is counted of requests, compared with what their clients saw."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from ansible_collections.barehost.monitoring.tests.unit.examples.support import Counted
from fastapi import BackgroundTasks, FastAPI
from fastapi.responses import StreamingResponse
from prometheus_client import REGISTRY

from ai_assistant.instrumentation.instrument import instrument
from ai_assistant.instrumentation.metrics import BUCKETS
from ai_assistant.instrumentation.routes import METHODS, OTHER, UNMATCHED

REQUESTS, SECONDS = "http_requests_total", "http_request_duration_seconds_sum"
EXCEPTIONS, DURATIONS = "http_exceptions_total", "http_request_duration_seconds_count"
CHUNKS, PACE = 3, 0.05


class Broken(Exception):
    """What the application does not expect."""


async def late() -> None:
    """Work after the answer."""
    await asyncio.sleep(0.2)


def application() -> Any:
    """Return an application that does everything that is hard to measure."""
    api, sub = FastAPI(), FastAPI()

    @api.get("/items/{item}")
    async def item(item: int) -> int:
        return item

    @api.get("/broken")
    async def broken() -> None:
        raise Broken

    @api.get("/blocking")
    def blocking() -> str:
        return "from a thread"

    @api.get("/stream")
    async def stream() -> StreamingResponse:
        async def chunks() -> AsyncIterator[bytes]:
            for _chunk in range(CHUNKS):
                await asyncio.sleep(PACE)
                yield b"chunk"

        return StreamingResponse(chunks())

    @api.get("/breaks-off")
    async def breaks_off() -> StreamingResponse:
        async def chunks() -> AsyncIterator[bytes]:
            yield b"chunk"
            raise Broken

        return StreamingResponse(chunks())

    @api.get("/background")
    async def background(tasks: BackgroundTasks) -> str:
        tasks.add_task(late)
        return "now"

    @api.get("/hangs")
    async def hangs() -> None:
        await asyncio.sleep(60)

    @sub.get("/users/{user}")
    async def user(user: str) -> str:
        return user

    api.mount("/tenants/{tenant}", sub)
    return instrument(api, version="test", statuses=(200, 500))


def active() -> float | None:
    """Return how many requests are being answered."""
    return REGISTRY.get_sample_value("active_connections")


def labels(*values: str) -> frozenset[str]:
    """Return the values of a series' labels, as the fixture counted gives them."""
    return frozenset(values)


def test_counters_agree_with_what_clients_saw(ask: Callable[..., Any], counted: Counted) -> None:
    requests = [
        *[("GET", "/items/1"), ("GET", "/items/2"), ("GET", "/items/none"), ("PUT", "/items/1")],
        *[("GET", "/broken"), ("GET", "/broken"), ("GET", "/nowhere"), ("GET", "/blocking")],
        *[("GET", "/tenants/7/users/a"), ("GET", "/tenants/8/users/b"), ("GET", "/stream")],
    ]
    answers = ask(application(), *requests)
    endpoints = [
        *["/items/{item}"] * 4,
        *["/broken", "/broken", UNMATCHED, "/blocking"],
        *["/tenants/{tenant}/users/{user}"] * 2,
        "/stream",
    ]
    seen = Counter(
        labels(method, endpoint, str(answer.status_code))
        for (method, _path), endpoint, answer in zip(requests, endpoints, answers, strict=True)
    )
    assert {answer.status_code for answer in answers} == {200, 404, 405, 422, 500}
    assert counted.risen(REQUESTS) == seen
    assert sum(counted.risen(DURATIONS).values()) == len(requests)
    assert active() == 0


def test_an_exception_is_a_500_and_is_named(ask: Callable[..., Any], counted: Counted) -> None:
    ask(application(), ("GET", "/broken"))
    assert counted.risen(EXCEPTIONS) == {labels("GET", "/broken", "Broken"): 1}
    assert counted.risen(REQUESTS) == {labels("GET", "/broken", "500"): 1}
    assert counted.risen(DURATIONS) == {labels("GET", "/broken"): 1}


def test_an_exception_within_a_stream_is_counted_once(
    ask: Callable[..., Any], counted: Counted
) -> None:
    ask(application(), ("GET", "/breaks-off"))
    assert counted.risen(REQUESTS) == {labels("GET", "/breaks-off", "200"): 1}
    assert counted.risen(EXCEPTIONS) == {labels("GET", "/breaks-off", "Broken"): 1}
    assert active() == 0


def test_a_stream_is_timed_to_its_last_byte(ask: Callable[..., Any], counted: Counted) -> None:
    ask(application(), ("GET", "/stream"))
    assert counted.risen(SECONDS)[labels("GET", "/stream")] >= CHUNKS * PACE


def test_work_after_the_answer_is_not_timed(ask: Callable[..., Any], counted: Counted) -> None:
    ask(application(), ("GET", "/background"))
    assert counted.risen(SECONDS)[labels("GET", "/background")] < 0.2


def test_the_scrape_and_the_health_check_are_not_counted(
    ask: Callable[..., Any], counted: Counted
) -> None:
    app = application()
    ask(app, *[("GET", path) for path in ("/metrics", "/healthz", "/metrics/", "/healthz")])
    assert counted.risen(REQUESTS) == counted.risen(DURATIONS) == {}
    (scrape,) = ask(app, ("GET", "/metrics"))
    assert "\nactive_connections 0.0\n" in scrape.text


@pytest.mark.parametrize("everything", ["/", "/{path:path}"])
def test_a_route_for_everything_does_not_hide_them(
    everything: str, ask: Callable[..., Any], counted: Counted
) -> None:
    api, front_end = FastAPI(), FastAPI()
    if everything == "/":
        api.mount(everything, front_end)
    else:
        api.get(everything)(late)
    scrape, health = ask(
        instrument(api, version="test"), *[("GET", path) for path in ("/metrics", "/healthz")]
    )
    assert "active_connections" in scrape.text
    assert health.json()["status"] == "ok"
    assert counted.risen(REQUESTS) == {}


def test_series_are_there_before_the_first_request(ask: Callable[..., Any]) -> None:
    api = FastAPI()

    @api.get("/fresh")
    async def fresh() -> None:
        """Never asked for."""

    (scrape,) = ask(instrument(api, version="test", statuses=(200, 500)), ("GET", "/metrics"))
    for status in ("200", "500"):
        series = f'http_requests_total{{endpoint="/fresh",method="GET",status_code="{status}"}} 0.0'
        assert series in scrape.text
    assert 'duration_seconds_count{endpoint="/fresh",method="GET"} 0.0' in scrape.text


def test_random_paths_and_methods_make_no_series(ask: Callable[..., Any], counted: Counted) -> None:
    choose = random.Random(1)
    requests = [
        (choose.randbytes(3).hex().upper(), f"/{choose.random()}") for _request in range(200)
    ]
    requests += [("GET", f"/items/{number}") for number in range(200)]
    ask(application(), *requests)
    assert counted.risen(REQUESTS) == {
        labels(OTHER, UNMATCHED, "404"): 200,
        labels("GET", "/items/{item}", "200"): 200,
    }
    assert OTHER not in METHODS


def test_a_proxys_prefix_is_no_part_of_the_template(
    ask: Callable[..., Any], counted: Counted
) -> None:
    requests = [("GET", "/prefix/items/1"), ("GET", "/prefix/tenants/1/users/2")]
    answers = ask(application(), *requests, root_path="/prefix")
    assert [answer.status_code for answer in answers] == [200, 200]
    assert counted.risen(REQUESTS) == {
        labels("GET", "/items/{item}", "200"): 1,
        labels("GET", "/tenants/{tenant}/users/{user}", "200"): 1,
    }


def test_every_answer_carries_a_request_id(ask: Callable[..., Any]) -> None:
    app = application()
    answers = ask(app, ("GET", "/items/1"), ("GET", "/broken"), ("GET", "/nowhere"))
    ids = [answer.headers["x-request-id"] for answer in answers]
    assert len(set(ids)) == 3
    (given,) = ask(app, ("GET", "/items/1"), headers={"X-Request-ID": "abc-1.2_3"})
    assert given.headers["x-request-id"] == "abc-1.2_3"


@pytest.mark.parametrize("bad", ["", "with blank", "x" * 129, 'quo"te'])
def test_an_unusable_request_id_is_replaced(bad: str, ask: Callable[..., Any]) -> None:
    (answer,) = ask(application(), ("GET", "/items/1"), headers={"X-Request-ID": bad})
    assert len(answer.headers["x-request-id"]) == 32


def call(app: Any, path: str, *, leaves_after: int | None, cancel: bool = False) -> list[float]:
    """Call the application as a server does; return what is active while chunks are sent.

    leaves_after: after how many chunks the client is gone, None for a client that stays.
    """

    async def run() -> list[float]:
        sent: list[float] = []
        gone = asyncio.Event()

        async def receive() -> dict[str, Any]:
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            if message.get("body"):
                sent.append(active() or 0)
                if len(sent) == leaves_after:
                    gone.set()
                    await asyncio.sleep(0)

        scope = {
            **{"type": "http", "method": "GET", "path": path, "raw_path": path.encode()},
            **{"query_string": b"", "headers": [], "asgi": {"spec_version": "2.3"}},
        }
        task = asyncio.create_task(app(scope, receive, send))
        if cancel:
            await asyncio.sleep(0.05)
            task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            assert cancel
        return sent

    return asyncio.run(run())


def test_a_request_is_active_while_its_answer_is_streamed() -> None:
    assert call(application(), "/stream", leaves_after=None) == [1.0] * CHUNKS
    assert active() == 0


def test_a_client_that_leaves_during_a_stream_is_counted(counted: Counted) -> None:
    sent = call(application(), "/stream", leaves_after=1)
    assert len(sent) < CHUNKS
    assert counted.risen(REQUESTS) == {labels("GET", "/stream", "200"): 1}
    assert counted.risen(EXCEPTIONS) == {}
    assert active() == 0


def test_a_cancelled_request_is_counted_as_unanswered(counted: Counted) -> None:
    call(application(), "/hangs", leaves_after=None, cancel=True)
    assert counted.risen(REQUESTS) == {labels("GET", "/hangs", "500"): 1}
    assert active() == 0


def test_other_protocols_pass_through() -> None:
    seen = []

    class Inner(FastAPI):
        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            seen.append(scope["type"])

    app = instrument(Inner(), version="test")
    for kind in ("lifespan", "websocket"):
        asyncio.run(app({"type": kind, "path": "/"}, None, None))  # type: ignore[arg-type]
    assert seen == ["lifespan", "websocket"]


def test_thresholds_are_boundaries_of_buckets() -> None:
    assert {0.3, 1.0, 10.0} <= set(BUCKETS)
    assert (BUCKETS[0], BUCKETS[-1]) == (0.005, 120.0)
    assert list(BUCKETS) == sorted(BUCKETS)


def test_there_are_no_created_series(ask: Callable[..., Any]) -> None:
    app = application()
    ask(app, ("GET", "/items/1"))
    for accept in ("text/plain", "application/openmetrics-text; version=1.0.0"):
        (scrape,) = ask(app, ("GET", "/metrics"), headers={"Accept": accept})
        assert "http_requests_total{" in scrape.text
        assert "_created" not in scrape.text
        assert 'app_info{version="test"} 1.0' in scrape.text
        assert "process_start_time_seconds" in scrape.text
