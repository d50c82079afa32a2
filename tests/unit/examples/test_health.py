# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What /healthz says, and how long it takes to say it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from structlog.testing import capture_logs

from ai_assistant.instrumentation.health import LIMIT
from ai_assistant.instrumentation.instrument import instrument


async def good() -> None:
    """Be usable."""


async def bad() -> None:
    """Be unusable, for a reason."""
    raise ConnectionRefusedError("nobody listens")


async def mute() -> None:
    """Be unusable without a word."""
    raise ValueError


async def hanging() -> None:
    """Never answer."""
    await asyncio.sleep(60)


def test_all_is_well(ask: Callable[..., Any]) -> None:
    app = instrument(FastAPI(), version="1.2", checks={"one": good}, notes={"mode": "test"})
    (answer,) = ask(app, ("GET", "/healthz"))
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ok",
        "version": "1.2",
        "checks": {"one": "ok"},
        "mode": "test",
    }


def test_the_text_of_a_fault_is_for_the_log_once_for_each_change(ask: Callable[..., Any]) -> None:
    faults: list[Exception | None] = [OSError("user-of-db"), OSError("user-of-db")]
    faults += [None, ValueError(), OSError("again")]
    left = iter(faults)

    async def changing() -> None:
        if fault := next(left):
            raise fault

    app = instrument(FastAPI(), version="1.2", checks={"one": changing})
    with capture_logs() as lines:
        answers = ask(app, *[("GET", "/healthz")] * len(faults))
    states = [answer.json()["checks"]["one"] for answer in answers]
    assert states == ["OSError", "OSError", "ok", "ValueError", "OSError"]
    assert not any("user-of-db" in answer.text for answer in answers)
    told = [line["error"] for line in lines if line["event"] == "a check fails"]
    assert told == ["user-of-db", "", "again"]


def test_degraded_is_served_and_says_why(ask: Callable[..., Any]) -> None:
    checks = {"one": good, "two": bad, "three": mute, "four": hanging, "five": hanging}
    start = time.monotonic()
    (answer,) = ask(instrument(FastAPI(), version="1.2", checks=checks), ("GET", "/healthz"))
    assert time.monotonic() - start < 2 * LIMIT
    assert answer.status_code == 200
    assert answer.json()["status"] == "degraded"
    assert answer.json()["checks"] == {
        "one": "ok",
        "two": "ConnectionRefusedError",
        "three": "ValueError",
        "four": "no answer within 1 s",
        "five": "no answer within 1 s",
    }
