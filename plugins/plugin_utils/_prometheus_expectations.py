# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Prometheus that runs a configuration has to say of itself (private to this collection)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.barehost.monitoring.plugins.plugin_utils._prometheus_config import TARGETS


def expectations(
    config: Mapping[str, Any], *, targets: Mapping[str, Any], rules: Mapping[str, Any]
) -> dict[str, Any]:
    """Return jobs, targets by job, rules by group, and Alertmanagers.

    config: prometheus.yml as data. targets: groups of targets by the job that reads their file.
    rules: the rule file as data. A job that finds targets in a way of its own has no entry in targets.
    """
    jobs = config.get("scrape_configs") or []
    files = {TARGETS.format(job): groups for job, groups in targets.items()}
    found = {str(job["job_name"]): _of_job(job, files) for job in jobs}
    return {
        "jobs": list(found),
        "targets": {job: addresses for job, addresses in found.items() if addresses is not None},
        "rules": {
            str(group["name"]): [
                str(rule.get("alert") or rule.get("record")) for rule in group["rules"]
            ]
            for group in rules.get("groups") or []
        },
        "alertmanagers": list(_alertmanagers(config)),
    }


def _of_job(job: Mapping[str, Any], files: Mapping[str, Any]) -> list[str] | None:
    """The addresses of a job, or None where only Prometheus can know them."""
    groups: list[Mapping[str, Any]] = list(job.get("static_configs") or [])
    for key, entries in job.items():
        if key == "file_sd_configs":
            for name in (name for entry in entries or [] for name in entry.get("files") or []):
                if name not in files:
                    return None
                groups += files[name]
        elif key.endswith("_sd_configs"):
            return None
    return _addresses(groups)


def _addresses(groups: Sequence[Mapping[str, Any]]) -> list[str]:
    return [str(address) for group in groups for address in group.get("targets") or []]


def _alertmanagers(config: Mapping[str, Any]) -> Iterator[str]:
    """Those that are named; of others nothing is known."""
    for manager in (config.get("alerting") or {}).get("alertmanagers") or []:
        yield from _addresses(manager.get("static_configs") or [])
