# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fire drills on the whole chain: they pass, they name what is broken, and nothing of them stays."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from demo.passage import title
from demo.stack import Stack
from hosts.shell import CHECKOUT
from operate.stack import play

TEXTFILES = "/var/lib/node_exporter/textfile"
FAULT = f"{TEXTFILES}/barehost_fire_drill.prom"
RESULT = f"{TEXTFILES}/barehost_fire_drill_result.prom"
HOPS = ["armed", "scraped", "rule", "alertmanager", "receiver", "ended", "resolved"]
INTERVAL = 2  # seconds
DEPLOY = "--tags=alertmanager,prometheus,fire_drill"
# Short times, and routes as somebody writes who has never heard of drills.
QUICK = {
    "prometheus_global": {
        "scrape_interval": f"{INTERVAL}s",
        "evaluation_interval": f"{INTERVAL}s",
    },
    "alertmanager_route": {
        "receiver": "operators",
        "group_by": ["alertname", "job", "instance"],
        "group_wait": "1s",
        "group_interval": "2s",
        "repeat_interval": "1h",
        "routes": [{"matchers": ['alertname="Watchdog"'], "receiver": "dead-mans-switch"}],
    },
    "fire_drill_patience": 60,
    "fire_drill_hold": 4,
}
OPTIONS = f"--extra-vars={json.dumps(QUICK)}"
DRILL = ("playbooks/fire_drill.yml",)


@pytest.fixture(scope="module")
def quick(stack: Stack) -> Iterator[Stack]:
    """Make the chain quick, and leave it as it was."""
    done = play(stack, ("site.yml",), DEPLOY, OPTIONS)
    assert done.returncode == 0, done.stdout + done.stderr
    yield stack
    done = play(stack, ("site.yml",), DEPLOY)
    assert done.returncode == 0, done.stdout + done.stderr


def drill(stack: Stack, *options: str) -> subprocess.CompletedProcess[str]:
    return play(stack, DRILL, OPTIONS, *options)


def eventually(question: Callable[[], Any], seconds: float, what: str) -> Any:
    limit = time.monotonic() + seconds
    while not (answer := question()):
        assert time.monotonic() < limit, f"not within {seconds} s: {what}"
        time.sleep(0.1)
    return answer


def files(stack: Stack) -> set[str]:
    return set(stack.monitor.output("ls", "-A", TEXTFILES).split())


def result(stack: Stack) -> dict[str, float]:
    """Return the numbers of the last drill, as the host has them now; no scrape lies between."""
    lines = stack.monitor.output("cat", RESULT).splitlines()
    pairs = (line.rpartition(" ") for line in lines if line[:1] != "#")
    return {
        name.removeprefix("barehost_fire_drill_"): float(value) for name, _space, value in pairs
    }


def told(stack: Stack, since: float) -> list[dict[str, Any]]:
    """Return what people were told of drills; that one has failed is another matter."""
    messages = [*stack.receivers.received("mail", since), *stack.receivers.received("slack", since)]
    return [message for message in messages if re.search(r"FireDrill(Page)?\b", title(message))]


def fires(stack: Stack) -> bool:
    return "FireDrill" in stack.prometheus.firing()


def test_a_drill_that_is_killed_leaves_no_fault(quick: Stack) -> None:
    monitor = quick.monitor
    pid = monitor.output("systemctl", "show", "--property=MainPID", "--value", "alertmanager")
    # An Alertmanager that stands still holds the drill while its fault is there. The host itself looks: it is there for
    # a few seconds.
    stand = f"until grep -qs '}} [1-9]' {FAULT}; do sleep 0.05; done; kill -STOP {pid}"
    try:
        monitor.output("systemctl", "start", "--no-block", "fire_drill")
        monitor.output("timeout", "30", "sh", "-c", stand)
        eventually(lambda: fires(quick), 30, "the drill fires")
        # In one go: who is killed is at work, and has left its fault to others.
        kill = "systemctl kill --signal=KILL --kill-whom=main fire_drill"
        assert re.search(r"} [1-9]", monitor.output("sh", "-c", f"cat {FAULT} && {kill}"))
    finally:
        monitor.output("kill", "-CONT", pid)
    eventually(lambda: not monitor.output("ls", FAULT, check=False), 3, "the metric is gone")
    eventually(lambda: not fires(quick), 10, "the alert has ended")
    assert monitor.output("systemctl", "is-failed", "fire_drill", check=False) != "inactive"


