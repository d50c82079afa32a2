# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host that is down or refuses keeps no other one from what a playbook does, and the run fails.

The playbooks are the real ones. Their roles stand in: each writes a line for the host, or refuses.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[3]
# What a role does on a host: nothing but write a line, unless the host is to refuse it.
LINE = (
    "{{ inventory_hostname }} {{ role_name }} {{ elk_parts | default([]) | join(',') }} {{ step }}"
)
TASK = {
    "name": "Do it",
    "ansible.builtin.lineinfile": {
        "path": "{{ '/proc/refused' if what in refuses else done ~ '/' ~ inventory_hostname }}",
        "line": LINE,
        "create": True,
    },
}
WHAT = "{{ (role_name ~ ' ' ~ elk_parts | default([]) | join(',')) | trim }}"
GONE = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}
HOSTS = ("log", "mon", "web")
GROUPS = {
    "elk": ("log",),
    "elasticsearch": ("web",),
    "alertmanager": ("mon",),
    "prometheus": ("mon",),
    "grafana": ("mon", "web"),
    "node_exporter": HOSTS,
}


@dataclass
class Run:
    """What a playbook has done, host by host, and said."""

    code: int
    said: str
    done: list[str]

    @property
    def end(self) -> str:
        """What stands after the last task has begun: what a tired operator reads."""
        return self.said.rpartition("TASK [")[2]

    def recap(self, host: str, what: str) -> int:
        """Return a number of the host's last line."""
        return int(self._one(rf"^{host} +:.* {what}=(\d+)"))

    def _one(self, pattern: str) -> str:
        (found,) = re.findall(pattern, self.said, re.MULTILINE)
        return str(found)


def collection(folder: Path) -> Path:
    """Make a collection of the real playbooks and of roles that stand in."""
    root = folder / "ansible_collections" / "barehost" / "monitoring"
    root.mkdir(parents=True)
    (root / "galaxy.yml").write_text((CHECKOUT / "galaxy.yml").read_text())
    (root / "playbooks").symlink_to(CHECKOUT / "playbooks")
    for role in (path.name for path in (CHECKOUT / "roles").iterdir()):
        tasks = root / "roles" / role / "tasks"
        tasks.mkdir(parents=True)
        for step in ("main", "backup", "restore"):
            task = {**TASK, "vars": {"step": step, "what": WHAT}}
            (tasks / f"{step}.yml").write_text(json.dumps([task]))
    return root


def run(
    folder: Path,
    playbook: str,
    *options: str,
    gone: str = "",
    refuses: dict[str, list[str]] | None = None,
) -> Run:
    """Run a playbook with a host that is gone, and hosts that refuse what some roles want."""
    done = folder / "done"
    done.mkdir()
    local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    hosts = {
        name: {**local, "refuses": (refuses or {}).get(name, []), **(GONE if name == gone else {})}
        for name in HOSTS
    }
    children = {group: {"hosts": {name: {} for name in names}} for group, names in GROUPS.items()}
    shared = {"ansible_become": False, "done": str(done)}
    inventory = folder / "hosts.json"
    inventory.write_text(
        json.dumps({"all": {"hosts": hosts, "children": children, "vars": shared}})
    )
    found = subprocess.run(
        [Path(sys.executable).with_name("ansible-playbook"), collection(folder) / "playbooks" / playbook,
         "-i", inventory, *options],
        cwd=folder, capture_output=True, text=True, check=False,
        env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(folder), "ANSIBLE_FORCE_COLOR": "0",
             "ANSIBLE_LOCALHOST_WARNING": "false"},
    )  # fmt: skip
    # A file a host: several are written at the same time.
    lines = [line for file in sorted(done.iterdir()) for line in file.read_text().splitlines()]
    return Run(found.returncode, found.stdout + found.stderr, [" ".join(x.split()) for x in lines])


