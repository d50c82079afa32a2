# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is sent: the same seed gives the same requests."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

ITEMS = 3  # how many items a run begins with, to have some to read


@dataclass(frozen=True)
class Shares:
    """Which part of the requests asks for a fault (0 to 1); the others are ordinary ones."""

    errors: float = 0.0
    slowness: float = 0.0
    tool_failures: float = 0.0


@dataclass(frozen=True)
class Step:
    """One request, and the endpoint that the application must count it for."""

    method: str
    path: str
    endpoint: str
    json: dict[str, Any] | None = field(default=None, hash=False)
    params: dict[str, str] = field(default_factory=dict, hash=False)


def items() -> list[Step]:
    """Return the requests that a run begins with."""
    return [
        Step("POST", "/api/items", "/api/items", {"name": f"item {number}"})
        for number in range(1, ITEMS + 1)
    ]


def plan(seed: int, count: int, shares: Shares, ids: list[int], seconds: float) -> list[Step]:
    """Return the requests of a run. ids: items that are there; seconds: how slow slowness is."""
    choose = random.Random(seed)
    faults = (
        (shares.errors, Step("POST", "/faults/errors", "/faults/errors")),
        (
            shares.slowness,
            Step(
                "POST", "/faults/slowness", "/faults/slowness", params={"seconds": f"{seconds:g}"}
            ),
        ),
        (
            shares.tool_failures,
            Step("POST", "/faults/tools/calculator", "/faults/tools/{tool_name}"),
        ),
    )
    steps = []
    for _number in range(count):
        point = choose.random()
        for share, fault in faults:
            if point < share:
                steps.append(fault)
                break
            point -= share
        else:
            steps.append(_ordinary(choose, ids))
    return steps


def _ordinary(choose: random.Random, ids: list[int]) -> Step:
    one, two = choose.randint(1, 9), choose.randint(1, 9)
    item = f"/api/items/{choose.choice(ids)}"
    kinds = (
        (30, _chat(f"calculate {one} * {two}")),
        (10, _chat(f"count {'word ' * one}")),
        (10, _chat("what time is it")),
        (25, Step("GET", item, "/api/items/{item_id}")),
        (10, _tool("calculator", {"expression": f"{one} + {two}"})),
        (1, _tool("calculator", {"expression": f"{one} / 0"})),
        (5, _stream(f"calculate {one} - {two}")),
        (2, Step("GET", "/api/items/none", "/api/items/{item_id}")),  # 422
        (2, Step("PUT", "/api/chat", "/api/chat")),  # 405
        (2, Step("GET", f"/{choose.randbytes(4).hex()}", "unmatched")),  # 404
    )
    return choose.choices([step for _weight, step in kinds], [weight for weight, _step in kinds])[0]


def _chat(message: str) -> Step:
    return Step("POST", "/api/chat", "/api/chat", {"message": message})


def _stream(message: str) -> Step:
    return Step("GET", "/api/chat/stream", "/api/chat/stream", params={"message": message})


def _tool(name: str, parameters: dict[str, str]) -> Step:
    endpoint = "/api/tools/{tool_name}"
    return Step("POST", f"/api/tools/{name}", endpoint, {"parameters": parameters})
