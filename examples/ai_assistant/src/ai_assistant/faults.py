# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults on demand. These endpoints exist only where AI_ASSISTANT_FAULTS is on."""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Query

from .instrumentation.tools import tool_execution
from .tools import TOOLS, ToolResult

LONGEST = 30.0  # seconds

router = APIRouter(prefix="/faults")


class InjectedFault(Exception):
    """The exception that somebody has asked for."""


@router.post("/errors")
async def errors() -> None:
    """End in an exception that nobody catches."""
    raise InjectedFault("asked for by POST /faults/errors")


@router.post("/slowness")
async def slowness(seconds: Annotated[float, Query(ge=0, le=LONGEST)]) -> dict[str, float]:
    """Take a while."""
    await asyncio.sleep(seconds)
    return {"seconds": seconds}


@router.post("/tools/{tool_name}")
async def tool_failures(
    tool_name: str, outcome: Literal["error", "timeout"] = "error"
) -> dict[str, str]:
    """Let a tool fail, without being asked to do anything."""
    if tool_name not in TOOLS:
        raise HTTPException(404, f"there is no such tool; there are {', '.join(TOOLS)}")
    try:
        with tool_execution(tool_name) as execution:
            if outcome == "timeout":
                raise TimeoutError
            execution.result(ToolResult(False, error="asked for by POST /faults/tools"))
    except TimeoutError:
        pass
    return {"tool": tool_name, "tool_status": outcome}
