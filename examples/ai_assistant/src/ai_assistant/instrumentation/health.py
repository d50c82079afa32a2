# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Say whether the application serves, and whether all that it leans on is there."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse

Check = Callable[[], Awaitable[Any]]

LIMIT = 1.0  # seconds for all checks together

log = structlog.stdlib.get_logger("health")


def health_endpoint(
    version: str, checks: Mapping[str, Check], notes: Mapping[str, Any]
) -> Callable[[Request], Awaitable[JSONResponse]]:
    """Return the endpoint. A check raises when its part is not usable.

    Degraded is still 200: an application that serves without its cache is not to be restarted, or
    taken out of service, because of the cache. The details say what is missing, and alerts on the
    databases say it louder. Everybody may ask: of a fault they have the class alone. Its text, which
    may name users and hosts, is for the log, once for each change.
    """
    logged: dict[str, str] = {}

    async def healthz(_request: Request) -> JSONResponse:
        faults = await asyncio.gather(*(_fault(*check, logged) for check in checks.items()))
        status = "degraded" if any(faults) else "ok"
        states = {name: fault or "ok" for name, fault in zip(checks, faults, strict=True)}
        return JSONResponse({"status": status, "version": version, "checks": states, **notes})

    return healthz


async def _fault(name: str, check: Check, logged: dict[str, str]) -> str | None:
    fault, text = "", ""
    try:
        async with asyncio.timeout(LIMIT):
            await check()
    except TimeoutError:
        fault = f"no answer within {LIMIT:g} s"
    except Exception as exc:
        fault, text = type(exc).__name__, str(exc)
    if fault and logged.get(name) != fault:
        log.warning("a check fails", check=name, fault=fault, error=text)
    logged[name] = fault
    return fault or None
