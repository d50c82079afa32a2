# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Put the application together."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from fastapi import FastAPI
from starlette.types import ASGIApp

from . import SERVICE, __version__, api, faults
from .cache import Cache
from .dependencies import Unavailable
from .instrumentation.instrument import instrument
from .instrumentation.logs import configure_logging
from .settings import Settings, read_settings
from .store import Store

log = structlog.stdlib.get_logger("app")


def build(settings: Settings) -> ASGIApp:
    """Return the application, instrumented."""
    cache = Cache(settings.redis_url, settings.redis_password(), settings.cache_seconds)
    store = Store(settings.postgres_url, settings.postgres_password())

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        log.info("the application serves", version=__version__, faults=settings.faults)
        if settings.faults:
            log.warning("fault injection is on: anybody who reaches this port can cause faults")
        yield
        await cache.close()
        await store.close()
        log.info("the application has stopped")

    app = FastAPI(title="AI assistant", version=__version__, lifespan=lifespan)
    app.state.cache, app.state.store = cache, store
    app.include_router(api.router)
    if settings.faults:
        app.include_router(faults.router)
    app.add_exception_handler(Unavailable, api.unavailable)
    return instrument(
        app,
        version=__version__,
        checks={"redis": cache.ping, "postgres": store.ping},
        notes={"faults": settings.faults},
        statuses=(200, 500, 503),
    )


def create_app() -> ASGIApp:
    """Return the application of a worker; the entry point for uvicorn."""
    settings = read_settings(os.environ)
    configure_logging(settings.log_level, settings.log_file, service=SERVICE)
    try:
        return build(settings)
    except Exception:
        log.critical("the application cannot be made", exc_info=True)
        # uvicorn's number for it: the other workers would fail alike, so the service ends.
        raise SystemExit(3) from None
