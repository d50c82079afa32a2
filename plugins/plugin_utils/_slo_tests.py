# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make promtool unit tests of objectives (private to this collection).

Each is a story of traffic and failures, told in half hours. What must fire when is worked out from
the definition of the burn rate, not from the rules. promtool 2 counts a sample at the very start of a
range and 3 does not: only moments at which both agree are looked at.

A sample every half hour takes the place of all that are recorded in it, and so stands for their sum.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.barehost.monitoring.plugins.plugin_utils import (
    _alert_defaults,
    _alert_jobs,
    _slos,
)
from ansible_collections.barehost.monitoring.plugins.plugin_utils import _alert_schema as schema
from ansible_collections.barehost.monitoring.plugins.plugin_utils import _numbers as numbers
from ansible_collections.barehost.monitoring.plugins.plugin_utils import _slo_burn as burn
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import Faults
from ansible_collections.barehost.monitoring.plugins.plugin_utils._rule_tests import alerts_of
from ansible_collections.barehost.monitoring.plugins.plugin_utils._rule_texts import rendered
from ansible_collections.barehost.monitoring.plugins.plugin_utils._slo_burn import Pair
from ansible_collections.barehost.monitoring.plugins.plugin_utils._slo_event_tests import (
    slo_event_tests,
)
from ansible_collections.barehost.monitoring.plugins.plugin_utils._slos import Slo

ALERT = "ErrorBudgetBurn"
STEP = 1_800_000
_BUSY = 1000.0


class Part(NamedTuple):
    """So many hours with so many requests a second, of which a share fails."""

    hours: float
    requests: float
    share: float


_BEFORE = Part(8, 100_000 * _BUSY, 0)
"""Among so many more requests before, what fails counts nothing over the longer ranges."""


class Story(NamedTuple):
    """Parts one after the other, and the hours at which to look."""

    name: str
    parts: tuple[Part, ...]
    looks: tuple[float, ...]
    others: bool = False
    """Whether another objective fails all the time."""


def slo_test_file(
    rule_file: Any,
    slos: Any,
    *,
    known_jobs: Any,
    selectors: Any,
    rule_files: Any,
    evaluation_interval: Any,
) -> dict[str, Any]:
    """Check the input and make the test file."""
    faults = Faults()
    if fault := schema.texts(rule_files):
        faults.add("rule_files", fault)
    jobs = _alert_jobs.read(known_jobs, None, None, None, faults)
    given = {"selectors": selectors, "evaluation_interval": evaluation_interval}
    given = {key: value for key, value in given.items() if value}
    if isinstance(rule_file, dict) and isinstance(rule_file.get("groups"), list):
        given["groups"] = dict(_intervals(rule_file["groups"]))
    else:
        faults.add("rules", "wants what alert_rules returns (example: {groups: [...]})")
    found = _slos.read(slos, _alert_defaults.read(given, "3.5", jobs, faults), faults)
    faults.refuse()
    return slo_tests(rule_file, found, rule_files=rule_files)


