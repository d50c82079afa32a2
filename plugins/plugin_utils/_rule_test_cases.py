# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write out the short form of a test, and the tests that every alert gets (private).

The short form gives values just over and just under the threshold. From them follow: it fires after
`for` and not before, with these labels and texts, and stays silent under the threshold.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.barehost.monitoring.plugins.plugin_utils import _alert_schema as schema
from ansible_collections.barehost.monitoring.plugins.plugin_utils import _numbers as numbers
from ansible_collections.barehost.monitoring.plugins.plugin_utils._durations import (
    milliseconds,
)
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import Faults
from ansible_collections.barehost.monitoring.plugins.plugin_utils._promql_forms import analyse
from ansible_collections.barehost.monitoring.plugins.plugin_utils._rule_texts import rendered

Rule = Mapping[str, Any]
Case = dict[str, Any]
_MINUTE = 60_000
_AFTER = 10
_ALWAYS_THERE = re.compile(r"\b(?:absent|absent_over_time|vector|time)\s*\(")
_SHORT: Mapping[str, schema.Check] = {
    "fires": schema.anything,
    "from": schema.duration,
    "name": schema.text,
    "series": schema.anything,
    "silent": schema.anything,
    "under": schema.anything,
}
_FIRES: Mapping[str, schema.Check] = {
    "annotations": schema.named_texts,
    "description": schema.text,
    "labels": schema.named_texts,
    "summary": schema.text,
    "value": schema.number,
}
_VALUES = (
    'wants series with one value or [over, under] (example: {free_bytes: [9, 11], errors: "+6"})'
)


def is_short(case: Any) -> bool:
    """Tell the short form from the long one."""
    return isinstance(case, dict) and "fires" in case


def written_out(case: Case, rules: Sequence[Rule], path: str, faults: Faults) -> Iterator[Case]:
    """Make tests in the long form of one in the short form."""
    place = f"{path}.{{}}".format
    if schema.check_keys(case, _SHORT, place, faults, needed=("series", "fires")):
        return
    series, silent = case["series"], case.get("silent", {})
    before = len(faults.lines)
    if not _are_values(series):
        faults.add(place("series"), _VALUES)
    if not isinstance(silent, dict) or not all(map(_are_values, silent.values())):
        faults.add(place("silent"), f"wants a name and what differs then; that {_VALUES}")
    told = _all_told(case["fires"], rules, place("fires"), faults)
    milder = _all_told(case.get("under", []), rules, place("under"), faults)
    if len(faults.lines) > before:
        return
    moving = any(_moves(value) for value in series.values())
    first = (milliseconds(case.get("from", "1m" if moving else "0")) or 0) // _MINUTE
    starts = [(first + hold, alert) for hold, alert in told]
    length = max(start for start, _state in starts) + _AFTER
    title = case.get("name", "over the threshold")
    moments = {moment for start, _state in starts for moment in (start - 1, start) if moment >= 0}
    looks = [*sorted(moments), length]
    at = {f"{m}m": [a for start, a in starts if start <= m] for m in looks[:-1]}
    yield {"name": title, "series": _drawn(series, 0, length), "at": at}
    if any(isinstance(value, list) for value in series.values()):
        left = {f"{m}m": [a for hold, a in milder if first + hold <= m] for m in looks}
        yield {"name": f"{title}: just under", "series": _drawn(series, 1, length), "at": left}
    never: dict[str, list[Any]] = {f"{moment}m": [] for moment in looks}
    for name, changes in silent.items():
        both = {key: value for key, value in {**series, **changes}.items() if value is not None}
        yield {"name": f"{title}: {name}", "series": _drawn(both, 0, length), "at": never}


def _are_values(given: Any) -> bool:
    if not isinstance(given, dict) or not all(isinstance(name, str) for name in given):
        return False
    both = [v if isinstance(v, list) else [v, v] for v in given.values()]
    return all(len(pair) == 2 and all(map(_is_value, pair)) for pair in both)


def _is_value(given: Any) -> bool:
    return given is None or isinstance(given, str) or numbers.is_number(given)


def _moves(value: Any) -> bool:
    over = value[0] if isinstance(value, list) else value
    return isinstance(over, str) and over.startswith("+")


def _drawn(series: Mapping[str, Any], side: int, length: int) -> dict[str, str]:
    """Write values in promtool's notation: a number stays, "+6" grows by six a minute."""
    drawn: dict[str, str] = {}
    for name, given in series.items():
        value = given[side] if isinstance(given, list) else given
        if isinstance(value, str):
            drawn[name] = f"0{value}x{length}" if value.startswith("+") else value
        elif value is not None:
            drawn[name] = f"{numbers.exact(value)}x{length}"
    return drawn


def _all_told(
    given: Any, rules: Sequence[Rule], path: str, faults: Faults
) -> list[tuple[int, Case]]:
    items = given if isinstance(given, list) else [given]
    return [_told(item, rules, f"{path}[{i}]", faults) for i, item in enumerate(items)]


def _told(item: Any, rules: Sequence[Rule], path: str, faults: Faults) -> tuple[int, Case]:
    """Give the minutes an alert waits, and the alert with its texts."""
    if not isinstance(item, dict):
        faults.add(path, "wants labels, and value or texts (example: {labels: {...}, value: 0.91})")
        return 0, {}
    place = f"{path}.{{}}".format
    if schema.check_keys(item, _FIRES, place, faults, needed=("labels",)):
        return 0, {}
    labels, given = item["labels"], {k: v for k, v in item.items() if k != "value"}
    rule = next((rule for rule in rules if rule["labels"].items() <= labels.items()), None)
    if rule is None:
        faults.add(place("labels"), "no rule of this alert has such labels")
        return 0, {}
    for name, text in rule.get("annotations", {}).items():
        known = name in given or name in given.get("annotations", {})
        if known or "{{" not in text:
            continue
        done = rendered(text, labels, item["value"]) if "value" in item else None
        if done is None:
            done = rendered(text, labels, 0) if "$value" not in text else None
        if done is None:
            faults.add(place(name), 'is missing; "value" makes it only of labels and the value')
        else:
            given.setdefault("annotations", {})
            given["annotations"] = {**given["annotations"], name: done}
    return (milliseconds(rule.get("for", "0")) or 0) // _MINUTE, given


def derived(cases: Sequence[Case], rules: Sequence[Rule]) -> Iterator[Case]:
    """Make the tests that every alert gets, from the first that sees it fire."""
    fired = (
        case for case in cases if isinstance(case.get("at"), dict) and any(case["at"].values())
    )
    first = next(fired, None)
    if (
        first is None
        or not isinstance(first.get("series"), dict)
        or any(_ALWAYS_THERE.search(rule["expr"]) for rule in rules)
    ):
        return
    silent: dict[str, list[Any]] = {moment: [] for moment in first["at"]}
    yield {**first, "name": "without data", "series": {}, "at": silent}
    found = [analyse(rule["expr"]) for rule in rules]
    jobs = frozenset[str]().union(*(known.jobs for known in found))
    if len(jobs) == 1 and not any(known.jobless for known in found):
        (job,) = jobs
        own, other = f'job="{job}"', f'job="other-than-{job}"'
        series = {name.replace(own, other): text for name, text in first["series"].items()}
        if series.keys() != first["series"].keys():
            yield {**first, "name": "another job", "series": series, "at": silent}
