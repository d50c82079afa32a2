# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The boards that the role grafana brings."""

from __future__ import annotations

from dashboards.board import Board
from dashboards.boards import (
    application,
    elasticsearch,
    logs,
    monitoring,
    overview,
    postgresql,
    redis,
    slo,
    system,
)

BOARDS: tuple[Board, ...] = (
    overview.BOARD,
    application.BOARD,
    system.BOARD,
    slo.BOARD,
    postgresql.BOARD,
    redis.BOARD,
    elasticsearch.BOARD,
    monitoring.BOARD,
    logs.BOARD,
)