def _intervals(groups: Sequence[Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give the interval of the group of the rates, where it has one of its own."""
    for group in groups:
        own = isinstance(group, dict) and group.get("name") == _slos.GROUP
        if own and "interval" in group:
            yield _slos.GROUP, {"interval": group["interval"]}


def slo_tests(
    rule_file: Mapping[str, Any], slos: Sequence[Slo], *, rule_files: Sequence[str]
) -> dict[str, Any]:
    """Make the test file of the objectives: what is counted, and the alerts about the budgets."""
    found: list[dict[str, Any]] = []
    for slo in slos:
        found += slo_event_tests(slo)
        texts = _texts(rule_file, slo.name)
        if texts:
            found += [test for story in stories(slo) for test in _tests(slo, story, texts)]
    interval = f"{STEP // 60_000}m"
    return {"rule_files": list(rule_files), "evaluation_interval": interval, "tests": found}


def _texts(rule_file: Mapping[str, Any], name: str) -> dict[str, Mapping[str, Any]]:
    """Find the alerts of an objective by their severity."""
    found: dict[str, Mapping[str, Any]] = {}
    for rule in alerts_of(rule_file):
        labels = rule.get("labels", {})
        if rule["alert"] == ALERT and labels.get("slo") == name:
            found[labels["severity"]] = {"annotations": {}, **rule}
    return found


def stories(slo: Slo) -> Iterator[Story]:
    """Tell what tries every pair of ranges: just too much, just not, over again, too few failures.

    A range need not be full: so the stories are short, but for those that show its length.
    """
    yield Story("another objective fails", (Part(1, _BUSY, 0),), (0, 0.5), others=True)
    if slo.min_errors > 1:
        once = Part(0.5, 1000 / STEP, 1)
        yield Story("a fresh server and one failing request", (once,), (0,))
    for kind, pairs in (("page", burn.PAGE), ("ticket", burn.TICKET)):
        for pair in pairs:
            limit = burn.share(pair, slo.budget, slo.length)
            if limit is not None:
                title = f"{kind}, {pair.long} and {pair.short}"
                yield from _of_pair(slo, pair, title, limit)
                yield from _of_one_range(pair, title, limit, alone=pair != pairs[0])


def _of_pair(slo: Slo, pair: Pair, title: str, limit: float) -> Iterator[Story]:
    share, (long, short) = min(limit * 1.05, 1), _hours(pair)
    over, calm = Part(2, _BUSY, share), Part(short + 1, _BUSY, 0)
    looks: tuple[float, ...] = (1, 2, 2 + short, 2 + short + 0.5)
    yield Story(f"{title}: too much until it ends", (over, calm), looks)
    yield Story(f"{title}: not too much", (Part(2, _BUSY, limit * 0.95),), (0, 1, 1.5))
    last = min(2, long)
    looks = (8, 7 + long, 8 + long, 8 + long + 0.5)
    yield Story(f"{title}: after busy hours", (_BEFORE, Part(long + 1, _BUSY, share)), looks)
    if slo.min_errors:
        count, late = long * 3_600_000 / STEP, last * 3_600_000 / STEP
        least = slo.min_errors / (STEP / 1000) / share
        more = (1.1 - 0.9 * (1 - late / count)) / late
        # Before, many failed, but of so many more; the pause is what only promtool 2 still counts.
        many, pause = _BEFORE._replace(share=limit / 1000), Part(0.5, least / 1000, 0)
        few, enough = Part(long, least * 0.9 / count, share), Part(last + 0.5, least * more, share)
        looks = (8 + long, 8 + long + last, 8 + long + last + 0.5)
        yield Story(f"{title}: few failures, then more", (many, pause, few, enough), looks)


def _of_one_range(pair: Pair, title: str, limit: float, *, alone: bool) -> Iterator[Story]:
    """Tell of too much over the one range and not quite over the other.

    The first pair of an alert needs busy hours before, so that the second does not see it.
    """
    long, short = _hours(pair)
    failing, much = max(short, 0.5), min(limit * 2, 1)
    calm = 1 if alone else long - failing
    before, start = ((), 0) if alone else ((_BEFORE,), 8)
    weight = failing * (much / (0.9 * limit) - 1) / calm
    parts = (Part(calm, _BUSY * weight, 0), Part(failing + 0.5, _BUSY, much))
    end = start + calm + failing - 0.5
    yield Story(f"{title}: the long range not quite", (*before, *parts), (end,))
    first, last = Part(min(1, long / 2), 10 * _BUSY, much), Part(failing + 1, _BUSY, limit * 0.9)
    end = start + first.hours + failing
    yield Story(f"{title}: the short range not quite", (*before, first, last), (end - 0.5, end))


def _hours(pair: Pair) -> tuple[float, float]:
    return burn.WINDOWS[pair.long] / 3_600_000, burn.WINDOWS[pair.short] / 3_600_000


def _tests(
    slo: Slo, story: Story, texts: Mapping[str, Mapping[str, Any]]
) -> Iterator[dict[str, Any]]:
    samples = [
        part for part in story.parts for _step in range(round(part.hours * 3_600_000 / STEP))
    ]
    checks = []
    for hours in dict.fromkeys(story.looks):
        place = round(hours * 3_600_000 / STEP)
        if place < len(samples) and (alerts := _alerts(slo, samples, place, texts)) is not None:
            moment = f"{place * STEP // 60_000}m"
            checks.append({"eval_time": moment, "alertname": ALERT, "exp_alerts": alerts})
    if checks:
        yield {
            "name": f"{slo.name}: {story.name}",
            "interval": f"{STEP // 60_000}m",
            "input_series": [
                *(_strangers(len(samples)) if story.others else ()),
                _series(slo, "slo:requests:rate5m", story.parts, lambda part: part.requests),
                _series(slo, "slo:errors:rate5m", story.parts, lambda p: p.requests * p.share),
            ],
            "alert_rule_test": checks,
        }


def _series(slo: Slo, name: str, parts: Sequence[Part], of: Any) -> dict[str, str]:
    labels = ",".join(f'{key}="{value}"' for key, value in slo.series_labels().items())
    weight = STEP / slo.interval
    runs = [
        (round(part.hours * 3_600_000 / STEP), numbers.exact(of(part) * weight)) for part in parts
    ]
    values = " ".join(f"{value}x{count - 1}" for count, value in runs if count > 0)
    return {"series": f"{name}{{{labels}}}", "values": values}


def _strangers(count: int) -> Iterator[dict[str, str]]:
    """Give the series of another objective, all of whose requests fail."""
    rates = ["slo:requests:rate5m", "slo:errors:rate5m"]
    for name in [*rates, *(f"slo:error:ratio_rate{window}" for window in burn.WINDOWS)]:
        value = numbers.exact(_BUSY) if name in rates else "1"
        yield {"series": f'{name}{{slo="another-objective"}}', "values": f"{value}x{count}"}


def _alerts(
    slo: Slo, samples: Sequence[Part], place: int, texts: Mapping[str, Mapping[str, Any]]
) -> list[dict[str, Any]] | None:
    """Work out what fires; None where promtool 2 and 3 see it differently."""
    found = []
    for severity, pairs in ((slo.ticket, burn.TICKET), (slo.page, burn.PAGE)):
        if severity is None or severity not in texts:
            continue
        seen = {_fires(slo, samples, place, pairs, first) for first in (0, 1)}
        if len(seen) > 1:
            return None
        value = seen.pop()
        if value is not None:
            rule = texts[severity]
            labels = {**slo.series_labels(), **rule["labels"]}
            told = {k: rendered(t, labels, float(value)) for k, t in rule["annotations"].items()}
            found.append({"exp_labels": labels, "exp_annotations": told})
    return found


def _fires(
    slo: Slo, samples: Sequence[Part], place: int, pairs: Sequence[Pair], first: int
) -> str | None:
    """Give the share that the alert tells, as far as a text shows it."""
    for pair in pairs:
        limit = burn.share(pair, slo.budget, slo.length)
        long = _window(samples, place, pair.long, first)
        failed = sum(part.requests * part.share for part in long)
        enough = failed * STEP / 1000 >= slo.min_errors
        ratio, short = _ratio(long), _ratio(_window(samples, place, pair.short, first))
        if limit is not None and ratio > limit and short > limit and enough:
            return format(ratio, ".4g")
    return None


def _window(samples: Sequence[Part], place: int, name: str, first: int) -> Sequence[Part]:
    if name == "5m":
        return samples[place : place + 1]
    count = burn.WINDOWS[name] // STEP
    return samples[max(0, place - count + first) : place + 1]


def _ratio(window: Sequence[Part]) -> float:
    requests = sum(part.requests for part in window)
    return sum(part.requests * part.share for part in window) / requests if requests else 0.0
