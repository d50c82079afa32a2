# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One look for all boards: what a colour means, and from which numbers it changes."""

from __future__ import annotations

from collections.abc import Mapping

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.models.dashboard import (
    DynamicConfigValue,
    FieldColorModeId,
    Threshold,
    ThresholdsMode,
)

GOOD, NEUTRAL = "green", "blue"
SEVERITIES = {"critical": "red", "warning": "orange", "info": "blue", "none": "gray"}
STATUS_CLASSES = {"1xx": "purple", "2xx": "green", "3xx": "blue", "4xx": "yellow", "5xx": "red"}
OUTCOMES = {
    "success": "green",
    "error": "red",
    "timeout": "orange",
    "cancelled": "purple",
    "hit": "green",
    "miss": "orange",
    "hits": "green",
    "misses": "orange",
}
LEVELS = {
    "critical": "purple",
    "error": "red",
    "warning": "orange",
    "info": "green",
    "debug": "blue",
}
PERCENTILES = {"p50": "green", "p95": "orange", "p99": "red"}

Steps = tuple[tuple[float | None, str], ...]
"""From which value on which colour; the first one from minus infinity."""

PLAIN: Steps = ((None, NEUTRAL),)
NONE_WANTED: Steps = ((None, GOOD), (1, SEVERITIES["critical"]))
NONE_LIKED: Steps = ((None, GOOD), (1, SEVERITIES["warning"]))
BUDGET: Steps = ((None, SEVERITIES["critical"]), (0, SEVERITIES["warning"]), (0.25, GOOD))


def thresholds(steps: Steps) -> builders.ThresholdsConfig:
    """Make Grafana's form of steps."""
    made = [Threshold(value=value, color=color) for value, color in steps]
    return builders.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(made)


def by_steps() -> builders.FieldColor:
    """Colour a value by its steps."""
    return builders.FieldColor().mode(FieldColorModeId.THRESHOLDS)


def by_series() -> builders.FieldColor:
    """Give each series a colour of its own."""
    return builders.FieldColor().mode(FieldColorModeId.PALETTE_CLASSIC)


def fixed(color: str) -> DynamicConfigValue:
    """Make the property of an override that sets a colour."""
    return DynamicConfigValue(id_val="color", value={"mode": "fixed", "fixedColor": color})


def pattern(names: Mapping[str, str], name: str) -> str:
    """Match the series that are called so, alone or with more words behind (`5xx app`)."""
    if name not in names:
        raise KeyError(name)
    return f"/^{name}( |$)/"
