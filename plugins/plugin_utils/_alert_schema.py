# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The keys of alert entries, defaults and rules, with their checks (private to this collection).

A check takes a value and returns what is wrong with it, or an empty text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from ansible_collections.barehost.monitoring.plugins.plugin_utils._durations import (
    EXAMPLES,
    milliseconds,
)
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import (
    Faults,
    kind,
    nearest,
    shown,
)
from ansible_collections.barehost.monitoring.plugins.plugin_utils._numbers import is_number

Check: TypeAlias = Callable[[Any], str]
LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
ALERT_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
SLO_NAME = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9_.-]*")
RECORD_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
OPERATORS = (">", ">=", "<", "<=", "==", "!=")


def text(value: Any) -> str:
    """Want a string with something in it."""
    if not isinstance(value, str):
        return f"{shown(value)} is {kind(value)}, not a string; put it in quotes"
    return "" if value.strip() else "is empty"


def line(value: Any) -> str:
    """Want a string, which may be empty."""
    return "" if value == "" else text(value)


def duration(value: Any) -> str:
    """Want a duration."""
    if isinstance(value, str) and milliseconds(value) is not None:
        return ""
    if value is None:
        return f"is null; leave the key out or give a duration ({EXAMPLES})"
    return f"{shown(value)} is not a Prometheus duration ({EXAMPLES})"


def span(value: Any) -> str:
    """Want a duration longer than nothing."""
    return duration(value) or ("" if milliseconds(value) else "must be longer than 0")


def durations(value: Any) -> str:
    """Want a duration, or one for each severity."""
    if not isinstance(value, dict):
        return duration(value)
    return next((f"{shown(key)}: {fault}" for key in value if (fault := duration(value[key]))), "")


def number(value: Any) -> str:
    """Want a finite number."""
    if is_number(value):
        return ""
    return f"{shown(value)} is {kind(value)}, not a finite number (example: 0.9)"


def thresholds(value: Any) -> str:
    """Want a number, or one for each severity."""
    if not isinstance(value, dict):
        return number(value)
    if not value:
        return "is empty (example: {warning: 0.8, critical: 0.9})"
    return next((f"{shown(key)}: {fault}" for key in value if (fault := number(value[key]))), "")


def boolean(value: Any) -> str:
    """Want true or false."""
    return "" if isinstance(value, bool) else f"{shown(value)} is {kind(value)}, not true or false"


def natural(value: Any) -> str:
    """Want a whole number that is not negative."""
    good = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31
    return "" if good else f"{shown(value)} is not a whole number from 0 on"


def texts(value: Any) -> str:
    """Want a list of strings."""
    if not isinstance(value, list):
        return f"{shown(value)} is {kind(value)}, not a list"
    return next((f"[{i}]: {fault}" for i, item in enumerate(value) if (fault := text(item))), "")


def anything(value: Any) -> str:
    """Take what comes; it is looked at elsewhere."""
    return ""


def named_texts(value: Any) -> str:
    """Want a dictionary of label or annotation names and strings."""
    if not isinstance(value, dict):
        return f"{shown(value)} is {kind(value)}, not a dictionary"
    for name, item in value.items():
        if not isinstance(name, str) or not LABEL_NAME.fullmatch(name):
            return f"{shown(name)} is no valid name (letters, digits, _; no digit first)"
        if not isinstance(item, str):
            return f"{name}: {shown(item)} is {kind(item)}, not a string; put it in quotes"
    return ""


def labels(value: Any) -> str:
    """Want the labels of a rule."""
    fault = named_texts(value)
    if fault:
        return fault
    for name in value:
        if name == "alertname" or name.startswith("__"):
            return f"{name}: is reserved; Prometheus sets or drops it"
    return ""


def choice(*names: str) -> Check:
    """Want one of the names."""

    def check(value: Any) -> str:
        if value in names and isinstance(value, str):
            return ""
        return f"{shown(value)} is none of {', '.join(names)}{nearest(value, names)}"

    return check


def check_keys(
    given: Mapping[Any, Any],
    known: Mapping[str, Check],
    place: Callable[[str], str],
    faults: Faults,
    needed: Iterable[str] = (),
) -> frozenset[str]:
    """Check every key and value of a dictionary; return the keys that are wrong or missing."""
    wrong: list[str] = []
    for key, value in given.items():
        check = known.get(key) if isinstance(key, str) else None
        if check is None:
            hint = nearest(key, known) or f" (known keys: {', '.join(known)})"
            faults.add(place(str(key)), f"unknown key{hint}")
            wrong.append(key)
        elif fault := check(value):
            faults.add(place(key), fault)
            wrong.append(key)
    for key in needed:
        if key not in given:
            faults.add(place(key), "is missing")
            wrong.append(key)
    return frozenset(wrong)
