# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turn compact alert data into a Prometheus rule file (private to this collection)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ansible_collections.barehost.monitoring.plugins.plugin_utils import (
    _alert_defaults,
    _alert_jobs,
    _alert_thresholds,
    _slos,
)
from ansible_collections.barehost.monitoring.plugins.plugin_utils import (
    _alert_schema as schema,
)
from ansible_collections.barehost.monitoring.plugins.plugin_utils import _rule_groups as raw
from ansible_collections.barehost.monitoring.plugins.plugin_utils._alert_defaults import Defaults
from ansible_collections.barehost.monitoring.plugins.plugin_utils._alert_entry import rules
from ansible_collections.barehost.monitoring.plugins.plugin_utils._alert_groups import (
    find_homeless,
    find_twins,
)
from ansible_collections.barehost.monitoring.plugins.plugin_utils._alert_sources import entries
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import (
    Faults,
    kind,
    shown,
)
from ansible_collections.barehost.monitoring.plugins.plugin_utils._promql_lexer import one_line
from ansible_collections.barehost.monitoring.plugins.plugin_utils._slo_rules import (
    BUDGET_GROUP,
    BUDGET_INTERVAL,
    budget,
    expanded,
    recordings,
)
from ansible_collections.barehost.monitoring.plugins.plugin_utils._slos import GROUP, Slo

OPTIONS = (
    "declared_jobs",
    "defaults",
    "extra",
    "groups",
    "known_jobs",
    "other_jobs",
    "overrides",
    "recording_rules",
    "scrape_intervals",
    "slos",
    "target_version",
    "thresholds",
)
# What is left of a budget changes slowly, and a whole month is read for it.
_SLOWER = {BUDGET_GROUP: {"interval": BUDGET_INTERVAL}}
_RECORDING_GROUP = "recording"


def alert_rules(
    alerts: Any,
    *,
    extra: Any = None,
    overrides: Any = None,
    defaults: Any = None,
    recording_rules: Any = None,
    groups: Any = None,
    target_version: Any = "3.5.3",
    known_jobs: Any = None,
    other_jobs: Any = None,
    declared_jobs: Any = None,
    scrape_intervals: Any = None,
    slos: Any = None,
    thresholds: Any = None,
) -> dict[str, list[dict[str, Any]]]:
    """Make the rule file; refuse the input with all its faults."""
    faults = Faults()
    jobs = _alert_jobs.read(known_jobs, other_jobs, declared_jobs, scrape_intervals, faults)
    settled = _alert_defaults.read(defaults or {}, target_version, jobs, faults)
    own = _given_groups(alerts, settled, faults)
    compact = {} if own is not None else alerts
    found: dict[str, list[dict[str, Any]]] = {}
    _record(recording_rules, settled, found, faults)
    homes, names = set(found), set[str]()
    own_thresholds = _alert_thresholds.read(thresholds, faults)
    objectives = _slos.read(slos, settled, faults)
    for group, rule in _slo_recordings(objectives, settled):
        found.setdefault(group, []).append(rule)
    for entry in entries(compact, extra, overrides, faults):
        homes.add(str(entry.values.get("group", settled.group)))
        names.add(entry.name)
        for one in expanded(entry, objectives, faults):
            for group, rule in rules(one, settled, own_thresholds, faults):
                found.setdefault(group, []).append(rule)
    own_thresholds.find_unknown(names, faults)
    result = [
        {"name": name, **_SLOWER.get(name, {}), **settled.groups.get(name, {}), "rules": content}
        for name, content in found.items()
    ]
    result += own or []
    if groups is not None:
        result += raw.groups(groups, "groups", settled, faults)
    find_homeless(settled, homes, result, faults)
    find_twins(result, faults)
    faults.refuse()
    return {"groups": result}


def _slo_recordings(
    objectives: list[Slo], settled: Defaults
) -> Iterator[tuple[str, dict[str, Any]]]:
    for slo in objectives:
        yield from ((GROUP, rule) for rule in recordings(slo))
    for slo in objectives:
        yield BUDGET_GROUP, budget(slo, settled.retention)


def _given_groups(alerts: Any, settled: Defaults, faults: Faults) -> list[dict[str, Any]] | None:
    """Take `{groups: [...]}` or a list as groups in Prometheus' own form."""
    if isinstance(alerts, list):
        return raw.groups(alerts, "alerts", settled, faults)
    if not isinstance(alerts, dict) or isinstance(alerts.get("groups", {}), dict):
        return None
    given, path = alerts["groups"], "alerts.groups"
    if len(alerts) > 1:
        faults.add(path, "stands beside alerts; give it as the option groups")
    elif not given and (given is None or isinstance(given, list)):
        faults.add(
            path, f"{shown(given)} holds no rule group (example: [{{name: x, rules: [...]}}])"
        )
    else:
        return raw.groups(given, path, settled, faults)
    return []


def _record(
    given: Any, settled: Defaults, found: dict[str, list[dict[str, Any]]], faults: Faults
) -> None:
    if given is None:
        return
    if not isinstance(given, list):
        faults.add("recording_rules", f"{shown(given)} is {kind(given)}, not a list")
        return
    for i, item in enumerate(given):
        path, group = f"recording_rules[{i}]", _RECORDING_GROUP
        if isinstance(item, dict):
            if "record" not in item:
                faults.add(f"{path}.record", "is missing")
                continue
            group = item.get("group", _RECORDING_GROUP)
            if not _has_series(item.get("job"), path, settled, faults):
                continue
            item = _of_job(item)
        if not isinstance(group, str) or not group:
            faults.add(f"{path}.group", f"{shown(group)} is no group name")
            continue
        rule = raw.rule(item, path, 0, settled, faults)
        if rule:
            found.setdefault(group, []).append(rule)


def _has_series(job: Any, path: str, settled: Defaults, faults: Faults) -> bool:
    """Tell whether a recording rule about a job makes sense; without a job it always does."""
    if job is None:
        return True
    if fault := schema.text(job) or settled.jobs.misnamed(job, own=False):
        faults.add(f"{path}.job", fault)
        return False
    return settled.jobs.has_series(job)


def _of_job(item: dict[str, Any]) -> dict[str, Any]:
    """Return the recording rule itself, with the name of its job in the expression."""
    rule = {key: value for key, value in item.items() if key not in ("group", "job")}
    if "job" in item and isinstance(rule.get("expr"), str):
        rule["expr"] = one_line(rule["expr"].replace("<job>", item["job"]))
    return rule
