# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The application: requests, response times, errors, tools, cache."""

from __future__ import annotations

from dashboards.alerts import steps
from dashboards.board import Board, Row
from dashboards.look import NONE_LIKED, OUTCOMES, PERCENTILES, STATUS_CLASSES
from dashboards.panels import bars, lines, number, spread
from dashboards.queries import Query, by_class, limit, percentile, share
from dashboards.variables import choice, datasource, targets_of

REQUESTS = "rate(http_requests_total{<target>}[<rate>])"
FAILED = 'rate(http_requests_total{<target>,status_code=~"5.."}[<rate>])'
REFUSED = 'rate(http_requests_total{<target>,status_code=~"4.."}[<rate>])'
DURATION = "rate(http_request_duration_seconds_bucket{<target>}[<rate>])"
RUNS = 'rate(tool_executions_total{<target>,tool_name=~"$tool"}[<rate>])'
BAD_RUNS = (
    'rate(tool_executions_total{<target>,tool_name=~"$tool",status=~"error|timeout"}[<rate>])'
)
TOOL_TIME = 'rate(tool_execution_duration_seconds_bucket{<target>,tool_name=~"$tool"}[<rate>])'
LOOKUPS = "rate(cache_requests_total{<target>}[<rate>])"
HITS = 'rate(cache_requests_total{<target>,result="hit"}[<rate>])'
OWN = "and on (job, instance) active_connections{<target>}"
"""Of what every process exposes, that of the application alone, also while all jobs are chosen."""
MISSES = 'rate(cache_requests_total{<target>,result="miss"}[<rate>])'

SYMPTOMS = Row(
    widths=(4, 4, 4, 3, 3, 3, 3),
    height=4,
    panels=(
        number(
            "Requests per second",
            "All requests that were answered, whatever the status.",
            Query(f"sum({REQUESTS})"),
            unit="reqps",
            alerts=["NoTraffic"],
        ),
        number(
            "Failed requests",
            "Share of the requests that ended with a status from 500 on.",
            Query(share(FAILED, REQUESTS, by="job")),
            unit="percentunit",
            steps=steps("HighErrorRate"),
            alerts=["HighErrorRate"],
            decimals=2,
        ),
        number(
            "Response time, P95",
            "19 of 20 requests were answered faster.",
            Query(percentile(0.95, DURATION, "job")),
            unit="s",
            steps=steps("HighResponseTime"),
            alerts=["HighResponseTime"],
        ),
        number(
            "Requests in flight",
            "Requests that are being answered now.",
            Query("sum(active_connections{<target>})"),
            unit="short",
        ),
        number(
            "Failed tool runs",
            "Share of the tool runs that ended with an error, or took too long.",
            Query(share(BAD_RUNS, RUNS, by="job")),
            unit="percentunit",
            steps=steps("ToolExecutionFailure"),
            alerts=["ToolExecutionFailure", "AllToolsFail"],
            decimals=2,
            no_value="no runs",
        ),
        number(
            "Instances up",
            "Targets of the application that Prometheus can scrape.",
            # Also those whose own metrics are gone with them: 0 is something else than no data.
            Query(
                "sum(up{<target>} and on (job, instance)"
                " count_over_time(active_connections{<target>}[1d]))"
            ),
            unit="none",
            alerts=["TargetDown", "JobAbsent"],
            trend=False,
        ),
        number(
            "Release",
            "Version of the application; two while a new one is rolled out.",
            Query("count by (version) (app_info{<target>})", "{{version}}", "instant"),
            unit="none",
            trend=False,
            name_only=True,
        ),
    ),
)

REQUEST_PANELS = Row(
    widths=(6, 6, 6, 6, 12, 12, 12, 12),
    panels=(
        lines(
            "Request Rate",
            "Answered requests by class of the status.",
            by_class(REQUESTS),
            unit="reqps",
            colors=STATUS_CLASSES,
            stacked=True,
        ),
        lines(
            "Response Time",
            "How long requests take, to the last byte. The dashed line is where an alert fires.",
            Query(percentile(0.5, DURATION, "job"), "p50 {{job}}"),
            Query(percentile(0.95, DURATION, "job"), "p95 {{job}}"),
            Query(percentile(0.99, DURATION, "job"), "p99 {{job}}"),
            limit("HighResponseTime"),
            unit="s",
            colors=PERCENTILES,
        ),
        lines(
            "Error Rate",
            "Share of the requests that failed (5xx) or were refused (4xx).",
            Query(share(FAILED, REQUESTS, by="job"), "5xx {{job}}"),
            Query(share(REFUSED, REQUESTS, by="job"), "4xx {{job}}"),
            limit("HighErrorRate"),
            unit="percentunit",
            colors=STATUS_CLASSES,
        ),
        lines(
            "Active Connections",
            "Requests in flight, scrapes and health checks left out.",
            Query("sum by (instance) (active_connections{<target>})", "{{instance}}"),
            unit="short",
        ),
        lines(
            "Busiest endpoints",
            "The ten endpoints with the most requests, by route template.",
            Query(f"topk(10, sum by (method, endpoint) ({REQUESTS}))", "{{method}} {{endpoint}}"),
            unit="reqps",
            legend="right",
        ),
        lines(
            "Slowest endpoints, P95",
            "The ten endpoints with the longest response times.",
            Query(
                f"topk(10, {percentile(0.95, DURATION, 'method', 'endpoint')} >= 0)",
                "{{method}} {{endpoint}}",
            ),
            unit="s",
            legend="right",
        ),
        spread(
            "Spread of response times",
            "How many requests took how long. Two bands are two kinds of requests.",
            Query(
                "sum by (le) (increase(http_request_duration_seconds_bucket{<target>}[<rate>]))",
                "{{le}}",
                "heatmap",
            ),
            unit="s",
        ),
        lines(
            "Exceptions",
            "Exceptions that no handler caught, by type. They are answered with 500.",
            Query(
                "sum by (exception) (rate(http_exceptions_total{<target>}[<rate>]))",
                "{{exception}}",
            ),
            unit="ops",
            no_value="none",
        ),
    ),
)

