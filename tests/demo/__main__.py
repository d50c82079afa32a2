# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Command line: python3 -m demo deploy | summary."""

from __future__ import annotations

import subprocess
import sys
import urllib.error

from demo.services import Alertmanager, Prometheus, has_pages
from hosts.container import Host, ensure_network
from hosts.shell import CHECKOUT, give_up, say

NETWORK = "barehost-demo"
MONITOR = Host("barehost-demo-monitor")
HOSTS = {MONITOR: "trixie", Host("barehost-demo-app"): "bookworm"}
PLAY = (
    "ansible-playbook",
    "--inventory=inventories/demo",
    "--extra-vars=@.cache/mirror/versions.yml",
    "site.yml",
)
EXPECTED = ("prometheus", "alertmanager", "node-exporter")
# Targets count as down until their first scrape, which comes within one interval (15 s).
PATIENCE = 45.0


def deploy() -> None:
    """Boot the hosts that do not run yet and deploy on them what the inventory says."""
    ensure_network(NETWORK)
    for host, suite in HOSTS.items():
        if not host.runs():
            say(f"{host.name}: booting Debian ({suite})")
            host.boot(suite, f"--network={NETWORK}")
    say(" ".join(PLAY))
    sys.exit(subprocess.run(PLAY, cwd=CHECKOUT, check=False).returncode)


def summary() -> None:
    """Show what the running services report; fail when something is missing."""
    if not MONITOR.runs():
        give_up("the demo does not run ('make demo' starts it)")
    prometheus = Prometheus(f"http://{MONITOR.address()}:9090")
    alertmanager = Alertmanager(f"http://{MONITOR.address()}:9093")
    try:
        faults = _report(prometheus, alertmanager)
    except urllib.error.URLError as exc:
        give_up(f"the services on {MONITOR.name} do not answer: {exc.reason}")
    if faults:
        give_up("; ".join(faults))


def _report(prometheus: Prometheus, alertmanager: Alertmanager) -> list[str]:
    """Print the summary and return what is not as it should be."""
    targets = prometheus.targets(PATIENCE)
    alerting, recording = prometheus.rules()
    print(f"\nPrometheus {prometheus.version()}")
    print(f"  rules     {alerting} alerting, {recording} recording")
    print(f"  alerts    {', '.join(prometheus.alerts()) or 'none pending or firing'}")
    print("  targets")
    for target in targets:
        state = f"{target['health']:<8}{target['labels']['instance']:<24}"
        line = f"    {target['scrapePool']:<16}{state}{target['scrapeUrl']}  {target['lastError']}"
        print(line.rstrip())
    for job in prometheus.idle_jobs(targets):
        print(f"    {job:<16}not deployed yet")
    print(f"\nAlertmanager {alertmanager.version()}")
    print(f"  receivers {', '.join(alertmanager.receivers())}")
    print("\nOpen from this machine")
    print(f"  {_page(prometheus.url, 'api/v1/targets')}")
    print(f"  {_page(alertmanager.url, 'api/v2/status')}")
    print("\n'make demo-summary' shows this again, 'make demo' repeats the run,", end=" ")
    print("'make clean' removes the hosts.")

    jobs = {target["scrapePool"] for target in targets}
    faults = [f"no target in job {job}" for job in EXPECTED if job not in jobs]
    faults += [f"{t['scrapeUrl']} is {t['health']}" for t in targets if t["health"] != "up"]
    return faults if alerting else [*faults, "no alert is loaded"]


def _page(url: str, api: str) -> str:
    if has_pages(url):
        return url
    return f"{url}/{api}  (this build has no web pages)"


if __name__ == "__main__":
    {"deploy": deploy, "summary": summary}[sys.argv[1]]()
