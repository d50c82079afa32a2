# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Items and messages, rows in PostgreSQL. The tables are made by schema.sql."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from .dependencies import Dependency, Unavailable

TIMEOUT = 2.0  # seconds, to connect and for each command
CONNECTIONS = 4  # of each worker


class Store:
    """The rows of the application."""

    def __init__(self, url: str, password: str | None = None) -> None:
        """Remember where the database is; it is connected to when it is first needed."""
        self._url = url
        self._password = password
        self._pool: Any = None
        self._opening = asyncio.Lock()
        self._dependency = Dependency("postgres")

    async def add_item(self, name: str) -> int:
        """Write an item and return its number."""
        async with self._connection() as connection:
            number: int = await connection.fetchval(
                "INSERT INTO items (name) VALUES ($1) RETURNING id", name
            )
        return number

    async def item(self, number: int) -> str | None:
        """Return the name of an item, None when there is no such item."""
        async with self._connection() as connection:
            name: str | None = await connection.fetchval(
                "SELECT name FROM items WHERE id = $1", number
            )
        return name

    async def add_message(self, text: str, reply: str) -> None:
        """Write what was asked and answered."""
        async with self._connection() as connection:
            await connection.execute(
                "INSERT INTO messages (text, reply) VALUES ($1, $2)", text, reply
            )

    async def ping(self) -> None:
        """Raise when the database is not usable; a question of health is no call to be counted."""
        async with (await self._opened()).acquire(timeout=TIMEOUT) as connection:
            await connection.fetchval("SELECT 1")

    async def close(self) -> None:
        """Give the connections back."""
        if self._pool is not None:
            await self._pool.close()

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Any]:
        try:
            async with (await self._opened()).acquire(timeout=TIMEOUT) as connection:
                yield connection
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as exc:
            self._dependency.failed(exc)
            raise Unavailable("postgres") from exc
        self._dependency.worked()

    async def _opened(self) -> Any:
        async with self._opening:
            if self._pool is None:
                self._pool = await asyncpg.create_pool(
                    self._url,
                    password=self._password,
                    min_size=0,
                    max_size=CONNECTIONS,
                    timeout=TIMEOUT,
                    command_timeout=TIMEOUT,
                )
        return self._pool
