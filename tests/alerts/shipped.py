# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The alerts and objectives that the role brings, their tests, and the rules made of them."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.barehost.monitoring.plugins.plugin_utils._alerts import alert_rules

ROOT = Path(__file__).parents[2]
ROLE = ROOT / "roles/prometheus"
CASES = ROOT / "tests/unit/alerts/cases"
JOBS = [
    *("ai-assistant", "redis", "postgres", "elasticsearch", "node-exporter", "cadvisor"),
    *("prometheus", "alertmanager"),
]


@cache
def variables() -> dict[str, Any]:
    """Read the role's defaults, and bring the alerts together as the template there does."""
    files = sorted((ROLE / "defaults/main").glob("*.yml"))
    data = {name: value for path in files for name, value in _read(path).items()}
    parts = re.findall(r"\bprometheus_alerts_\w+", data["prometheus_alerts"])
    data["prometheus_alerts"] = {n: entry for part in parts for n, entry in data[part].items()}
    return data


@cache
def defaults() -> dict[str, Any]:
    """Give the defaults of alerts, with what templates would fill in."""
    found: dict[str, Any] = _read(ROLE / "vars/main.yml")["__prometheus_alert_defaults"]
    settings = variables()["prometheus_global"]
    limits = {key: settings[key] for key in ("scrape_interval", "evaluation_interval")}
    filled = {
        "retention": variables()["prometheus_retention"],
        "runbook_url": variables()["prometheus_runbook_url"],
        "runbook_url_extra": "",
    }
    return found | limits | filled


@cache
def cases() -> dict[str, Any]:
    """Read the tests that were written by hand."""
    return {n: c for path in sorted(CASES.glob("*.yml")) for n, c in _read(path).items()}


@cache
def rules() -> dict[str, Any]:
    """Make the rule file that a server with all documented jobs gets."""
    return alert_rules(
        variables()["prometheus_alerts"],
        defaults=defaults(),
        recording_rules=variables()["prometheus_recording_rules_elasticsearch"],
        known_jobs=JOBS,
        slos=variables()["prometheus_slos"],
    )


def _read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found
