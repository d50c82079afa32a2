# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Uninstalling the whole stack from a host of its own: what stays, what comes back, what is left at the end."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from demo.stack import Stack
from hosts.container import Host as Container
from integration.support import snapshot
from integration.support.host import Host, poll
from integration.support.snapshot import Picture
from operate.stack import PREFIX, play

NAME = "this-host"  # that of inventories/single_host
DAEMONS = (
    "alertmanager",
    "cadvisor",
    "elasticsearch",
    "elasticsearch_exporter",
    "filebeat",
    "grafana",
    "kibana",
    "logstash",
    "node_exporter",
    "postgres_exporter",
    "prometheus",
    "redis_exporter",
)
# Runs as the user of node_exporter, and only when its timer says so.
JOB = "fire_drill"
# When it last did; pictures of a host leave out those of the system's own timers.
STAMP = f"/var/lib/systemd/timers/stamp-{JOB}.timer"
# What stays without purge: keys to the data, and who owns it.
KEYS = [
    "/etc/elasticsearch",
    "/etc/elasticsearch/elasticsearch.keystore",
    "/etc/elasticsearch/secrets",
    "/etc/elasticsearch/secrets/elastic_password",
    "/etc/grafana",
    "/etc/grafana/secrets",
    "/etc/grafana/secrets/admin_password",
    "/etc/grafana/secrets/secret_key",
    "/etc/sysusers.d",
    *(f"/etc/sysusers.d/barehost-{name}.conf" for name in (*DAEMONS, JOB)),
    "/var/lib/barehost",
    "/var/lib/barehost/made",
]
DATABASES = {"/etc/group", "/etc/gshadow", "/etc/passwd", "/etc/shadow"}
# The copies that the tools for accounts make before each change.
COPIES = {f"{path}-" for path in DATABASES}
ASK = """
import base64, json, sys, urllib.error, urllib.request
method, url, body, login = sys.argv[1:]
headers = {"Content-Type": "application/json"}
if login:
    headers["Authorization"] = "Basic " + base64.b64encode(login.encode()).decode()
request = urllib.request.Request(url, body.encode() or None, headers, method=method)
try:
    answer = urllib.request.urlopen(request, timeout=20)
except urllib.error.HTTPError as error:
    answer = error
print(json.dumps([answer.status, answer.read().decode()]))
"""


def ask(host: Host, url: str, body: Any = None, login: str = "") -> Any:
    """Ask a service on the host, or tell it something; return its answer, which must be a good one."""
    data = "" if body is None else json.dumps(body)
    method = "GET" if body is None else "POST"
    status, text = host.python(ASK, method, f"http://127.0.0.1:{url}", data, login)
    assert 200 <= status < 300, (url, status, text)
    return json.loads(text)


@dataclass
class Data:
    """What the services were told before they were removed, and what they have still."""

    host: Host
    time: float = 0
    samples: Any = None
    silence: str = ""
    document: dict[str, str] = field(default_factory=dict)
    password: str = ""

    def write(self) -> None:
        """Leave a trace in every store."""
        self.samples = poll(self.now, seconds=30, what="Prometheus scrapes itself")
        begin, end = (
            time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.time + hours * 3600))
            for hours in (0, 9)
        )
        matcher = {"name": "alertname", "value": "Kept", "isRegex": False}
        silence = {"matchers": [matcher], "startsAt": begin, "endsAt": end}
        silence |= {"createdBy": "test", "comment": "kept"}
        self.silence = ask(self.host, "9093/api/v2/silences", silence)["silenceID"]
        self.document = {"@timestamp": begin, "message": "kept"}
        ask(self.host, "9200/logs-kept-default/_doc?refresh=true", self.document)
        self.password = self.host.read("/etc/grafana/secrets/admin_password")

    def now(self) -> Any:
        """Ask for the samples of this moment, and remember it."""
        self.time = time.time()
        return self.past()

    def past(self) -> Any:
        """Ask Prometheus for the samples of that moment."""
        query = f'9090/api/v1/query?query=up{{job="prometheus"}}&time={self.time}'
        return ask(self.host, query)["data"]["result"]

    def found(self) -> dict[str, Any]:
        """Return what the services have of it now."""
        hits = ask(self.host, "9200/logs-kept-default/_search")["hits"]["hits"]
        return {
            "samples": self.past(),
            "silence": ask(self.host, f"9093/api/v2/silence/{self.silence}")["comment"],
            "documents": [hit["_source"]["message"] for hit in hits],
            "login": ask(self.host, "3000/api/org", login=f"admin:{self.password}")["id"],
        }


