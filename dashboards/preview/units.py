# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers as Grafana shows them."""

from __future__ import annotations

import math

_BINARY = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_DECIMAL = ("", "K", "M", "G", "T", "P")
_SUFFIX = {"reqps": " req/s", "ops": " ops/s", "iops": " io/s", "pps": " p/s"}
_SPANS = (("day", 86400), ("hour", 3600), ("min", 60))


def shown(value: float, unit: str, decimals: int | None = None) -> str:
    """Write a value with its unit."""
    if not math.isfinite(value):
        return "–"
    if unit == "percentunit":
        return f"{_rounded(value * 100, decimals)}%"
    if unit == "bytes":
        return _scaled(value, 1024, _BINARY, decimals)
    if unit in ("Bps", "bps"):
        return _scaled(value, 1000, _DECIMAL, decimals) + ("B/s" if unit == "Bps" else "b/s")
    if unit == "s":
        return _seconds(value, decimals)
    if unit in ("dtdurations", "dateTimeFromNow"):
        return _span(value)
    return _scaled(value, 1000, _DECIMAL, decimals).strip() + _SUFFIX.get(unit, "")


def _scaled(value: float, base: int, names: tuple[str, ...], decimals: int | None) -> str:
    place = 0
    while abs(value) >= base and place < len(names) - 1:
        value, place = value / base, place + 1
    return f"{_rounded(value, decimals)} {names[place]}"


def _rounded(value: float, decimals: int | None) -> str:
    if decimals is None:
        decimals = 0 if value == int(value) or abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:.{decimals}f}"


def _seconds(value: float, decimals: int | None) -> str:
    if abs(value) >= 60:
        return _span(value)
    if 0 < abs(value) < 1:
        return f"{_rounded(value * 1000, decimals)} ms"
    return f"{_rounded(value, decimals)} s"


def _span(seconds: float) -> str:
    for name, length in _SPANS:
        if abs(seconds) >= length:
            return f"{_rounded(seconds / length, 1)} {name}"
    return f"{_rounded(seconds, 0)} s"
