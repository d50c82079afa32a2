# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the application, with one worker or several."""

from __future__ import annotations

from collections.abc import Mapping

import structlog
import uvicorn

from . import SERVICE
from .instrumentation.logs import configure_logging
from .instrumentation.workers import empty_directory
from .settings import SettingsError, read_settings

log = structlog.stdlib.get_logger("server")


def serve(environment: Mapping[str, str]) -> int:
    """Serve until a signal comes; then let running requests end, within the time of grace."""
    configure_logging(service=SERVICE)
    try:
        settings = read_settings(environment)
    except SettingsError as exc:
        log.critical("the settings cannot be used", error=str(exc))
        return 2
    try:
        configure_logging(settings.log_level, settings.log_file, service=SERVICE)
    except OSError as exc:
        log.critical("the log file cannot be written", error=str(exc))
        return 2
    empty_directory()  # before anything imports the metrics, which open their files at once
    uvicorn.run(
        "ai_assistant.app:create_app",
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        timeout_graceful_shutdown=settings.grace,
        log_config=None,  # else uvicorn writes lines of its own form
        access_log=False,  # the middleware writes one, with more in it
        server_header=False,
    )
    return 0
