# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Send requests at a steady rate, whether or not the ones before were answered."""

from __future__ import annotations

import asyncio
import signal
import time
from dataclasses import dataclass
from typing import Any

import httpx

from .plan import Shares, Step, items, plan
from .report import Report

AT_ONCE = 100  # requests under way at the same time, at most


@dataclass(frozen=True)
class Traffic:
    """The load that is asked for."""

    url: str
    duration: float  # seconds
    rate: float  # requests a second
    seed: int
    shares: Shares
    slow: float  # seconds that a slow request takes


async def send(traffic: Traffic) -> dict[str, Any]:
    """Send it all and report; a signal ends it early, and it still reports."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    # A connection for each request: a server closes those on which an exception has occurred, and the
    # next request on them would get no answer.
    limits = httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=0)
    # trust_env: a proxy of the environment has no business between the two.
    async with httpx.AsyncClient(
        base_url=traffic.url, limits=limits, timeout=60, trust_env=False
    ) as client:
        report = Report()
        made = [await _request(client, step, report) for step in items()]
        ids = [body["id"] for body in made if body and "id" in body] or [1]
        count = int(traffic.duration * traffic.rate)
        steps = plan(traffic.seed, count, traffic.shares, ids, traffic.slow)
        sent = await _steadily(client, steps, traffic.rate, report, stop)
    settings = {"url": traffic.url, "seed": traffic.seed, "rate": traffic.rate}
    return {**settings, "sent": len(made) + sent, "interrupted": stop.is_set(), **report.as_json()}


async def _steadily(
    client: httpx.AsyncClient, steps: list[Step], rate: float, report: Report, stop: asyncio.Event
) -> int:
    """Start each request at its time, as far as AT_ONCE allows; return how many were sent."""
    slots = asyncio.Semaphore(AT_ONCE)
    sent = 0

    async def one(step: Step) -> None:
        try:
            await _request(client, step, report)
        finally:
            slots.release()

    begin = time.monotonic()
    async with asyncio.TaskGroup() as group:
        for number, step in enumerate(steps):
            pause = begin + number / rate - time.monotonic()
            try:
                await asyncio.wait_for(stop.wait(), max(0.0, pause))
                break
            except TimeoutError:
                await slots.acquire()
                group.create_task(one(step))
                sent += 1
    return sent


async def _request(client: httpx.AsyncClient, step: Step, report: Report) -> Any:
    start = time.perf_counter()
    try:
        answer = await client.request(step.method, step.path, json=step.json, params=step.params)
    except httpx.HTTPError as exc:
        report.failed(exc)
        return None
    is_json = answer.headers.get("content-type", "").startswith("application/json")
    body = answer.json() if is_json else None
    report.answered(step, answer.status_code, time.perf_counter() - start, body)
    return body