def alive(host: Host) -> dict[str, list[str]]:
    """List what runs, listens, is controlled or has failed, and who has an account."""
    return {
        "processes": sorted(set(host.sh("ps -eo user:32=,comm=").split("\n"))),
        "listens": host.sh("ss -Hltnup").splitlines(),
        "groups": host.sh("ls -d /sys/fs/cgroup/*/ /sys/fs/cgroup/system.slice/*/").splitlines(),
        "failed": host.sh("systemctl list-units --failed --no-legend").splitlines(),
        "units": host.sh("systemctl list-unit-files --no-legend").splitlines(),
        "accounts": sorted(host.sh("getent passwd; getent group").splitlines()),
    }


@dataclass
class Story:
    """What was seen on the way from a fresh host to an empty one."""

    pictures: dict[str, Picture] = field(default_factory=dict)
    lives: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    runs: dict[str, subprocess.CompletedProcess[str]] = field(default_factory=dict)
    processes: dict[str, str] = field(default_factory=dict)
    written: Any = None
    found: Any = None

    def came(self, when: str) -> list[str]:
        """List the paths that a fresh host does not have, and what differs on both."""
        return sorted(self.pictures["fresh"].differences(self.pictures[when]))

    def removed(self, when: str) -> list[str]:
        """List what a run says that it does, in the words of --diff."""
        return re.findall(r"^- (.+)$", self.runs[when].stdout, re.MULTILINE)


def inventory(folder: Path, container: str) -> str:
    """Say which container the single host is, that its files are local, and what else runs on it."""
    known = {
        "ansible_connection": "community.docker.docker",
        "ansible_host": container,
        "ansible_user": "root",
        "ansible_python_interpreter": "/usr/bin/python3",
        "barehost_mirror": "file:///srv/mirror",
        "elk_filebeat_groups": ["adm"],
        "elk_filebeat_logs": {"shop": ["/srv/shop.log"]},
        "elk_elasticsearch_jvm_options": ["-XX:TieredStopAtLevel=1"],
    }
    more = {group: {"hosts": {NAME: {}}} for group in ("redis", "postgres", "filebeat")}
    path = folder / "containers.json"
    path.write_text(json.dumps({"all": {"hosts": {NAME: known}, "children": more}}))
    return f"inventories/single_host,{path}"


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """Deploy everything, remove it, deploy the stores again, purge."""
    folder = tmp_path_factory.mktemp("uninstall")
    container = Container(f"{PREFIX}-uninstall").boot("trixie")
    stack = Stack(container, container, NAME, NAME, inventory(folder, container.name))
    host, story = Host(container.name, "trixie"), Story()
    data = Data(host)

    def run(name: str, playbook: str, *options: str) -> None:
        done = play(stack, (playbook,), *options)
        assert done.returncode == 0, done.stdout + done.stderr
        story.runs[name] = done

    def look(name: str) -> None:
        story.pictures[name] = snapshot.take(host, times=False, contents=True)
        story.lives[name] = alive(host)
        story.processes[name] = host.sh(f"systemctl show -p MainPID {' '.join(DAEMONS)}")

    purge = "--extra-vars=barehost_purge=true"
    secure = (
        "elk_security=true",
        "elk_allow_plain_http=true",
        f"elk_password_directory={folder}/passwords",
    )
    try:
        host.sh('echo \'{"message": "shipped"}\' > /srv/shop.log; chgrp adm /srv/shop.log')
        look("fresh")
        run("deploy", "site.yml")
        data.write()
        look("deployed")
        run("check", "playbooks/uninstall.yml", "--check", "--diff", purge)
        look("checked")
        run("uninstall", "playbooks/uninstall.yml", "--diff")
        look("kept")
        run("again", "playbooks/uninstall.yml", *(f"--extra-vars={one}" for one in secure))
        assert not (folder / "passwords").exists(), "a removal has made passwords"
        stores = (
            "--tags=prometheus,alertmanager,grafana,elk",
            '--extra-vars={"elk_parts": ["elasticsearch"]}',
        )
        run("redeploy", "site.yml", *stores)
        story.written = data
        story.found = data.found()
        run("purge", "playbooks/uninstall.yml", "--diff", purge)
        look("purged")
        yield story
    finally:
        container.remove()