DOWN = "unreachable"
PARTS = ("kibana", "logstash", "filebeat")
# The playbook; options; who is gone; who refuses what; what is done all the same; of whom the last lines tell what.
CASES: dict[str, tuple[str, tuple[str, ...], str, dict[str, list[str]], set[str], dict[str, str]]] = {
    "every host of the first daemon is gone or refuses": (
        "backup.yml", (), "log", {"web": ["elk"]},
        {"mon alertmanager backup", "mon prometheus backup", "mon grafana backup", "web grafana backup"},
        {"log": DOWN, "web": "Elasticsearch: "},
    ),
    "one daemon of a host refuses, the others of the same host do not": (
        "backup.yml", (), "", {"mon": ["alertmanager"]},
        {"log elk backup", "web elk backup", "mon prometheus backup", "mon grafana backup", "web grafana backup"},
        {"mon": "Alertmanager: "},
    ),
    "two daemons of two hosts refuse, each is told": (
        "backup.yml", (), "", {"log": ["elk"], "mon": ["alertmanager", "grafana"]},
        {"web elk backup", "mon prometheus backup", "web grafana backup"},
        {"log": "Elasticsearch: ", "mon": "Grafana: "},
    ),
    "one daemon alone is saved": (
        "backup.yml", ("--tags=prometheus",), "log", {"mon": ["alertmanager"]},
        {"mon prometheus backup"}, {},
    ),
    "some hosts alone are saved": (
        "backup.yml", ("--limit=web",), "log", {"mon": ["grafana"]},
        {"web elk backup", "web grafana backup"}, {},
    ),
    "a look says what would not be saved": (
        "backup.yml", ("--check",), "log", {}, set(), {"log": DOWN},
    ),
    "what was not restored is not deployed": (
        "restore.yml", ("--tags=elk,prometheus,grafana",), "log", {"mon": ["grafana"]},
        {"web elk restore", "mon prometheus restore", "web grafana restore", "web grafana main"},
        {"log": DOWN, "mon": ""},
    ),
    "the hosts of the first daemon to go are gone, or refuse": (
        "uninstall.yml", (), "web", {"mon": ["grafana"]},
        {"log elasticsearch_exporter main", "log elk kibana,logstash,filebeat main", "log elk elasticsearch main",
         "log node_exporter main"},
        {"web": DOWN, "mon": ""},
    ),
    "what does not go back holds up nothing else": (
        "rollback.yml", ("--tags=node_exporter,prometheus,grafana",), "log", {"mon": ["prometheus"]},
        {"mon node_exporter main", "web node_exporter main", "mon grafana main", "web grafana main"},
        {"log": DOWN, "mon": "Prometheus: "},
    ),
    "Elasticsearch goes back last, and no node after one that fails": (
        "rollback.yml", ("--extra-vars=rollback_everything=true",), "", {"log": ["elk elasticsearch"]},
        {*(f"{name} node_exporter main" for name in HOSTS), *(f"log elk {part} main" for part in PARTS),
         "log elasticsearch_exporter main", "web elasticsearch_exporter main", "mon alertmanager main",
         "mon prometheus main", "mon grafana main", "web grafana main"},
        {"log": "Elasticsearch: "},
    ),
    "Elasticsearch goes back node by node, whatever else does not": (
        "rollback.yml", ("--tags=elk,grafana",), "", {"log": ["elk kibana"], "mon": ["grafana"]},
        {"log elk logstash main", "log elk filebeat main", "web grafana main",
         "log elk elasticsearch main", "web elk elasticsearch main"},
        {"log": "Kibana: ", "mon": "Grafana: "},
    ),
    "no node of Elasticsearch goes back while another one is down": (
        "rollback.yml", ("--tags=elk",), "log", {}, set(), {"log": DOWN},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_what_fails_holds_up_no_other_and_is_told_at_the_end(tmp_path: Path, case: str) -> None:
    playbook, options, gone, refuses, done, failed = CASES[case]
    ran = run(tmp_path, playbook, *options, gone=gone, refuses=refuses)
    assert set(ran.done) == done, ran.said
    assert (ran.code != 0) == bool(failed), ran.said
    for host in HOSTS:
        known = re.search(rf"^{host} +:", ran.said, re.MULTILINE)
        is_down, has_failed = (ran.recap(host, what) if known else 0 for what in (DOWN, "failed"))
        assert is_down == (failed.get(host) == DOWN), ran.said
        assert has_failed == (host in failed and failed[host] != DOWN), ran.said
    for words in set(failed.values()) - {DOWN}:
        assert words in ran.end, ran.said


def test_it_is_refused_to_take_everything_back_by_accident(tmp_path: Path) -> None:
    ran = run(tmp_path, "rollback.yml")
    assert (ran.code, ran.done) == (2, [])
    assert "--tags prometheus" in ran.end
