# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Metrics and logs for a FastAPI application of your own.

Copy this folder into your application. It needs fastapi, prometheus-client and structlog, and nothing
of the example around it.
"""

from __future__ import annotations

from .cache import CacheCounter
from .health import Check
from .instrument import instrument
from .logs import configure_logging
from .tools import MetricsToolMixin, measured_tool, tool_execution
from .workers import empty_directory

__all__ = [
    "CacheCounter",
    "Check",
    "MetricsToolMixin",
    "configure_logging",
    "empty_directory",
    "instrument",
    "measured_tool",
    "tool_execution",
]
