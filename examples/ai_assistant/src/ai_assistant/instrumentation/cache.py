# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Count what a cache is good for."""

from __future__ import annotations

from .metrics import CACHE_REQUEST_COUNT


class CacheCounter:
    """The hits and misses of one kind of cached things."""

    def __init__(self, cache_type: str) -> None:
        """Announce both series at zero: the first hit is seen only as a rise from it."""
        self._hits = CACHE_REQUEST_COUNT.labels(cache_type, "hit")
        self._misses = CACHE_REQUEST_COUNT.labels(cache_type, "miss")

    def hit(self) -> None:
        """Count an answer that came from the cache."""
        self._hits.inc()

    def miss(self) -> None:
        """Count an answer that the cache did not have, or could not give."""
        self._misses.inc()
