# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The keys of an alert entry (private to this collection)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ansible_collections.barehost.monitoring.plugins.plugin_utils import _alert_schema as schema
from ansible_collections.barehost.monitoring.plugins.plugin_utils._alert_sources import Entry
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import Faults

_KEYS: Mapping[str, schema.Check] = {
    "always": schema.boolean,
    "annotations": schema.named_texts,
    "commands": schema.texts,
    "description": schema.text,
    "each_job": schema.boolean,
    "each_slo": schema.boolean,
    "enabled": schema.boolean,
    "expr": schema.text,
    "for": schema.durations,
    "group": schema.text,
    "guard": schema.text,
    "job": schema.text,
    "keep_firing_for": schema.duration,
    "labels": schema.labels,
    "meaning": schema.text,
    "op": schema.choice(*schema.OPERATORS),
    "per": schema.texts,
    "runbook": schema.text,
    "runbook_url": schema.text,
    "severity": schema.text,
    "summary": schema.text,
    "tests": schema.anything,
    "threshold": schema.thresholds,
    "unit": schema.choice("ratio", "seconds", "bytes", "count"),
    "window": schema.span,
}


def sound(entry: Entry, faults: Faults) -> Entry:
    """Check the keys; go on with those that are right, to find the other faults as well."""
    wrong = schema.check_keys(entry.values, _KEYS, entry.place, faults, needed=("expr",))
    taken_away = dict.fromkeys(sorted(entry.overridden.difference(entry.values, _KEYS)))
    schema.check_keys(taken_away, _KEYS, entry.place, faults)
    if "labels" not in wrong and "severity" in entry.values.get("labels", ()):
        faults.add(entry.place("labels") + ".severity", 'use the key "severity" of the alert')
    if not wrong:
        return entry
    values = {key: value for key, value in entry.values.items() if key not in wrong}
    return replace(entry, values=values, wrong=wrong)
