# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Addresses of the databases, looked at before anything connects.

The libraries look when they first connect, which is long after the question whether the settings are
good. No refusal repeats an address: it may hold a password.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

from pydantic_core import MultiHostUrl, ValidationError
from redis.asyncio import ConnectionPool

_REDIS = "redis://127.0.0.1:6379/0, unix:///run/redis/redis.sock"
_POSTGRES = "postgresql:///ai_assistant?host=/var/run/postgresql, postgresql://ai_assistant@db1/x"
_SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_READABLE = "holds a password, which everybody on the host could read; give {} instead"


def redis_address(url: str) -> str:
    """Return the address of a Redis, or raise ValueError."""
    try:
        pool: Any = ConnectionPool.from_url(url)
        # Options that the client does not know are told only by a connection; this one is not opened.
        connection = pool.make_connection()
    except (ValueError, TypeError):
        raise ValueError(f"is no address of a Redis (examples: {_REDIS})") from None
    if connection.password:
        raise ValueError(_READABLE.format("AI_ASSISTANT_REDIS_PASSWORD_FILE"))
    return url


def postgres_address(url: str) -> str:
    """Return the address of a PostgreSQL, or raise ValueError."""
    try:
        parsed = MultiHostUrl(url)
        options = dict(parse_qsl(urlsplit(url).query, strict_parsing=True)) if parsed.query else {}
        if parsed.scheme not in ("postgres", "postgresql"):
            raise ValueError("another scheme")
        [int(port) for port in options.get("port", "0").split(",")]
    except (ValidationError, ValueError):
        raise ValueError(f"is no address of a PostgreSQL (examples: {_POSTGRES})") from None
    if "password" in options or any(host["password"] for host in parsed.hosts()):
        raise ValueError(_READABLE.format("AI_ASSISTANT_POSTGRES_PASSWORD_FILE"))
    if options.get("sslmode", "disable") not in _SSL_MODES:
        raise ValueError(f"has an sslmode that is none of {', '.join(_SSL_MODES)}")
    return url