def test_the_next_drill_passes_hop_by_hop_and_tells_nobody(quick: Stack, tmp_path: Path) -> None:
    since, report = time.time(), tmp_path / "report.json"
    done = drill(quick, f"--extra-vars=fire_drill_report={report}")
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(report.read_text())
    assert (found["passed"], found["receivers"], found["fault"]) == (True, ["fire-drill"], "")
    seconds = {one["hop"]: one["seconds"] for one in found["hops"]}
    assert list(seconds) == HOPS
    # A scrape, an evaluation, a notification at once, both once more, and an interval of its group.
    slack = 3.0
    for hop, most in zip(HOPS, (1, 1, 1, 0, 0, 2, 2.5), strict=True):
        assert 0 <= seconds[hop] <= most * INTERVAL + slack, seconds
    assert seconds["scraped"] + seconds["rule"] > 0.1, "no alert travels in no time"
    assert sum(seconds.values()) <= found["seconds"] + 0.1
    for hop in HOPS:
        assert f"- {hop:<14}{seconds[hop]:>8.2f}  " in done.stdout
    assert told(quick, since) == []
    assert not [name for name in files(quick) if name.endswith("drill.prom")]


def test_a_broken_chain_is_told_with_its_hop_and_what_to_do(quick: Stack) -> None:
    quick.monitor.output("systemctl", "stop", "alertmanager")
    try:
        done = drill(quick)
    finally:
        quick.monitor.output("systemctl", "start", "alertmanager")
    assert done.returncode != 0
    said = done.stdout + done.stderr
    assert "alertmanager         -  FAILED: http://127.0.0.1:9093: Connection refused" in said
    assert "what to do: systemctl status alertmanager" in said
    assert "Traceback" not in said
    assert FAULT.rpartition("/")[2] not in files(quick)


def test_check_mode_only_looks(quick: Stack) -> None:
    before = quick.monitor.output("stat", "--format=%n %Y", TEXTFILES)
    done = drill(quick, "--check")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "could run, nothing was fired" in done.stdout
    assert quick.monitor.output("stat", "--format=%n %Y", TEXTFILES) == before


def test_a_scheduled_drill_has_a_result_in_prometheus(quick: Stack) -> None:
    begin = time.time()
    quick.monitor.output("systemctl", "start", "fire_drill")  # as its timer does
    last = "barehost_fire_drill_last_success_timestamp_seconds"
    asked = f"{last} >= {begin - 1}"
    eventually(lambda: quick.prometheus.query(asked), 10, "its result")
    assert quick.prometheus.value("barehost_fire_drill_success") == 1
    hops = quick.prometheus.query("barehost_fire_drill_hop_seconds")
    assert {series["metric"]["hop"] for series in hops} == set(HOPS)
    assert quick.prometheus.value("barehost_fire_drill_overdue_after_seconds") == 172800
    timer = quick.monitor.output("systemctl", "is-active", "fire_drill.timer")
    assert timer == "active"


def test_when_asked_to_it_reaches_the_real_receivers_and_says_what_it_is(quick: Stack) -> None:
    since = time.time()
    done = drill(quick, "--extra-vars=fire_drill_page=true")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{'told':<24}fire-drill, operators" in done.stdout
    for kind in ("mail", "slack"):
        for state in ("FIRING", "RESOLVED"):
            (message,) = quick.receivers.wait(
                kind,
                lambda m, state=state: "FireDrillPage" in title(m) and state in title(m),
                20,
                since,
            )
            assert "critical FireDrillPage" in title(message)
            assert "FIRE DRILL on monitor: nothing is wrong" in json.dumps(message)


def test_a_drill_ends_by_itself_when_the_run_that_asked_for_it_is_killed(quick: Stack) -> None:
    since = time.time()
    command = quick.play(DRILL, OPTIONS)
    programs = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    with subprocess.Popen(
        command, cwd=CHECKOUT, env={**os.environ, **programs}, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ) as run:  # fmt: skip
        eventually(lambda: quick.monitor.output("ls", FAULT, check=False), 20, "the metric")
        os.killpg(run.pid, signal.SIGKILL)
    # On the host, too: what waits there for the drill does not feel the end of a container's shell.
    quick.monitor.output("pkill", "-KILL", "-x", "systemd-run")
    state = ("systemctl", "is-active", "fire_drill_now")
    assert quick.monitor.output(*state, check=False) == "active", "the drill died with its run"
    eventually(
        lambda: quick.monitor.output(*state, check=False) == "inactive", 60, "the drill has ended"
    )
    assert FAULT.rpartition("/")[2] not in files(quick)
    last = result(quick)
    assert (last["success"], last["last_run_timestamp_seconds"] >= since - 1) == (1, True), last
    assert not quick.monitor.output("sh", "-c", "ls -d /run/barehost_fire_drill* || true")
    assert told(quick, since) == []
