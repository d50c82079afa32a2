# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make promtool unit tests of what an objective counts (private to this collection).

Ten requests a second, one of which fails, and others that do not belong to the objective. Selectors
for which no example of a series is found have no such test.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from ansible_collections.barehost.monitoring.plugins.plugin_utils import _numbers as numbers
from ansible_collections.barehost.monitoring.plugins.plugin_utils._promql_nodes import (
    Matcher,
    Selector,
)
from ansible_collections.barehost.monitoring.plugins.plugin_utils._promql_parser import parse
from ansible_collections.barehost.monitoring.plugins.plugin_utils._slo_events import metric_of
from ansible_collections.barehost.monitoring.plugins.plugin_utils._slos import Slo

_ONE, _NINE, _TEN = "0+60x60", "0+540x60", "0+600x60"
_OTHERS = ("other", "200", "0", "x1", "")


def slo_event_tests(slo: Slo) -> Iterator[dict[str, Any]]:
    """Make the tests of what an objective counts."""
    if "histogram" in slo.counted:
        yield from _of_histogram(slo)
    else:
        yield from _of_selectors(slo)


def _of_selectors(slo: Slo) -> Iterator[dict[str, Any]]:
    total, errors = (cast(Selector, parse(slo.counted[key])) for key in ("total", "errors"))
    failed = _example(errors.matchers, slo.per)
    if failed is None or _example(total.matchers, slo.per) is None:
        return
    within = errors.metric == total.metric and all(_matches(m, failed) for m in total.matchers)
    good = _good(total, errors, slo.per) if within else _example(total.matchers, slo.per)
    if good is None:
        return
    series = {_written(total.metric, good): _NINE if within else _TEN}
    yield _test(slo, "no request fails", series, 9 if within else 10, 0)
    series = {**series, _written(errors.metric, failed): _ONE}
    yield _test(slo, "one request of ten fails", series, 10, 1)
    foreign = {
        _written(found.metric, labels): "0+6000x60"
        for found in (total, errors)
        for labels in _strangers(found, failed if found is errors else good)
    }
    yield _test(slo, "requests of others do not count", {**foreign, **series}, 10, 1)


def _of_histogram(slo: Slo) -> Iterator[dict[str, Any]]:
    found = cast(Selector, parse(slo.counted["histogram"]))
    metric, bucket = metric_of(found.metric), numbers.exact(slo.counted["bucket"])
    labels = _example(found.matchers, slo.per)
    if labels is None:
        return
    for boundary in {bucket: None, f"{bucket}.0" if bucket.isdigit() else bucket: None}:
        series = {_written(f"{metric}_count", labels): _TEN}
        for edge, values in ((boundary, _NINE), ("0.0001", "0x60"), ("+Inf", _TEN)):
            series[_written(f"{metric}_bucket", {**labels, "le": edge})] = values
        for foreign in _strangers(found, labels):
            series[_written(f"{metric}_count", foreign)] = "0+6000x60"
            series[_written(f"{metric}_bucket", {**foreign, "le": boundary})] = "0x60"
        yield _test(slo, f'one request of ten is slow, le="{boundary}"', series, 10, 1)


def _test(
    slo: Slo, name: str, series: Mapping[str, str], requests: float, errors: float
) -> dict[str, Any]:
    labels = ",".join(f'{key}="{value}"' for key, value in slo.series_labels().items())
    wanted = {"slo:requests:rate5m": requests, "slo:errors:rate5m": errors}
    return {
        "name": f"{slo.name}: {name}",
        "interval": "1m",
        "input_series": [{"series": key, "values": text} for key, text in series.items()],
        "promql_expr_test": [
            {
                "expr": f'round({record}{{slo="{slo.name}"}}, 0.001)',
                "eval_time": "30m",
                "exp_samples": [{"labels": f"{{{labels}}}", "value": value}],
            }
            for record, value in wanted.items()
        ],
    }


def _example(matchers: Sequence[Matcher], per: Sequence[str]) -> dict[str, str] | None:
    """Find labels that all matchers take."""
    labels = dict.fromkeys(per, "x")
    for name in dict.fromkeys(m.label for m in matchers):
        mine = [m for m in matchers if m.label == name]
        tries = [labels[name]] if name in labels else [*map(_guess, mine), *_OTHERS]
        fitting = (text for text in tries if all(_takes(m, text) for m in mine))
        found = next(fitting, None)
        if found is None:
            return None
        labels[name] = found
    return labels


def _good(total: Selector, errors: Selector, per: Sequence[str]) -> dict[str, str] | None:
    """Find labels of a request that belongs to all, and not to those that failed."""
    start = _example(total.matchers, per)
    for matcher in errors.matchers if start is not None else ():
        for text in _OTHERS:
            labels = {**(start or {}), matcher.label: text}
            belongs = all(_matches(m, labels) for m in total.matchers)
            if belongs and not _takes(matcher, text) and matcher.label not in per:
                return labels
    return None


def _strangers(found: Selector, labels: Mapping[str, str] | None) -> Iterator[dict[str, str]]:
    """Find labels of series of the metric that one matcher keeps out."""
    for matcher in found.matchers:
        if matcher.op == "=" and labels:
            yield {**labels, matcher.label: f"not-{matcher.value}"}


def _guess(matcher: Matcher) -> str:
    """Guess a value that a matcher takes: the first alternative, with something for each dot."""
    text = matcher.value.split("|")[0].strip("()")
    return re.sub(r"\.[*+]?", "0", text) if matcher.op == "=~" else text


def _takes(matcher: Matcher, text: str) -> bool:
    if matcher.op in ("=", "!="):
        return (text == matcher.value) == (matcher.op == "=")
    try:
        fits = re.fullmatch(matcher.value, text) is not None
    except re.error:
        return False
    return fits == (matcher.op == "=~")


def _matches(matcher: Matcher, labels: Mapping[str, str]) -> bool:
    return _takes(matcher, labels.get(matcher.label, ""))


def _written(metric: str, labels: Mapping[str, str]) -> str:
    return metric + "{" + ",".join(f'{key}="{value}"' for key, value in labels.items()) + "}"
