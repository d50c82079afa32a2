# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Metrics and logs for a FastAPI application of your own.

Copy this folder into your application. It needs fastapi, prometheus-client and structlog, and nothing
of the example around it.

    instrument   everything in one call: metrics, request ids, access lines, /metrics, /healthz
    logs         one JSON object a line
    tools        measure what is done for a request and may fail
    cache        count hits and misses
    workers      several processes, one answer

Nothing is imported here: a metric opens its file at once, and the files of an earlier run go first.
"""
