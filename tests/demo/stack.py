# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The whole chain on two test hosts: one that watches, one that runs the application."""

from __future__ import annotations

from dataclasses import dataclass

from demo.services import Alertmanager, Grafana, Logs, Prometheus
from hosts.container import Host
from hosts.shell import CHECKOUT
from receivers.control import Receivers

QUICK = CHECKOUT / "tests/demo/quick.yml"
GRAFANA_PASSWORD = "/etc/grafana/secrets/admin_password"
LOAD = ("/usr/local/bin/ai-assistant", "load")


@dataclass(frozen=True)
class Stack:
    """The two hosts, what runs on them, and the inventory that says so."""

    monitor: Host
    app: Host
    # what the inventory calls them, and where it lies (several, separated by commas)
    monitor_name: str
    app_name: str
    inventory: str

    @property
    def prometheus(self) -> Prometheus:
        """Return the Prometheus on the monitor."""
        return Prometheus(f"http://{self.monitor.address()}:9090")

    @property
    def alertmanager(self) -> Alertmanager:
        """Return the Alertmanager on the monitor."""
        return Alertmanager(f"http://{self.monitor.address()}:9093")

    @property
    def grafana(self) -> Grafana:
        """Return the Grafana on the monitor, with the password that the host has made."""
        password = self.monitor.output("cat", GRAFANA_PASSWORD)
        return Grafana(f"http://{self.monitor.address()}:3000", "admin", password)

    @property
    def logs(self) -> Logs:
        """Return the Elasticsearch on the monitor, which listens on loopback, through Grafana."""
        return Logs(self.grafana)

    @property
    def receivers(self) -> Receivers:
        """Return the test receivers on the monitor."""
        return Receivers.on(self.monitor)

    def play(self, playbooks: tuple[str, ...], *options: str) -> tuple[str, ...]:
        """Return the command that runs playbooks with the releases of the test mirror."""
        versions = "--extra-vars=@.cache/mirror/versions.yml"
        inventories = (f"--inventory={place}" for place in self.inventory.split(","))
        return ("ansible-playbook", *inventories, versions, *options, *playbooks)


DEMO = Stack(
    monitor=Host("barehost-demo-monitor"),
    app=Host("barehost-demo-app"),
    monitor_name="monitor",
    app_name="app",
    inventory="inventories/demo",
)
"""The hosts of `make demo`."""
