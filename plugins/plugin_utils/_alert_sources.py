# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring alert entries, own ones and overrides together (private to this collection)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.barehost.monitoring.plugins.plugin_utils._alert_schema import ALERT_NAME
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import (
    Faults,
    kind,
    nearest,
    shown,
)
from ansible_collections.barehost.monitoring.plugins.plugin_utils._numbers import is_number

_HINTS = 5
"""Searching near names in thousands of names is slow: only the first few faults get a hint."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry and where it was written."""

    name: str
    values: dict[str, Any]
    path: str
    overridden: frozenset[str] = frozenset()
    wrong: frozenset[str] = frozenset()
    """Keys that are refused already and left out of the values."""
    known: Mapping[str, str] = field(default_factory=dict)
    """Placeholders of an entry that is made for one objective of several."""

    def place(self, key: str) -> str:
        """Give the path of a key, in the overrides when it was changed there."""
        return f"overrides.{self.name}.{key}" if key in self.overridden else f"{self.path}.{key}"

    def has(self, key: str) -> bool:
        """Tell whether the key is there, be it right or wrong."""
        return key in self.values or key in self.wrong

    def is_own(self, key: str) -> bool:
        """Tell whether a key was written for this installation, and not brought along."""
        return key in self.overridden or self.path.startswith("extra.")


def entries(alerts: Any, extra: Any, overrides: Any, faults: Faults) -> Iterator[Entry]:
    """Merge the three sources."""
    changes = _dictionary(overrides, "overrides", faults)
    found: set[str] = set()
    for source, given in (("alerts", alerts), ("extra", extra)):
        for name, values in _named(_dictionary(given, source, faults), source, faults):
            if name in found:
                faults.add(f"{source}.{name}", "is in alerts already; change it by overrides")
                continue
            found.add(name)
            yield _changed(name, values, f"{source}.{name}", changes.get(name), faults)
    unknown = [name for name in changes if name not in found]
    for count, name in enumerate(unknown):
        hint = nearest(name, found) if count < _HINTS else ""
        faults.add(f"overrides.{name}", f"there is no such alert{hint}")


def _dictionary(given: Any, path: str, faults: Faults) -> dict[Any, Any]:
    if given is None or isinstance(given, dict):
        return given or {}
    example = "(example: {TargetDown: {expr: up == 0, summary: ...}})"
    faults.add(path, f"{shown(given)} is {kind(given)}, not a dictionary {example}")
    return {}


def _named(
    given: dict[Any, Any], source: str, faults: Faults
) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, values in given.items():
        if not isinstance(name, str) or not ALERT_NAME.fullmatch(name):
            faults.add(source, f"{shown(name)} is no alert name (example: DiskSpaceLow)")
        elif not isinstance(values, dict):
            faults.add(f"{source}.{name}", f"{shown(values)} is {kind(values)}, not a dictionary")
        else:
            yield name, values


def _changed(name: str, values: dict[str, Any], path: str, change: Any, faults: Faults) -> Entry:
    if change is None:
        return Entry(name, values, path)
    if not isinstance(change, dict):
        faults.add(f"overrides.{name}", f"{shown(change)} is {kind(change)}, not a dictionary")
        return Entry(name, values, path)
    steps = values.get("threshold")
    if isinstance(steps, dict) and is_number(change.get("threshold")) and "severity" not in change:
        fault = f"the alert has several steps; say which (steps: {', '.join(map(str, steps))})"
        faults.add(f"overrides.{name}.threshold", f"{fault}, or the severity beside it")
    merged = _merged(values, change)
    for key in ("annotations", "labels", "threshold"):
        if isinstance(values.get(key), dict) and isinstance(change.get(key), dict):
            merged[key] = _merged(values[key], change[key])
    if isinstance(change.get("threshold"), dict) and "severity" not in change:
        # The ladder names the severities; the one of the entry is that of its single threshold.
        merged.pop("severity", None)
    return Entry(name, merged, path, frozenset(map(str, change)))


def _merged(values: dict[Any, Any], change: dict[Any, Any]) -> dict[Any, Any]:
    """Lay the change over the values; null takes a value away."""
    both = {**values, **change}
    return {key: value for key, value in both.items() if key not in change or value is not None}
