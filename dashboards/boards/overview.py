# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way in: what fires now, whether users are served, how each host does."""

from __future__ import annotations

import json

from dashboards.alerts import steps
from dashboards.board import Board, Row
from dashboards.look import BUDGET, NONE_LIKED, NONE_WANTED, SEVERITIES, STATUS_CLASSES
from dashboards.panels import bars, lines, number
from dashboards.queries import Query, by_class, percentile, share
from dashboards.tables import Column, table
from dashboards.variables import datasource

FIRING = 'ALERTS{alertstate="firing",severity="%s"}'
# The severity "none" is the heartbeat, which always fires.
ALERTS = 'ALERTS{alertstate="firing",severity!="none"}'
REQUESTS = "rate(http_requests_total[<rate>])"
FAILED = 'rate(http_requests_total{status_code=~"5.."}[<rate>])'
DURATION = "rate(http_request_duration_seconds_bucket[<rate>])"
ABOUT = (
    *("instance", "slo", "tool_name", "cache_type", "device", "datname", "service", "name"),
    *("integration", "rule_group", "file", "collector"),
)
"""Labels that tell alerts of one name apart."""
SEVERITY_WORDS = {name: (name, color) for name, color in SEVERITIES.items()}
TO_SYSTEM = "/d/barehost-system?var-host=${__data.fields.Host}&${__url_time_range}"
TO_RUNBOOK = "${runbooks}/${__data.fields.Alert}.md"

SYMPTOMS = Row(
    widths=4,
    height=4,
    panels=(
        number(
            "Critical alerts",
            "Firing now: somebody has to act at once.",
            Query(f"count({FIRING % 'critical'}) or vector(0)"),
            unit="none",
            steps=NONE_WANTED,
        ),
        number(
            "Warnings",
            "Firing now: somebody has to look at it within the day.",
            Query(f"count({FIRING % 'warning'}) or vector(0)"),
            unit="none",
            steps=NONE_LIKED,
        ),
        number(
            "Targets down",
            "Targets that did not answer the last scrape.",
            Query("count(up == 0) or vector(0)"),
            unit="none",
            steps=NONE_WANTED,
            alerts=["TargetDown", "JobAbsent"],
        ),
        number(
            "Requests per second",
            "Requests that the application answers.",
            Query(f"sum({REQUESTS})"),
            unit="reqps",
        ),
        number(
            "Failed requests",
            "Share of the requests that ended with a status from 500 on.",
            Query(f"max({share(FAILED, REQUESTS, by='job')})"),
            unit="percentunit",
            steps=steps("HighErrorRate"),
            alerts=["HighErrorRate"],
            decimals=2,
        ),
        number(
            "Response time, P95",
            "19 of 20 requests were answered faster.",
            Query(f"max({percentile(0.95, DURATION, 'job')})"),
            unit="s",
            steps=steps("HighResponseTime"),
            alerts=["HighResponseTime"],
        ),
    ),
)

NOW = Row(
    widths=(15, 9),
    panels=(
        table(
            "Firing alerts",
            "What fires now and since when. A click on the name leads to its runbook.",
            Query(
                f"label_join((ALERTS_FOR_STATE and ignoring (alertstate) {ALERTS}) * 1000,"
                f' "about", " ", {", ".join(map(json.dumps, ABOUT))})'
            ),
            columns=(
                Column("severity", "Severity", words=SEVERITY_WORDS, width=85),
                Column("alertname", "Alert", link=("Runbook", TO_RUNBOOK), width=260),
                Column("job", "Job", width=140),
                Column("about", "About"),
                Column("Value", "Since", unit="dateTimeFromNow", width=130),
            ),
            sort="Severity",
            no_value="nothing fires",
        ),
        table(
            "Hosts",
            "Share in use: processors, memory, the fullest disk. A click leads to the host.",
            Query(
                "max by (host) (1 - avg by (host, instance)"
                ' (rate(node_cpu_seconds_total{mode="idle"}[<rate>])))'
            ),
            Query(
                "max by (host) (1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes)"
            ),
            Query(
                "max by (host) (1 - node_filesystem_avail_bytes{<filesystem>}"
                " / node_filesystem_size_bytes{<filesystem>}"
                " unless node_filesystem_readonly == 1)"
            ),
            columns=(
                Column("host", "Host", link=("Host", TO_SYSTEM)),
                Column(
                    "Value #A",
                    "Processor",
                    "percentunit",
                    steps("HighCpuUsage"),
                    decimals=0,
                    width=90,
                ),
                Column(
                    "Value #B",
                    "Memory",
                    "percentunit",
                    steps("HighMemoryUsage"),
                    decimals=0,
                    width=90,
                ),
                Column(
                    "Value #C",
                    "Disk",
                    "percentunit",
                    steps("DiskSpaceLow", complement=True),
                    decimals=0,
                    width=90,
                ),
            ),
        ),
    ),
)

COURSE = Row(
    widths=8,
    panels=(
        lines(
            "Requests by class of status",
            "Answered requests; the board Application has more.",
            by_class(REQUESTS),
            unit="reqps",
            colors=STATUS_CLASSES,
            stacked=True,
        ),
        lines(
            "Alerts by severity",
            "How many alerts fired at each time.",
            Query(f"sum by (severity) ({ALERTS})", "{{severity}}"),
            unit="short",
            colors=SEVERITIES,
            stacked=True,
            no_value="none",
        ),
        bars(
            "Error budget left",
            "Share of the failures that each objective allows, and that have not happened yet.",
            Query("slo:error_budget:remaining", "{{slo}}", "instant"),
            unit="percentunit",
            steps=BUDGET,
            highest=1,
            alerts=["ErrorBudgetBurn", "ErrorBudgetUnknown"],
        ),
    ),
)

BOARD = Board(
    name="overview",
    title="Overview",
    description="What fires now, whether users are served, how each host does.",
    variables=(datasource(),),
    rows=(SYMPTOMS, NOW, COURSE),
    marked='severity!="none"',
)
