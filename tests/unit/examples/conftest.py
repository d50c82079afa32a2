# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The application in this process, and as a service of its own on loopback."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from ansible_collections.barehost.monitoring.tests.unit.examples.support import (
    EXAMPLE,
    Counted,
    Service,
)


@pytest.fixture
def counted() -> Counted:
    """Begin to count."""
    return Counted()


@pytest.fixture
def ask() -> Callable[..., list[httpx.Response]]:
    """Send requests to an application in this process, one after the other."""

    def send(app: Any, *requests: tuple[str, str], root_path: str = "", **options: Any) -> Any:
        async def all_of_them() -> list[httpx.Response]:
            transport = httpx.ASGITransport(app, raise_app_exceptions=False, root_path=root_path)
            async with httpx.AsyncClient(transport=transport, base_url="http://app") as client:
                return [await client.request(*request, **options) for request in requests]

        return asyncio.run(all_of_them())

    return send


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Service]]:
    """Start services; there is neither a Redis nor a PostgreSQL for them."""
    services: list[Service] = []

    def begin(workers: int = 1, after: Service | None = None, **settings: object) -> Service:
        folder = after.log.parent if after else tmp_path_factory.mktemp("service")
        environment = {name: value for name, value in os.environ.items() if "PROXY" not in name}
        environment |= {
            "PYTHONPATH": str(EXAMPLE / "src"),
            "PROMETHEUS_MULTIPROC_DIR": str(folder / "metrics"),
            "AI_ASSISTANT_PORT": "0",
            "AI_ASSISTANT_WORKERS": str(workers),
            "AI_ASSISTANT_REDIS_URL": "redis://127.0.0.1:1",
            "AI_ASSISTANT_POSTGRES_URL": f"postgresql:///none?host={folder}",
            **{f"AI_ASSISTANT_{name.upper()}": str(value) for name, value in settings.items()},
        }
        with (folder / "log").open("w") as log:
            command = (sys.executable, "-m", "ai_assistant")
            process = subprocess.Popen(
                command, stdout=log, stderr=log, env=environment, text=True, cwd=folder
            )
        service = Service(process, folder / "log")
        services.append(service)
        service.said("Application startup complete", workers)
        service.url = service.said("Uvicorn running on")[0]["message"].split()[3]
        return service

    yield begin
    for service in services:
        service.client.close()
        if service.process.poll() is None:
            service.stop()
