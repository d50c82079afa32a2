# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The jobs that alerts can be about (private to this collection)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.barehost.monitoring.plugins.plugin_utils import _alert_schema as schema
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import (
    Faults,
    kind,
    nearest,
    shown,
)

_MEANT, _SURELY_MEANT = 0.7, 0.85
_LEFT_OUT = "an alert with the key job is left out as long as its job has none"
_WAY_OUT = "name it in other_jobs if its series come from elsewhere"


@dataclass(frozen=True, slots=True)
class Jobs:
    """What is known of the jobs; where nothing is known, every name is taken."""

    scraped: tuple[str, ...] | None = None
    """Jobs that have targets."""
    others: tuple[str, ...] = ()
    """Jobs whose name comes with the series, as from a Pushgateway: they have no target `up`."""
    declared: tuple[str, ...] | None = None
    """Jobs of the configuration, whether they have targets or not."""
    with_series: frozenset[str] = frozenset()
    intervals: Mapping[str, str] = field(default_factory=dict)
    """Scrape intervals of jobs that have their own."""

    def without_series(self, names: frozenset[str]) -> Iterator[str]:
        """Say which of the jobs that an expression asks for can have no series."""
        if self.scraped is None:
            return
        for name in sorted(names - self.with_series):
            if name in (self.declared or ()):
                yield f'the job "{name}" has no targets, so there is nothing to look at; {_LEFT_OUT}'
                continue
            hint, known = nearest(name, sorted(self.with_series)), _listed(self.scraped)
            yield f'no job "{name}" is scraped{hint} (known jobs: {known}); {_WAY_OUT}'

    def has_series(self, name: str) -> bool:
        """Tell whether a rule about the job makes sense."""
        return self.scraped is None or name in self.with_series

    def misnamed(self, name: str, *, own: bool) -> str:
        """Say that a job is not just without targets, but a slip of the pen.

        Alerts that were brought along may be about products that are not here; own ones are not.
        """
        names = self.with_series.union(self.declared or ())
        if name in names or (self.declared is None and self.scraped is None):
            return ""
        strict = own and self.declared is not None
        meant = nearest(name, sorted(names), cutoff=_MEANT if strict else _SURELY_MEANT)
        if not meant and not strict:
            return ""
        if self.declared is None:
            return f'no job "{name}" is scraped{meant}'
        listed = _listed(self.declared)
        return f'no job "{name}" is configured{meant} (configured jobs: {listed}); {_WAY_OUT}'


def read(known: Any, others: Any, declared: Any, intervals: Any, faults: Faults) -> Jobs:
    """Check the lists of jobs and the intervals."""
    scraped = _names(known, "known_jobs", faults)
    other = _names(others, "other_jobs", faults) or ()
    with_series = frozenset((*(scraped or ()), *other))
    configured = _names(declared, "declared_jobs", faults)
    return Jobs(scraped, other, configured, with_series, _intervals(intervals, faults))


def _names(given: Any, path: str, faults: Faults) -> tuple[str, ...] | None:
    if given is None:
        return None
    if fault := schema.texts(given):
        faults.add(path, fault)
        return None
    return tuple(dict.fromkeys(given))


def _intervals(given: Any, faults: Faults) -> dict[str, str]:
    if given is None:
        return {}
    if not isinstance(given, dict):
        faults.add("scrape_intervals", f"{shown(given)} is {kind(given)}, not a dictionary")
        return {}
    wrong = {name: fault for name, value in given.items() if (fault := schema.span(value))}
    for name, fault in wrong.items():
        faults.add(f"scrape_intervals.{name}", fault)
    return {name: value for name, value in given.items() if name not in wrong}


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"
