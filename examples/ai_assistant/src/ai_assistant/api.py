# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The endpoints of the application."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import asdict
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, HTTPException, Path, Query, Request
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel, Field

from .assistant import answer
from .cache import Cache
from .dependencies import Unavailable
from .store import Store
from .tools import TOOLS

PACE = 0.05  # seconds between two words of a stream

log = structlog.stdlib.get_logger("chat")
router = APIRouter(prefix="/api")

Text = Annotated[str, Field(min_length=1, max_length=1000, pattern=r"^[^\x00]*$")]
ItemId = Annotated[int, Path(ge=1, lt=2**63)]


class Message(BaseModel):
    """What somebody says."""

    message: Text


class Item(BaseModel):
    """Something with a name."""

    name: Text


class Parameters(BaseModel):
    """What a tool is given."""

    parameters: dict[str, str] = {}


@router.post("/chat")
async def chat(request: Request, body: Message) -> dict[str, Any]:
    """Answer a message, from the cache if it was answered before."""
    cache: Cache = request.app.state.cache
    key = hashlib.sha256(body.message.encode()).hexdigest()
    if (kept := await cache.get("reply", key)) is not None:
        return {"reply": kept, "tool": None, "cache": "hit"}
    found = await answer(body.message)
    if found.keeps:
        await cache.put("reply", key, found.text)
    # Counted and logged where it happens; the answer is worth more than the record of it.
    with suppress(Unavailable):
        await request.app.state.store.add_message(body.message, found.text)
    log.info("answered", tool=found.tool, length=len(found.text))
    status = ("success" if found.success else "error") if found.tool else None
    return {"reply": found.text, "tool": found.tool, "tool_status": status, "cache": "miss"}


@router.get("/chat/stream")
async def stream(message: Annotated[Text, Query()]) -> StreamingResponse:
    """Answer word by word, as a language model does."""
    found = await answer(message)

    async def words() -> AsyncIterator[str]:
        for word in found.text.split():
            yield f"{word} "
            await asyncio.sleep(PACE)

    return StreamingResponse(words(), media_type="text/plain; charset=utf-8")


@router.post("/items", status_code=201)
async def add_item(request: Request, body: Item) -> dict[str, Any]:
    """Write down an item."""
    store: Store = request.app.state.store
    return {"id": await store.add_item(body.name), "name": body.name}


@router.get("/items/{item_id}")
async def item(request: Request, item_id: ItemId) -> dict[str, Any]:
    """Look an item up, in the cache first."""
    cache: Cache = request.app.state.cache
    store: Store = request.app.state.store
    name, found = await cache.get("item", str(item_id)), "hit"
    if name is None:
        name, found = await store.item(item_id), "miss"
        if name is None:
            raise HTTPException(404, f"there is no item {item_id}")
        await cache.put("item", str(item_id), name)
    return {"id": item_id, "name": name, "cache": found}


@router.post("/tools/{tool_name}")
async def use_tool(tool_name: str, body: Parameters) -> dict[str, Any]:
    """Use a tool directly. Its failure is an answer like any other."""
    if tool_name not in TOOLS:
        raise HTTPException(404, f"there is no such tool; there are {', '.join(TOOLS)}")
    return asdict(await TOOLS[tool_name].execute_with_metrics(body.parameters))


async def unavailable(_request: Request, fault: Exception) -> JSONResponse:
    """Answer for a database that is away."""
    return JSONResponse({"detail": str(fault)}, 503, headers={"Retry-After": "5"})
