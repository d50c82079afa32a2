# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""verify.yml says green of what works, and names everything that does not; it changes nothing."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from demo.stack import Stack
from operate.stack import play

BUDGET = 30.0
"""Seconds that a look at the demo may take."""
WRITTEN = "find /etc /opt /usr/local /var/lib/barehost -xdev -printf '%p %T@ %C@ %s\\n' | sort"


def look(stack: Stack, folder: Path, *options: str) -> tuple[int, dict[str, Any], str]:
    """Run the playbook; returns its exit code, its report, and what it showed."""
    report = folder / "report.json"
    done = play(stack, ("playbooks/verify.yml",), f"--extra-vars=verify_report={report}", *options)
    assert report.exists(), done.stdout + done.stderr
    return done.returncode, json.loads(report.read_text()), done.stdout + done.stderr


def state(stack: Stack) -> list[str]:
    """Return what a look must leave as it is: files, and the processes of all services."""
    pids = "systemctl show --property=Id,MainPID,NRestarts '*.service'"
    return [host.output("sh", "-c", f"{WRITTEN}; {pids}") for host in (stack.monitor, stack.app)]


def until(condition: Callable[[], bool], seconds: float) -> None:
    """Wait for what Prometheus sees by its next scrapes."""
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, "it does not come to pass"
        time.sleep(1)


def faults(report: dict[str, Any]) -> list[tuple[str, str, str]]:
    """List host, daemon and fault."""
    return [
        (host, daemon, f"{finding['check']}: {finding['fault']}")
        for host, daemons in report["hosts"].items()
        for daemon, found in daemons.items()
        for finding in found["findings"]
    ]


# Recorded every two minutes: on a host that has just come up there is none yet.
YOUNG = (
    "panels: Overview: no data in Error budget left",
    "panels: SLO: no data in Error budget left",
    "panels: Monitoring: no data in Alerts on their way",
)


# Every target was up more than a minute ago: panels are asked by the minute, and rates need two samples.
GROWN = "count(up offset 75s == 1) == count(up)"


def test_what_works_is_green(stack: Stack, tmp_path: Path) -> None:
    """Every panel has data, a line arrives, every target is up; and nothing changes."""
    served = "rate(http_requests_total[1m]) > 0"
    until(lambda: len(stack.prometheus.query(served)) > 0, 60)
    until(lambda: len(stack.prometheus.query(GROWN)) > 0, 120)
    before = state(stack)
    start = time.monotonic()
    code, report, shown = look(stack, tmp_path)
    seconds = time.monotonic() - start
    print(f"{seconds:.1f} s")
    early = [f for f in faults(report) if f[2].startswith(YOUNG) or f[2].endswith("evaluated yet")]
    assert [fault for fault in faults(report) if fault not in early] == []
    assert code == 0
    assert seconds <= BUDGET
    assert state(stack) == before
    assert "15 daemons on 2 hosts: " in shown
    seen = report["hosts"]["monitor"]["prometheus"]["seen"]
    targets = len(stack.prometheus.targets(0))
    assert seen["targets"] == f"{targets}/{targets} up"
    assert seen["rules"] == sum(stack.prometheus.rules())
    assert report["hosts"]["monitor"]["grafana"]["seen"]["panels"].endswith("queries have data")


def test_everything_that_is_wrong_is_told_at_once(stack: Stack, tmp_path: Path) -> None:
    """A stopped exporter, an edited file that was loaded, one that was not, an open port, a host that is gone."""
    stack.app.output("systemctl", "stop", "redis_exporter")
    edit = "echo '# by hand' >> /etc/{0}/{0}.yml"
    stack.monitor.output("sh", "-c", edit.format("alertmanager"))
    stack.monitor.output("sh", "-c", edit.format("prometheus") + "; systemctl reload prometheus")
    down = "up{job='redis'} == 0"
    until(lambda: len(stack.prometheus.query(down)) == 1, 40)
    code, report, shown = look(stack, tmp_path)
    found = faults(report)
    assert code == 2
    assert "Traceback" not in shown
    for host, daemon, words in (
        ("app", "redis_exporter", "state: redis_exporter.service was inactive"),
        ("monitor", "prometheus", "targets: redis at "),
        ("monitor", "prometheus", "state: /etc/prometheus/prometheus.yml was edited"),
        ("monitor", "alertmanager", "state: /etc/alertmanager/alertmanager.yml was edited"),
        ("monitor", "alertmanager", "configuration: what is loaded is not what "),
    ):
        assert [
            fault for fault in found if fault[:2] == (host, daemon) and fault[2].startswith(words)
        ], (words, found)
    assert not [
        fault for fault in found if fault[1] in ("grafana", "node_exporter", "elasticsearch")
    ]
    # Deploying mends it, as each remedy says.
    mended = play(stack, ("site.yml",), "--tags=redis_exporter,alertmanager,prometheus")
    assert mended.returncode == 0, mended.stdout


INTO = """
import json, sys, urllib.request
method, path, body = sys.argv[1:]
headers = {"Content-Type": "application/json"}
url = "http://127.0.0.1:9200/" + path
request = urllib.request.Request(url, body.encode() or None, headers, method=method)
print(urllib.request.urlopen(request, timeout=20).read().decode())
"""


def test_a_line_of_tomorrow_is_told_and_not_the_newest(stack: Stack, tmp_path: Path) -> None:
    """Who writes with a clock that is ahead does not hide that lines no longer come."""
    tomorrow = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 86_400))
    line = json.dumps({"@timestamp": tomorrow, "message": "early"})
    ask = ("python3", "-c", INTO)
    told = stack.monitor.output(*ask, "POST", "logs-early-default/_doc?refresh=true", line)
    early = "{_index}/_doc/{_id}?refresh=true".format_map(json.loads(told))
    try:
        # No line of Filebeat's is that young: what is asked for is one of the last moment.
        young = '--extra-vars={"elk_verify": {"elasticsearch": {"newest": 0.001}}}'
        code, report, shown = look(stack, tmp_path, "--tags=elk", young)
    finally:
        stack.monitor.output(*ask, "DELETE", early, "")
    ahead, old = [fault[2] for fault in faults(report) if fault[1] == "elasticsearch"]
    assert ahead == "lines: 1 line is of a time that has not come yet", shown
    assert old.startswith("lines: the newest line is of "), shown
    assert code == 2


def test_a_host_that_is_gone_hides_no_other(stack: Stack, tmp_path: Path) -> None:
    """It is told, once, and everything else is still looked at."""
    gone = tmp_path / "gone.json"
    gone.write_text(
        json.dumps({"all": {"hosts": {"app": {"ansible_host": f"{stack.app.name}-gone"}}}})
    )
    code, report, _shown = look(
        stack, tmp_path, f"--inventory={gone}", "--tags=node_exporter,redis_exporter,alertmanager"
    )
    assert code == 2
    told = [fault for fault in faults(report) if fault[0] == "app"]
    assert [fault[1] for fault in told] == ["node_exporter", "redis_exporter"]
    assert all("host: nothing could be seen: " in fault[2] for fault in told)
    assert any("No such container" in fault[2] for fault in told)
    assert {"node_exporter", "alertmanager"} <= set(report["hosts"]["monitor"])
