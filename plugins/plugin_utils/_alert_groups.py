# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks that need all groups of the rule file together (private to this collection)."""

from __future__ import annotations

from typing import Any

from ansible_collections.barehost.monitoring.plugins.plugin_utils._alert_defaults import Defaults
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import Faults, nearest


def find_homeless(
    settled: Defaults, homes: set[str], result: list[dict[str, Any]], faults: Faults
) -> None:
    """Find options of groups in which no alert stands, not even one that is left out."""
    given = {group["name"] for group in result} - homes
    for name in settled.groups:
        path = f"defaults.groups.{name}"
        if name in given:
            faults.add(path, "is given in Prometheus' own form; set it there")
        elif homes and name not in homes:
            faults.add(path, f"no alert is in this group{nearest(name, sorted(homes))}")


def find_twins(result: list[dict[str, Any]], faults: Faults) -> None:
    """Find groups of one name, and rules of one name and the same labels."""
    names: set[str] = set()
    seen: dict[tuple[str, frozenset[tuple[str, str]]], str] = {}
    homes: dict[str, str] = {}
    for group in result:
        name = group["name"]
        if name in names:
            faults.add(f"group {name}", "there are several groups of this name")
        names.add(name)
        for rule in group["rules"]:
            if not rule:
                continue
            title = rule.get("alert") or rule["record"]
            twin = (title, frozenset(rule.get("labels", {}).items()))
            where = f"group {name}, {title}"
            if twin in seen:
                faults.add(where, f"the same name and labels are in group {seen[twin]} already")
            elif "alert" in rule and homes.setdefault(title, name) != name:
                faults.add(where, f"an alert of this name is in group {homes[title]} already")
            seen[twin] = name
