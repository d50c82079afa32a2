# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers in expressions and texts (private to this collection)."""

from __future__ import annotations

import math
from typing import TypeGuard


def is_number(value: object) -> TypeGuard[int | float]:
    """Tell whether the value is a finite number; YAML's booleans are none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) < 1e300 if isinstance(value, int) else math.isfinite(value)


def exact(value: float) -> str:
    """Write a number without the tails of binary fractions."""
    if isinstance(value, int) or (value.is_integer() and abs(value) < 1e15):
        return str(int(value))
    return format(value, ".15g")


def percentage(value: float) -> str:
    """Write a ratio the way Prometheus' humanizePercentage does."""
    return format(value * 100, ".4g") + "%"


def duration(value: float) -> str:
    """Write seconds the way Prometheus' humanizeDuration does."""
    if abs(value) < 60:
        return _below_a_minute(value)
    sign, whole = ("-" if value < 0 else ""), int(abs(value))
    days, hours = whole // 86400, whole // 3600 % 24
    minutes, seconds = whole // 60 % 60, whole % 60
    if days:
        return f"{sign}{days}d {hours}h {minutes}m {seconds}s"
    return f"{sign}{hours}h {minutes}m {seconds}s" if hours else f"{sign}{minutes}m {seconds}s"


def _below_a_minute(value: float) -> str:
    unit, smaller = "s", ["ns", "us", "ms"]
    while value and abs(value) < 1 and smaller:
        value, unit = value * 1000, smaller.pop()
    return format(value, ".4g") + unit


def scaled(value: float, base: int) -> str:
    """Write a number the way Prometheus' humanize (1000) and humanize1024 do."""
    units = ("", "k", "M", "G", "T", "P", "E", "Z", "Y") if base == 1000 else _BINARY
    if base == 1000 and 0 < abs(value) < 1:
        return _below_one(value)
    power = 0
    while abs(value) >= base and power < len(units) - 1:
        value, power = value / base, power + 1
    return format(value, ".4g") + units[power]


def _below_one(value: float) -> str:
    for unit in ("m", "u", "n", "p", "f", "a", "z", "y"):
        value *= 1000
        if abs(value) >= 1 or unit == "y":
            break
    return format(value, ".4g") + unit


_BINARY = ("", "ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi")
