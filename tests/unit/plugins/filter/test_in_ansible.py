# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters in a real playbook: lazy tagged values, hostvars, templates, YAML, errors."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[4]
INVENTORY = """
all:
  vars: {shared: 192.0.2.9}
  hosts:
    monitor: {ansible_connection: local}
    app:
      ansible_connection: community.docker.docker
      ansible_host: container-app
      barehost_address: "{{ shared }}"
      barehost_labels: {rack: "r{{ 1 + 1 }}"}
    db: {ansible_host: "2001:db8::5"}
"""
PLAY = r"""
- hosts: monitor
  gather_facts: false
  vars:
    limit: 0.9
    alerts:
      HighMemoryUsage:
        expr: >-
          1 - node_memory_MemAvailable_bytes{job="<job>"}
          / node_memory_MemTotal_bytes{job="<job>"}
        job: node
        threshold: "{{ limit }}"
        for: "{{ 10 + 5 }}m"
        summary: Memory of <instance>
        description: !unsafe '{{ $value | humanizePercentage }} used on {{ $labels.instance }}'
      Broken: {expr: up, enabled: "{{ broken | default(false) }}"}
    rules: "{{ alerts | barehost.monitoring.alert_rules(known_jobs=['node'], overrides=changes) }}"
    changes: {Broken: {summary: x, enabled: "{{ broken | default(false) }}", for: "{{ hold }}"}}
    hold: 5m
    port: 9100
    hosts: "{{ groups['all'] }}"
    result:
      rules: "{{ rules }}"
      tests: "{{ rules | barehost.monitoring.alert_rule_tests(alerts) }}"
      files: "{{ {'tls': {'ca_file': 'tls/ca-' ~ hold}} | barehost.monitoring.file_references }}"
      targets: >-
        {{ hosts | barehost.monitoring.scrape_targets(hostvars, port=port,
                                                      scraper=inventory_hostname) }}
  tasks:
    - ansible.builtin.copy:
        content: "{{ result | to_nice_yaml(indent=2, sort_keys=false, width=1000) }}"
        dest: "{{ target }}"
"""


def play(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the play against this machine."""
    (tmp_path / "hosts.yml").write_text(INVENTORY, encoding="utf-8")
    (tmp_path / "play.yml").write_text(PLAY, encoding="utf-8")
    settings = {
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".ac"),
        "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
        "ANSIBLE_LOCAL_TEMP": str(tmp_path / "local"),
        "ANSIBLE_REMOTE_TEMP": str(tmp_path / "remote"),
        "ANSIBLE_NOCOLOR": "1",
        "COLUMNS": "1000",
    }
    command = [sys.executable, "-m", "ansible", "playbook", "-i", "hosts.yml", "play.yml"]
    command += ["-e", f"target={tmp_path / 'out.yml'}", *arguments]
    return subprocess.run(
        command,
        cwd=tmp_path,
        env=os.environ | settings,
        capture_output=True,
        text=True,
        check=False,
    )


def test_data_of_a_playbook_survives_the_way_into_a_file(tmp_path: Path) -> None:
    done = play(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    found = yaml.safe_load((tmp_path / "out.yml").read_text(encoding="utf-8"))
    (group,) = found["rules"]["groups"]
    (_recorded, rule) = group["rules"]
    assert rule == {
        "alert": "HighMemoryUsage",
        "expr": '1 - node_memory_MemAvailable_bytes{job="node"} / '
        'node_memory_MemTotal_bytes{job="node"} > 0.9',
        "for": "15m",
        "labels": {"severity": "warning"},
        "annotations": {
            "summary": "Memory of {{ $labels.instance }}",
            "description": "{{ $value | humanizePercentage }} used on {{ $labels.instance }}",
        },
    }
    assert [(t["targets"], t["labels"]) for t in found["targets"]] == [
        (["127.0.0.1:9100"], {"instance": "monitor:9100", "host": "monitor"}),
        (["192.0.2.9:9100"], {"instance": "app:9100", "host": "app", "rack": "r2"}),
        (["[2001:db8::5]:9100"], {"instance": "db:9100", "host": "db"}),
    ]
    assert found["tests"]["tests"] == []
    assert found["files"] == ["tls/ca-5m"]


def test_an_error_names_all_faults_and_shows_no_traceback(tmp_path: Path) -> None:
    done = play(tmp_path, "-e", "broken=true", "-e", "hold='5 m'")
    text = done.stdout + done.stderr
    assert done.returncode == 2, text
    assert "The filter plugin 'barehost.monitoring.alert_rules' failed: 3 faults" in text
    assert "overrides.Broken.for: " in text
    assert "is not a Prometheus duration (examples: 5m, 1h30m)" in text
    assert "Traceback" not in text


def test_a_missing_host_and_a_bad_port_come_in_one_error(tmp_path: Path) -> None:
    done = play(tmp_path, "-e", '{"hosts": ["app", "nobody"], "port": 0}')
    text = done.stdout + done.stderr
    assert done.returncode == 2, text
    assert "The filter plugin 'barehost.monitoring.scrape_targets' failed: 2 faults" in text
    assert "port: 0 is no port from 1 to 65535 (example: 9100)" in text
    assert "hosts[1]: there is no host" in text