TOOLS = Row(
    widths=6,
    title="Tools",
    panels=(
        bars(
            "Tool Usage",
            "The tools that ran most often in the chosen time.",
            Query(
                "topk(10, sum by (tool_name) "
                '(increase(tool_executions_total{<target>,tool_name=~"$tool"}[<range>])))',
                "{{tool_name}}",
                "instant",
            ),
            unit="short",
        ),
        lines(
            "Tool runs by outcome",
            "A run fails when it raises or when its result says so.",
            Query(f"sum by (status) ({RUNS})", "{{status}}"),
            unit="ops",
            colors=OUTCOMES,
            stacked=True,
        ),
        lines(
            "Failed tool runs by tool",
            "Share of the runs of each tool that ended with an error, or took too long.",
            Query(share(BAD_RUNS, RUNS, by="tool_name"), "{{tool_name}}"),
            limit("ToolExecutionFailure"),
            unit="percentunit",
            no_value="no runs",
        ),
        lines(
            "Tool run time, P95",
            "19 of 20 runs of a tool were faster.",
            Query(percentile(0.95, TOOL_TIME, "tool_name"), "{{tool_name}}"),
            unit="s",
            no_value="no runs",
        ),
    ),
)

CACHE = Row(
    widths=8,
    title="Cache",
    panels=(
        lines(
            "Cache Performance",
            "Share of the lookups that were answered from the cache, by kind of entry.",
            Query(share(HITS, LOOKUPS, by="cache_type"), "{{cache_type}}"),
            limit("CacheHitRatioLow"),
            unit="percentunit",
            highest=1,
            no_value="no lookups",
        ),
        lines(
            "Cache misses",
            "Lookups a second that found nothing, by kind of entry.",
            Query(f"sum by (cache_type) ({MISSES})", "{{cache_type}}"),
            unit="ops",
            no_value="no lookups",
        ),
        lines(
            "Cache lookups",
            "Hits and misses a second.",
            Query(f"sum by (result) ({LOOKUPS})", "{{result}}"),
            unit="ops",
            colors=OUTCOMES,
            stacked=True,
            no_value="no lookups",
        ),
    ),
)

PROCESS = Row(
    widths=6,
    title="Process",
    panels=(
        lines(
            "Processor time of the application",
            "1 is one core, fully used.",
            Query(
                f"sum by (instance) (rate(process_cpu_seconds_total{{<target>}}[<rate>]) {OWN})",
                "{{instance}}",
            ),
            unit="short",
        ),
        lines(
            "Memory of the application",
            "Memory that is resident.",
            Query(
                f"sum by (instance) (process_resident_memory_bytes{{<target>}} {OWN})",
                "{{instance}}",
            ),
            unit="bytes",
        ),
        lines(
            "File descriptors in use",
            "Share of the descriptors that the process may open.",
            Query(
                f"max by (instance) (process_open_fds{{<target>}} / process_max_fds{{<target>}} {OWN})",
                "{{instance}}",
            ),
            limit("FileDescriptorsLow"),
            unit="percentunit",
            highest=1,
        ),
        number(
            "Restarts",
            "Times that the process was started within the chosen time.",
            Query(
                f"sum by (instance) (changes(process_start_time_seconds{{<target>}}[<range>]) {OWN})",
                "{{instance}}",
                "instant",
            ),
            unit="none",
            steps=NONE_LIKED,
            alerts=["ProcessRestartLoop"],
            trend=False,
        ),
    ),
)

BOARD = Board(
    name="application",
    title="Application",
    description="Requests, response times, errors, tools and cache of the application.",
    variables=(
        datasource(),
        *targets_of("http_requests_total"),
        choice("tool", "Tool", 'label_values(tool_executions_total{job=~"$job"}, tool_name)'),
    ),
    rows=(SYMPTOMS, REQUEST_PANELS, TOOLS, CACHE, PROCESS),
    marked='job=~"$job"',
    marked_with="active_connections",
)
