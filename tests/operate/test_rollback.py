# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From one version to the next and back while requests come in; and one host before the others."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator

import pytest

from demo.stack import Stack
from hosts.container import Host
from operate.stack import PREFIX, play

HOST = "this-host"
DAEMONS = ("node_exporter", "redis_exporter", "postgres_exporter", "alertmanager", "prometheus")
# Without a database postgres_exporter takes longer to answer than a scrape every second may.
JOBS = ("node-exporter", "redis", "alertmanager", "prometheus")
TAGS = f"--tags={','.join(DAEMONS)}"
PREVIOUS = "--extra-vars=@.cache/mirror/versions_previous.yml"
GAP = 10.0
"""Seconds between two scrapes that succeed, at most, of a daemon that is replaced."""


@pytest.fixture(scope="module")
def solo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Return a host of its own that watches itself every second, with the previous versions."""
    host = Host(f"{PREFIX}-solo").boot("bookworm")
    variables = {
        "ansible_connection": "community.docker.docker",
        "ansible_host": host.name,
        "ansible_user": "root",
        "ansible_python_interpreter": "/usr/bin/python3",
        "barehost_mirror": "file:///srv/mirror",
        "prometheus_global": {"scrape_interval": "1s", "evaluation_interval": "5s"},
        "prometheus_listen_addresses": [":9090"],
        "alertmanager_listen_addresses": [":9093"],
    }
    groups = {group: {"hosts": {HOST: {}}} for group in ("redis", "postgres")}
    place = tmp_path_factory.mktemp("solo") / "solo.json"
    place.write_text(json.dumps({"all": {"hosts": {HOST: variables}, "children": groups}}))
    stack = Stack(host, host, HOST, HOST, f"inventories/single_host,{place}")
    succeeded(play(stack, ("site.yml",), TAGS, PREVIOUS))
    yield stack
    host.remove()


def succeeded(done: subprocess.CompletedProcess[str]) -> str:
    """Claim that a run succeeded, and return what it said."""
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def versions(stack: Stack) -> dict[str, str]:
    """Return the version of each daemon, as the link that its unit starts says."""
    return {name: stack.monitor.output("readlink", f"/opt/{name}/current") for name in DAEMONS}


def running(stack: Stack, name: str) -> str:
    """Return the folder of the version that the process of a daemon was started from."""
    pid = stack.monitor.output("systemctl", "show", "--property=MainPID", "--value", name)
    return stack.monitor.output("readlink", f"/proc/{pid}/exe").split("/")[3]


def gap(stack: Stack, job: str, since: float) -> float:
    """Return the longest time in seconds between two scrapes of a job that succeeded."""
    window = int(time.time() - since) + 1
    (series,) = stack.prometheus.query(f'up{{job="{job}"}}[{window}s]')
    up = [float(at) for at, value in series["values"] if value == "1"]
    gaps = [later - earlier for earlier, later in zip(up, up[1:], strict=False)]
    # What has not come back by now is missing still.
    return max([*gaps, time.time() - up[-1]])


def scraped(stack: Stack) -> bool:
    """Whether every job was scraped in the last two seconds."""
    young = "count by (job) (time() - timestamp(up == 1) < 2)"
    return {series["metric"]["job"] for series in stack.prometheus.query(young)} >= set(JOBS)


def test_there_and_back_under_load(solo: Stack) -> None:
    """Nothing is lost but the scrapes during each daemon's own restart; a second way back changes nothing."""
    old = versions(solo)
    # Enough for gaps to be seen against.
    time.sleep(3)
    first = "up{job='node-exporter'} offset 1s"
    gaps = {}
    for step, playbook in (("there", "site.yml"), ("back", "playbooks/rollback.yml")):
        since = time.time()
        succeeded(play(solo, (playbook,), TAGS))
        time.sleep(2)
        # Prometheus asks nobody for some seconds after its own start; a gap that has not ended is measured as it is.
        limit = time.time() + 2 * GAP
        while not scraped(solo) and time.time() < limit:
            time.sleep(0.2)
        new = versions(solo)
        assert {name: running(solo, name) for name in DAEMONS} == new
        assert (new == old) == (step == "back"), (step, new, old)
        assert not set(new.items()) & set(old.items()) or step == "back"
        gaps[step] = {job: round(gap(solo, job, since), 1) for job in JOBS}
    print(f"longest time between two scrapes, in seconds: {gaps}")
    assert max(max(found.values()) for found in gaps.values()) <= GAP, gaps
    # What was scraped before the first step is still there.
    assert solo.prometheus.query(first)
    assert "changed=0" in succeeded(play(solo, ("playbooks/rollback.yml",), TAGS))
    assert versions(solo) == old


def test_what_goes_back_has_to_be_named(solo: Stack) -> None:
    """Without tags every daemon would go back, also those that nobody has in mind."""
    before = versions(solo)
    done = play(solo, ("playbooks/rollback.yml",))
    assert done.returncode == 2
    assert "--tags prometheus" in done.stdout + done.stderr
    assert versions(solo) == before


def test_where_the_first_host_fails_the_others_stay_as_they_are(stack: Stack) -> None:
    """A change that can not work ends at the first host, which keeps what it had."""

    def pids() -> list[str]:
        show = ("systemctl", "show", "--property=MainPID", "--value", "node_exporter")
        return [host.output(*show) for host in (stack.monitor, stack.app)]

    before = pids()
    flags = "--extra-vars=" + json.dumps({"node_exporter_flags": {"no-such-flag": True}})
    done = play(stack, ("site.yml",), flags)
    assert done.returncode == 2
    said = done.stdout + done.stderr
    assert "no-such-flag" in said
    assert "Nothing was replaced" in said
    assert pids() == before
    recap = {line.split()[0]: line for line in said.splitlines() if "unreachable=" in line}
    # The second host was not even asked, nor was anything that comes later in the playbook.
    assert set(recap) == {"monitor"}, recap
    assert "redis_exporter" not in said
