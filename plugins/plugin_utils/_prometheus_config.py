# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compose Prometheus' main configuration (private to this collection).

What Prometheus accepts in silence although nobody can have meant it is refused: targets of a job
that does not exist, two jobs of one name, alerts that would reach nobody.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import (
    Faults,
    kind,
    nearest,
    shown,
)

TARGETS = "targets/{}.yml"
RULES = "rules/*.yml"
_TYPES = {"settings": dict, "targets": dict, "alertmanagers": list, "extra": dict}


def prometheus_config(
    jobs: Any,
    *,
    settings: Any = None,
    targets: Any = None,
    alertmanagers: Any = None,
    extra: Any = None,
    agent: bool = False,
    alerts: int = 0,
) -> dict[str, Any]:
    """Return prometheus.yml as data, or refuse with all faults.

    A job that names no way of finding its targets reads them from the file targets/<job>.yml.
    """
    faults = Faults()
    given = zip(_TYPES, (settings, targets, alertmanagers, extra), strict=True)
    checked = {name: _typed(name, value, faults) for name, value in given}
    scrape_configs = _jobs(jobs, faults)
    _check_targets(checked["targets"], scrape_configs, faults)
    config: dict[str, Any] = {"global": checked["settings"]}
    if not agent:
        config["rule_files"] = [RULES]
        config["alerting"] = {"alertmanagers": checked["alertmanagers"]}
    config |= {"scrape_configs": scrape_configs, **checked["extra"]}
    if alerts and not agent and not any(_receivers(config.get("alerting"))):
        text = f"is empty, so {alerts} alerts would reach nobody; name an Alertmanager "
        text += "(example: [{static_configs: [{targets: ['127.0.0.1:9093']}]}]) "
        faults.add("alertmanagers", text + "or set prometheus_require_alertmanager: false")
    faults.refuse()
    return config


def scraped_jobs(jobs: Any, *, targets: Any = None) -> list[str]:
    """Name the jobs that have targets, or a way of their own to find some."""
    faults = Faults()
    filled = {job for job, groups in _typed("targets", targets, faults).items() if groups}
    configs = _jobs(jobs, faults)
    faults.refuse()
    names = [c["job_name"] for c in configs if c["job_name"] in filled or not _from_file(c)]
    return list(dict.fromkeys(names))


def _typed(name: str, value: Any, faults: Faults) -> Any:
    wanted = _TYPES[name]
    if value is not None and not isinstance(value, wanted):
        faults.add(name, f"{shown(value)} is {kind(value)}, not {kind(wanted())}")
        return wanted()
    return wanted() if value is None else value


def _jobs(jobs: Any, faults: Faults) -> list[dict[str, Any]]:
    if not isinstance(jobs, list):
        faults.add("jobs", f"{shown(jobs)} is {kind(jobs)}, not a list")
        return []
    complete = []
    for index, job in enumerate(jobs):
        if not isinstance(job, dict) or not isinstance(job.get("job_name"), str):
            faults.add(f"jobs[{index}]", f"{shown(job)} has no job_name (example: redis)")
        elif any(key.endswith(("_sd_configs", "static_configs")) for key in job):
            complete.append(job)
        else:
            files = [{"files": [TARGETS.format(job["job_name"])]}]
            complete.append({**job, "file_sd_configs": files})
    for name, count in Counter(job["job_name"] for job in complete).items():
        if count > 1:
            faults.add("jobs", f"{count} jobs are named {shown(name)}")
    return complete


def _from_file(job: Mapping[str, Any]) -> bool:
    """Whether the job reads the file that its targets are written to."""
    names = (TARGETS.format(job["job_name"]), TARGETS.format("*"))
    entries = job.get("file_sd_configs") or []
    return any(file in names for entry in entries for file in entry.get("files") or [])


def _check_targets(
    targets: Mapping[str, Any], jobs: Sequence[Mapping[str, Any]], faults: Faults
) -> None:
    readers = [job["job_name"] for job in jobs if _from_file(job)]
    elsewhere = [job["job_name"] for job in jobs if not _from_file(job)]
    for name, groups in targets.items():
        if not isinstance(groups, list) or any(not isinstance(g, dict) for g in groups):
            faults.add(f"targets.{name}", f"{shown(groups)} is no list of target groups")
        if name in elsewhere:
            text = f"the job finds its targets elsewhere and never reads {TARGETS.format(name)}"
            faults.add(f"targets.{name}", text)
        elif name not in readers:
            hint = nearest(name, readers) or "; take it away here, or add the job"
            faults.add(f"targets.{name}", f"there is no such job{hint}")


def _receivers(alerting: Any) -> Iterator[Any]:
    """Yield whatever an alerting section names as a way to an Alertmanager."""
    for manager in (alerting or {}).get("alertmanagers") or []:
        for key, groups in manager.items():
            if key == "static_configs":
                yield from (group.get("targets") for group in groups or [])
            elif key.endswith("_sd_configs"):
                yield groups
