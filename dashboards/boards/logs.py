# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logs in Elasticsearch: how many, how bad, and the lines themselves."""

from __future__ import annotations

from dashboards import logs
from dashboards.board import Board, Row
from dashboards.targets import LOGS
from dashboards.variables import datasource, text

BAD = 'log.level:("error" OR "critical")'
# Raw: otherwise Grafana escapes what was typed, and * would look for an asterisk.
CHOSEN = "${query:raw}"

BOARD = Board(
    name="logs",
    title="Logs",
    description="Lines of the application's log, as Logstash puts them into Elasticsearch.",
    variables=(datasource("elasticsearch"), text("query", "Search", "*")),
    rows=(
        Row(
            widths=(4, 4, 8, 8),
            height=6,
            panels=(
                logs.count("Lines", "Lines in the chosen time.", CHOSEN),
                logs.count(
                    "Errors", "Lines of level error or critical.", CHOSEN, among=BAD, bad=True
                ),
                logs.course(
                    "Lines by level", "How many lines of which level.", CHOSEN, "log.level"
                ),
                logs.course(
                    "Errors by logger",
                    "Where errors come from.",
                    CHOSEN,
                    "log.logger",
                    among=BAD,
                ),
            ),
        ),
        Row(
            widths=24,
            height=14,
            panels=(
                logs.lines("Log", "The newest lines. A click opens all fields of a line.", CHOSEN),
            ),
        ),
    ),
    source=LOGS,
)
