# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the roles of the exporters say without being asked, on no host."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

CHECKOUT = Path(__file__).parents[3]
DEFAULTS = yaml.safe_load((CHECKOUT / "roles/prometheus/defaults/main/main.yml").read_text())
(CADVISOR,) = (j for j in DEFAULTS["prometheus_scrape_jobs"] if j["job_name"] == "cadvisor")


def relabelled(group: str) -> dict[str, str] | None:
    """Do to a control group's series what the job does; nothing remains of a dropped one."""
    labels: dict[str, str] = {"id": group}
    for rule in CADVISOR["metric_relabel_configs"]:
        value = ";".join(labels.get(label, "") for label in rule["source_labels"])
        match = re.fullmatch(rule["regex"], value)
        if match and rule.get("action") == "drop":
            return None
        if match:
            labels[rule["target_label"]] = match[1]
    return labels


@pytest.mark.parametrize(
    ("group", "service"),
    [
        ("/system.slice/redis-server.service", "redis-server"),
        (
            "/system.slice/system-postgresql.slice/postgresql@17-main.service",
            "postgresql@17-main",
        ),
        ("/system.slice/ssh.service", "ssh"),
    ],
)
def test_a_service_gets_its_name(group: str, service: str) -> None:
    assert relabelled(group) == {"id": group, "service": service}


@pytest.mark.parametrize(
    "group",
    [
        "/",
        "/system.slice",
        "/user.slice",
        "/init.scope",
        "/system.slice/docker-0123abcd.scope",
        # What a container or a service makes for itself is no service of the host.
        "/system.slice/docker-0123abcd.scope/system.slice/redis-server.service",
        "/system.slice/docker.service/child",
    ],
)
def test_what_is_no_service_gets_none(group: str) -> None:
    assert relabelled(group) == {"id": group}


@pytest.mark.parametrize(
    "group", ["/user.slice/user-1000.slice/session-7.scope", "/user.slice/user-1000.slice"]
)
def test_sessions_leave_no_names_behind(group: str) -> None:
    assert relabelled(group) is None


def variables(role: str) -> Any:
    """Return the internal variables of a role, unresolved."""
    return yaml.safe_load((CHECKOUT / "roles" / role / "vars/main.yml").read_text())


@pytest.mark.parametrize("role", ["redis_exporter", "postgres_exporter"])
def test_a_database_that_is_down_fails_no_deployment(role: str) -> None:
    probes = variables(role)[f"__{role}_health"]["probes"]
    conditions = [metric for probe in probes for metric in probe.get("metrics", [])]
    assert conditions
    assert all(metric["optional"] for metric in conditions)
