# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two rates of an objective: all requests, and those that failed it (private)."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.barehost.monitoring.plugins.plugin_utils import _numbers as numbers
from ansible_collections.barehost.monitoring.plugins.plugin_utils import _promql_nodes as tree
from ansible_collections.barehost.monitoring.plugins.plugin_utils._promql_parser import parse

_WHOLE_PARTS = ("_bucket", "_count", "_sum")


def selector_fault(text: str) -> str:
    """Say why a text is not a metric with its matchers."""
    try:
        node = parse(text)
    except tree.PromqlError as error:
        return f"is no valid PromQL: {error}"
    if not isinstance(node, tree.Selector) or node.range or node.offset or node.moment:
        return 'wants a metric and its matchers alone (example: requests_total{job="shop"})'
    if not node.metric or not text.startswith(node.metric):
        return "wants the name of the metric before its matchers"
    return ""


def by_selectors(total: str, errors: str, per: Sequence[str]) -> tuple[str, str]:
    """Count requests; where none ever failed there is no series of failures, and that is zero."""
    requests = _summed(f"rate({total}[5m])", per)
    return requests, f"{_summed(f'rate({errors}[5m])', per)} or 0 * {requests}"


def by_histogram(histogram: str, bucket: float, per: Sequence[str]) -> tuple[str, str]:
    """Count requests, and those that took longer than a bucket's boundary."""
    metric, brace, matchers = histogram.partition("{")
    metric = metric_of(metric.strip())
    rest = brace + matchers
    requests = _summed(f"rate({metric}_count{rest}[5m])", per)
    inner = matchers.rstrip().removesuffix("}").rstrip().removesuffix(",")
    both = ",".join(filter(None, (inner, _boundary(bucket))))
    return requests, f"{requests} - {_summed(f'rate({metric}_bucket{{{both}}}[5m])', per)}"


def metric_of(name: str) -> str:
    """Take the name of a histogram from the name of one of its parts."""
    for part in _WHOLE_PARTS:
        name = name.removesuffix(part)
    return name


def _boundary(bucket: float) -> str:
    """Match a boundary; a whole number is written 1 by Prometheus 2 and 1.0 by Prometheus 3."""
    text = numbers.exact(bucket)
    return f'le=~"{text}(\\\\.0)?"' if text.isdigit() else f'le="{text}"'


def _summed(rate: str, per: Sequence[str]) -> str:
    return f"sum by ({', '.join(per)}) ({rate})" if per else f"sum({rate})"
