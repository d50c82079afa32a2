# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The metrics. Names and labels are an interface: alerts and dashboards read them."""

from __future__ import annotations

import os
from pathlib import Path

from prometheus_client import Counter, Gauge, Histogram, disable_created_metrics

# prometheus_client opens its files there as soon as there is a metric.
if directory := os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
    Path(directory).mkdir(parents=True, exist_ok=True)

# They would double the number of series, and nothing reads them.
disable_created_metrics()  # type: ignore[no-untyped-call]

# Seconds. A ratio of slow requests is exact only where its threshold is one of these: alerts and
# objectives use 0.3, 1 and 10 s. Answers of a language model take up to two minutes.
# fmt: off
BUCKETS = (
    0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75,
    1.0, 2.0, 3.0, 5.0, 7.5, 10.0, 20.0, 30.0, 60.0, 120.0,
)
# fmt: on

REQUEST_COUNT = Counter(
    "http_requests_total", "HTTP requests by their answer.", ["method", "endpoint", "status_code"]
)
REQUEST_DURATION = Histogram(
    "http_request_duration_seconds",
    "Seconds from the first byte of a request to the last byte of its answer.",
    ["method", "endpoint"],
    buckets=BUCKETS,
)
EXCEPTION_COUNT = Counter(
    "http_exceptions_total",
    "Exceptions that no handler of the application has caught.",
    ["method", "endpoint", "exception"],
)
# Workers that are gone do not count any more, those that are there are added up.
ACTIVE_CONNECTIONS = Gauge(
    "active_connections", "Requests that are being answered now.", multiprocess_mode="livesum"
)

TOOL_EXECUTION_COUNT = Counter(
    "tool_executions_total", "Tool executions by their end.", ["tool_name", "status"]
)
TOOL_EXECUTION_DURATION = Histogram(
    "tool_execution_duration_seconds",
    "Seconds that a tool took, however it ended.",
    ["tool_name"],
    buckets=BUCKETS,
)

# Counters, not a ratio: ratios of several workers or windows cannot be put together.
CACHE_REQUEST_COUNT = Counter(
    "cache_requests_total", "Look-ups in a cache by their result.", ["cache_type", "result"]
)

# A gauge, since prometheus_client's Info cannot be used by several workers.
APP_INFO = Gauge(
    "app_info", "Version that runs; always 1.", ["version"], multiprocess_mode="livemax"
)
