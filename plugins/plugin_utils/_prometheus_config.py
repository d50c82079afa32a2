# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From scrape jobs, their targets and the Alertmanagers to Prometheus' main configuration.

What Prometheus accepts in silence although nobody can have meant it is refused here: targets of a job
that does not exist, jobs of one name, alerts that would reach nobody. Private to this collection.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

TARGETS = "targets/{job}.yml"
RULES = "rules/*.yml"


class ConfigError(ValueError):
    """Every fault of the configuration, one a line."""


def prometheus_config(
    jobs: Sequence[Any],
    *,
    settings: Mapping[str, Any],
    targets: Mapping[str, Any],
    alertmanagers: Sequence[Any],
    extra: Mapping[str, Any],
    agent: bool = False,
    needs_alertmanager: bool = False,
) -> dict[str, Any]:
    """Return prometheus.yml as data or raise ConfigError with all faults.

    A job that names no way of finding its targets reads them from the file targets/<job>.yml.
    """
    faults: list[str] = []
    scrape_configs = [_job(index, job, faults) for index, job in enumerate(jobs)]
    names = [job.get("job_name") for job in scrape_configs]
    for name in sorted({str(n) for n in names if names.count(n) > 1 and n}):
        faults.append(f"prometheus_scrape_jobs: two jobs are named {name!r}")
    readers = [j["job_name"] for j in scrape_configs if _reads_file(j)]
    faults += [_unread(job, readers, names) for job in targets if job not in readers]
    config: dict[str, Any] = {"global": dict(settings)}
    if not agent:
        config["rule_files"] = [RULES]
        config["alerting"] = {"alertmanagers": list(alertmanagers)}
    config["scrape_configs"] = scrape_configs
    config.update(extra)
    if needs_alertmanager and not agent and not _reaches(config.get("alerting")):
        faults.append(
            "prometheus_alertmanagers: is empty, so the alerts would reach nobody. Name an Alertmanager "
            "(example: [{static_configs: [{targets: ['127.0.0.1:9093']}]}]) "
            "or set prometheus_require_alertmanager: false"
        )
    if faults:
        raise ConfigError("\n".join(faults))
    return config


def _job(index: int, job: Any, faults: list[str]) -> dict[str, Any]:
    if not isinstance(job, Mapping):
        faults.append(f"prometheus_scrape_jobs[{index}]: must be a mapping (example: {{job_name: redis}})")
        return {}
    if not job.get("job_name"):
        faults.append(f"prometheus_scrape_jobs[{index}]: needs a job_name (example: redis)")
        return dict(job)
    if any(key.endswith(("_sd_configs", "static_configs")) for key in job):
        return dict(job)
    return {**job, "file_sd_configs": [{"files": [TARGETS.format(job=job["job_name"])]}]}


def _reads_file(job: Mapping[str, Any]) -> bool:
    """Whether one of the job's file_sd_configs reads the file that its targets are written to."""
    wanted = TARGETS.format(job=job.get("job_name", ""))
    entries = job.get("file_sd_configs") or []
    return any(file in (wanted, "targets/*.yml") for e in entries for file in e.get("files") or [])


def _unread(job: str, readers: Sequence[str], names: Sequence[Any]) -> str:
    where = f"prometheus_targets.{job}: "
    if job in names:
        return where + f"this job finds its targets elsewhere and never reads {TARGETS.format(job=job)}"
    near = difflib.get_close_matches(job, readers, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"the jobs are {', '.join(readers) or 'none'}"
    return where + f"prometheus_scrape_jobs has no such job; {hint}"


def _reaches(alerting: Any) -> bool:
    """Whether an alerting section names anything at all."""
    managers = alerting.get("alertmanagers") if isinstance(alerting, Mapping) else None
    return any(
        group.get("targets")
        if key == "static_configs"
        else True
        for manager in managers or []
        for key, groups in manager.items()
        if key.endswith(("_sd_configs", "static_configs"))
        for group in groups or []
    )