def test_check_mode_lists_all_that_a_removal_removes_and_changes_nothing(story: Story) -> None:
    said = story.removed("check")
    kept = re.compile(r"/(var/(lib|log)/.*|etc/sysusers[.]d/.*|etc/(elasticsearch|grafana)(/.*)?)")
    gone = [path for path in story.came("deployed") if not kept.fullmatch(path)]
    files = [
        path for path in gone if not re.match(r"[dl]", story.pictures["deployed"].entries[path])
    ]
    own = [
        path for path in files if path not in DATABASES | COPIES and not path.startswith("/opt/")
    ]
    assert sorted({f"remove {path}" for path in own} - set(said)) == []
    assert len(own) > 30
    releases = {path for path in gone if re.fullmatch(r"/opt/[^/]+/\d[^/]*", path)}
    assert len(releases) == len(DAEMONS)
    assert {f"remove {path}" for path in releases} <= set(said)
    for name in DAEMONS:
        assert f"remove /var/lib/{name}" in said
        # The job still has this one's: that it will be gone by then is not known before.
        assert (f"remove the account {name}" in said) == (name != "node_exporter")
    assert said.count("stop and disable the unit") == len((*DAEMONS, JOB))
    # Daemons at work write below /var and nowhere else.
    before, after = story.pictures["deployed"], story.pictures["checked"]
    assert [path for path in before.differences(after) if not path.startswith("/var/")] == []
    assert story.processes["checked"] == story.processes["deployed"]


def test_without_purge_data_its_keys_and_the_accounts_are_left_and_nothing_else(
    story: Story,
) -> None:
    data = re.compile(rf"/var/(lib|log)/({'|'.join(DAEMONS)})(/.*)?")
    left = [path for path in story.came("kept") if not data.fullmatch(path)]
    assert sorted(set(left) - DATABASES - COPIES) == sorted(KEYS)
    for name in DAEMONS:
        assert f"/var/lib/{name}" in story.pictures["kept"].entries


def test_a_second_removal_changes_nothing(story: Story) -> None:
    assert re.findall(r"changed=(\d+)", story.runs["again"].stdout) == ["0"]


@pytest.mark.parametrize("when", ["kept", "purged"])
def test_nothing_of_it_runs_listens_or_has_failed(story: Story, when: str) -> None:
    before, after = story.lives["fresh"], story.lives[when]
    for what in ("listens", "groups", "failed", "units"):
        assert after[what] == before[what], what
    assert after["failed"] == []
    busy = [line for line in after["processes"] if line.split()[0] in DAEMONS]
    assert busy == []


def test_what_was_stored_is_found_when_it_is_deployed_again(story: Story) -> None:
    assert story.written.samples != []
    assert story.found == {
        "samples": story.written.samples,
        "silence": "kept",
        "documents": ["kept"],
        "login": 1,
    }


def test_after_a_purge_the_host_is_as_it_was(story: Story) -> None:
    assert set(story.came("purged")) <= COPIES
    assert f"remove {STAMP}" in story.removed("purge")
    assert story.lives["purged"]["accounts"] == story.lives["fresh"]["accounts"]


def test_who_watches_is_removed_before_what_is_watched(story: Story) -> None:
    made = r"^TASK \[barehost[.]monitoring[.](\w+) : Make "
    order = re.findall(made, story.runs["purge"].stdout, re.MULTILINE)
    assert order[:4] == ["grafana", "fire_drill", "prometheus", "alertmanager"]
    assert order[-1] == "node_exporter"
