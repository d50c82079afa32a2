# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks that an alert's expression, labels and texts share (private to this collection)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from ansible_collections.barehost.monitoring.plugins.plugin_utils import _alert_text as texts
from ansible_collections.barehost.monitoring.plugins.plugin_utils._alert_defaults import Defaults
from ansible_collections.barehost.monitoring.plugins.plugin_utils._durations import (
    milliseconds,
    spelled,
)
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import Faults
from ansible_collections.barehost.monitoring.plugins.plugin_utils._promql_checks import Analysis
from ansible_collections.barehost.monitoring.plugins.plugin_utils._promql_shape import (
    SCALAR,
    VECTOR,
    Shape,
)

_SAMPLES = 2
_MERGES = "overwrites a label that tells the series apart: they would be one"
_SET_BY_RULE = "which the rule sets: $labels has not got it"


def range_faults(found: Analysis, defaults: Defaults) -> Iterator[str]:
    """Say which ranges of an expression are too short or too long."""
    for job, window in found.windows:
        interval = defaults.jobs.intervals.get(job, defaults.scrape_interval)
        if window < _SAMPLES * (milliseconds(interval) or 0):
            yield (
                f"a range of {spelled(window)} holds fewer than {_SAMPLES} samples at a scrape "
                f"interval of {interval}"
            )
    if defaults.retention and found.longest > (milliseconds(defaults.retention) or 0):
        yield (
            f"looks back {spelled(found.longest)}, longer than the retention of "
            f"{defaults.retention}"
        )


def query_faults(found: Analysis, defaults: Defaults) -> Iterator[str]:
    """Say what is wrong with an expression, but for its ranges."""
    yield from found.faults
    yield from defaults.jobs.without_series(found.jobs)


def expression_faults(found: Analysis, defaults: Defaults) -> Iterator[str]:
    """Say what is wrong with the expression of any rule."""
    yield from query_faults(found, defaults)
    yield from range_faults(found, defaults)


def alert_faults(found: Analysis, *, always: bool, way_out: str) -> Iterator[str]:
    """Say why the expression cannot be that of an alert; `way_out` fits how the rule is written."""
    if found.faults:
        return
    if found.shape.type == SCALAR:
        yield "yields a number, so the alert always fires; compare a vector"
    elif found.shape.type != VECTOR:
        yield f"yields a {found.shape.type}, so the alert never fires; an alert needs a vector"
    elif not found.shape.filters and not always:
        yield f"has no comparison that decides, so the alert always fires; {way_out}"


def label_faults(labels: Mapping[str, str], found: Analysis) -> Iterator[tuple[str, str]]:
    """Say which labels of an alert are wrong, by name."""
    for name, value in labels.items():
        if texts.reads_value(value):
            yield name, "must not hold the value: the alert would be a new one at every evaluation"
        for fault in texts.template_faults(value):
            yield name, fault
        for used in texts.labels_used(value):
            if not found.faults and not found.shape.may_have(used):
                yield name, f'reads the label "{used}", {_missing(found.shape)}'
        if name not in texts.labels_used(value) and _tells_apart(name, found):
            yield name, _MERGES


def recorded_label_faults(labels: Mapping[str, str], found: Analysis) -> Iterator[tuple[str, str]]:
    """Say which labels of a recording rule are wrong, by name."""
    for name, value in labels.items():
        if "{{" in value:
            yield name, "is written as it stands; only alerts have templates in their labels"
        if _tells_apart(name, found):
            yield name, _MERGES


def _tells_apart(name: str, found: Analysis) -> bool:
    """Tell whether series would become one without the label, as far as is known."""
    certain = not found.shape.open or name == "instance"
    return certain and found.shape.may_have(name) and name not in found.pinned


def text_faults(
    text: str, found: Analysis, rule_labels: Mapping[str, str], about_alerts: bool
) -> Iterator[str]:
    """Say what is wrong with an annotation."""
    yield from texts.template_faults(text)
    if found.faults:
        return
    for used in texts.labels_used(text):
        set_here = used in ("alertname", "severity") or used in rule_labels
        if not found.shape.may_have(used):
            why = _SET_BY_RULE if set_here else _missing(found.shape)
            yield f'uses the label "{used}", {why}'
        elif found.shape.open and used in ("alertname", "severity") and not about_alerts:
            yield f'uses the label "{used}", {_SET_BY_RULE}'
    if found.shape.per_second and texts.shows_percentage(text):
        yield "shows a rate per second as a percentage; divide it by the rate of all"


def add(faults: Faults, place: Callable[[str], str], key: str, found: Iterator[str]) -> None:
    """Note what a check found at a key."""
    for fault in found:
        faults.add(place(key), fault)


def _missing(shape: Shape) -> str:
    if shape.open:
        return "which the expression aggregates away"
    return f"which the expression does not keep (it keeps: {shape.listed()})"
