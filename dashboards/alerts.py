# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The alerts that the role prometheus brings: the boards show what they watch, and their limits."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from dashboards.look import GOOD, SEVERITIES, Steps

ROLE = Path(__file__).parents[1] / "roles/prometheus"
_SETTINGS = ("extra", "overrides", "defaults")


@dataclass(frozen=True)
class Alert:
    """What a board needs to know of an alert."""

    name: str
    above: bool
    """Whether it fires above its thresholds, or below."""
    thresholds: dict[str, float]
    """By severity."""


@cache
def shipped() -> dict[str, Alert]:
    """Read the alerts from the defaults of the role."""
    severity = _variables()["__prometheus_alert_defaults"]["severity"]
    return {name: _alert(name, entry, severity) for name, entry in entries().items()}


@cache
def entries() -> dict[str, dict[str, Any]]:
    """Return the alerts as they are written, from all files of alerts."""
    found: dict[str, dict[str, Any]] = {}
    for path in sorted((ROLE / "defaults/main").glob("alerts*.yml")):
        for variable, value in yaml.safe_load(path.read_text(encoding="utf-8")).items():
            subject = variable.removeprefix("prometheus_alerts").strip("_")
            if variable.startswith("prometheus_alerts") and subject not in _SETTINGS:
                found |= value if isinstance(value, dict) else {}
    return found


def steps(name: str, *, complement: bool = False) -> Steps:
    """Colour a number by the thresholds of an alert.

    `complement` is for a board that shows what is used where the alert counts what is left.
    """
    alert = shipped()[name]
    pairs = [(value, SEVERITIES[severity]) for severity, value in alert.thresholds.items()]
    if complement:
        pairs = [(round(1 - value, 12), color) for value, color in pairs]
    pairs.sort()
    if alert.above != complement:
        return ((None, GOOD), *pairs)
    values = [value for value, _color in pairs]
    colors = [color for _value, color in pairs]
    return ((None, colors[0]), *zip(values, [*colors[1:], GOOD], strict=True))


@cache
def selectors() -> dict[str, str]:
    """Return the matchers that alerts share, by name."""
    found: dict[str, str] = _variables()["__prometheus_alert_defaults"]["selectors"]
    return found


def _alert(name: str, entry: dict[str, Any], severity: str) -> Alert:
    threshold = entry.get("threshold", {})
    if not isinstance(threshold, dict):
        threshold = {entry.get("severity", severity): threshold}
    return Alert(name, not str(entry.get("op", ">")).startswith("<"), threshold)


@cache
def _variables() -> dict[str, Any]:
    variables: dict[str, Any] = yaml.safe_load((ROLE / "vars/main.yml").read_text("utf-8"))
    return variables


@cache
def runbook_base() -> str:
    """Return the address below which the runbooks of the alerts are, without the last slash."""
    defaults = yaml.safe_load((ROLE / "defaults/main/main.yml").read_text(encoding="utf-8"))
    return str(defaults["prometheus_runbook_url"]).rpartition("/")[0]
