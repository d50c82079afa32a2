# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What runs on a host in the end: a contender that ends elsewhere was not compared."""

from __future__ import annotations

from dataclasses import dataclass

from demo.services import Alertmanager, Prometheus
from hosts.container import Host

PATIENCE = 45.0


@dataclass(frozen=True)
class State:
    """What the running services say about themselves."""

    versions: tuple[str, str]
    retention: str
    targets: tuple[str, ...]
    rules: tuple[str, ...]
    receivers: tuple[str, ...]


def observe(host: Host) -> State:
    """Ask the services on a host, once every target was scraped."""
    prometheus = Prometheus(f"http://{host.address()}:9090")
    alertmanager = Alertmanager(f"http://{host.address()}:9093")
    targets = prometheus.targets(PATIENCE)
    groups = prometheus.ask("rules")["groups"]
    return State(
        (prometheus.version(), alertmanager.version()),
        str(prometheus.ask("status/flags")["storage.tsdb.retention.time"]),
        tuple(f"{t['scrapePool']} {t['labels']['instance']} {t['health']}" for t in targets),
        tuple(sorted(str(rule["name"]) for group in groups for rule in group["rules"])),
        tuple(alertmanager.receivers()),
    )
