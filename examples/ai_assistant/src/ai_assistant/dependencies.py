# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Databases that may be away: noticed once, counted every time, never a reason not to serve."""

from __future__ import annotations

import structlog
from prometheus_client import Counter

ERROR_COUNT = Counter("dependency_errors_total", "Calls of a database that failed.", ["dependency"])

log = structlog.stdlib.get_logger("dependency")


class Unavailable(Exception):
    """A database cannot do what was asked of it."""

    def __init__(self, dependency: str) -> None:
        """Name the database; why it is away is for the log, not for a client."""
        super().__init__(f"{dependency} is unavailable")
        self.dependency = dependency


class Dependency:
    """Whether a database works, as far as its last call tells."""

    def __init__(self, name: str) -> None:
        """Announce the counter of its errors at zero."""
        self.name = name
        self._works = True
        self._errors = ERROR_COUNT.labels(name)

    def failed(self, fault: BaseException) -> None:
        """Count a failed call, and log it if the ones before had worked."""
        self._errors.inc()
        if self._works:
            log.warning("dependency lost", dependency=self.name, error=str(fault) or repr(fault))
        self._works = False

    def worked(self) -> None:
        """Log that the database is back, if it was away."""
        if not self._works:
            log.info("dependency is back", dependency=self.name)
        self._works = True
