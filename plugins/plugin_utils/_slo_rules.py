# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Recordings of objectives, and the alerts about each of them (private to this collection).

Only the rates over five minutes read what the application exposes; every longer range is a sum of
these, weighted by the requests. Days of an application's series are never read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.barehost.monitoring.plugins.plugin_utils import _numbers as numbers
from ansible_collections.barehost.monitoring.plugins.plugin_utils import _slo_burn as burn
from ansible_collections.barehost.monitoring.plugins.plugin_utils._alert_keys import sound
from ansible_collections.barehost.monitoring.plugins.plugin_utils._alert_sources import Entry
from ansible_collections.barehost.monitoring.plugins.plugin_utils._durations import (
    in_words,
    milliseconds,
)
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import Faults
from ansible_collections.barehost.monitoring.plugins.plugin_utils._slos import Slo

BUDGET_GROUP = "slo_budget"
BUDGET_INTERVAL = "2m"


def recordings(slo: Slo) -> Iterator[dict[str, Any]]:
    """Record the rates and, over each range, the share of requests that failed."""
    named = {
        "slo:objective:ratio": f"vector({numbers.exact(slo.objective / 100)})",
        "slo:requests:rate5m": slo.requests,
        "slo:errors:rate5m": slo.errors,
        "slo:error:ratio_rate5m": "{failed} / {requests}".format_map(_rates(slo)),
    }
    for window in burn.WINDOWS:
        if window != "5m":
            share = "sum_over_time({failed}[{w}]) / sum_over_time({requests}[{w}])"
            named[f"slo:error:ratio_rate{window}"] = share.format(**_rates(slo), w=window)
    for name, expr in named.items():
        yield {"record": name, "expr": expr, "labels": _labels(slo)}


def budget(slo: Slo, retention: str) -> dict[str, Any]:
    """Record how much of the budget is left; of what is kept, where that is less than the period."""
    kept = milliseconds(retention) if retention else None
    window = retention if kept and kept < slo.length else slo.period
    failed = "sum_over_time({failed}[{w}]) / (sum_over_time({requests}[{w}]) > 0)"
    used = f"({failed}) / {numbers.exact(slo.budget)}".format(**_rates(slo), w=window)
    labels = {**_labels(slo), "window": window}
    return {"record": "slo:error_budget:remaining", "expr": f"1 - {used}", "labels": labels}


def _rates(slo: Slo) -> dict[str, str]:
    series = f'{{slo="{slo.name}"}}'
    return {"failed": f"slo:errors:rate5m{series}", "requests": f"slo:requests:rate5m{series}"}


def _labels(slo: Slo) -> dict[str, str]:
    return {"slo": slo.name, **({"job": slo.job} if slo.job else {})}


def expanded(entry: Entry, slos: Sequence[Slo], faults: Faults) -> Iterator[Entry]:
    """Make of an alert about each objective one for each; pass every other as it is."""
    values = entry.values
    if not values.get("each_slo"):
        yield entry
        return
    if not slos:
        sound(entry, faults)
    if entry.is_own("severity") and "<burn>" in str(values.get("expr")):
        way_out = "the objective says it (example: {severity: {page: critical, ticket: null}})"
        faults.add(entry.place("severity"), f"has no effect here; {way_out}")
    for key in ("each_job", "job", "threshold"):
        if key in values:
            faults.add(entry.place(key), "cannot stand beside each_slo")
            return
    for slo in slos:
        known = {
            "slo": slo.name,
            "job": slo.job,
            "objective": f"{numbers.exact(slo.objective)}%",
            "period": slo.period,
            "period:words": in_words(slo.period),
        }
        labels = {"slo": slo.name, **slo.labels, **_dictionary(values.get("labels"))}
        changed = {**values, "labels": labels}
        if "<burn>" not in str(values.get("expr")):
            yield replace(entry, values=changed, known=known)
            continue
        for severity, pairs in ((slo.ticket, burn.TICKET), (slo.page, burn.PAGE)):
            limit = slo.condition(pairs)
            if severity and limit:
                yield replace(
                    entry,
                    values={**changed, "severity": severity},
                    known={**known, "burn": limit},
                )


def _dictionary(given: Any) -> dict[Any, Any]:
    return given if isinstance(given, dict) else {}
