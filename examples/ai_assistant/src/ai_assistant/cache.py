# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Answers that are kept for a while in Redis. Without Redis every look-up is a miss."""

from __future__ import annotations

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from .dependencies import Dependency
from .instrumentation.cache import CacheCounter

NAMESPACE = "ai_assistant"
TIMEOUT = 0.5  # seconds; a cache that is slower than that is none


class Cache:
    """Texts by kind and key."""

    def __init__(self, url: str, password: str | None, seconds: int) -> None:
        """Prepare the client; it connects when it is first needed."""
        self._redis = Redis.from_url(
            url,
            password=password,
            decode_responses=True,
            socket_timeout=TIMEOUT,
            socket_connect_timeout=TIMEOUT,
            retry=Retry(NoBackoff(), 0),
        )
        self._seconds = seconds
        self._dependency = Dependency("redis")
        self._counters = {kind: CacheCounter(kind) for kind in ("reply", "item")}

    async def get(self, kind: str, key: str) -> str | None:
        """Return what is kept, None when nothing is; count which of both."""
        value: str | None = None
        try:
            found = await self._redis.get(f"{NAMESPACE}:{kind}:{key}")
            value = None if found is None else str(found)
            self._dependency.worked()
        except (RedisError, OSError, TimeoutError) as exc:
            self._dependency.failed(exc)
        counter = self._counters[kind]
        counter.miss() if value is None else counter.hit()
        return value

    async def put(self, kind: str, key: str, value: str) -> None:
        """Keep a text, if that is possible."""
        try:
            await self._redis.set(f"{NAMESPACE}:{kind}:{key}", value, ex=self._seconds)
        except (RedisError, OSError, TimeoutError) as exc:
            self._dependency.failed(exc)

    async def ping(self) -> None:
        """Raise when Redis is not usable."""
        await self._redis.ping()

    async def close(self) -> None:
        """Give the connections back."""
        await self._redis.aclose()
