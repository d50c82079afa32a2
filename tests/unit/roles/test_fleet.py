# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A copy of inventories/fleet, filled in as docs/first_deployment.md says; on no host."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

CHECKOUT = Path(__file__).parents[3]
FLEET = CHECKOUT / "inventories/fleet"
PAGE = (CHECKOUT / "docs/first_deployment.md").read_text()
EXAMPLE = "group_vars/all/vault.yml.example"
LOOPBACK = "127.0.0.1"

# What listens where, in the words of the roles; what the inventory leaves out is on loopback.
LISTENING = {
    "ai-assistant": "[ai_assistant_listen_address | default('127.0.0.1') ~ ':8000']",
    "redis": "[redis_exporter_listen_address | default('127.0.0.1:9121')]",
    "postgres": "postgres_exporter_listen_addresses | default(['127.0.0.1:9187'])",
    "elasticsearch": "elasticsearch_exporter_listen_addresses | default(['127.0.0.1:9114'])",
    "node-exporter": "node_exporter_listen_addresses | default(['127.0.0.1:9100'])",
    "cadvisor": "[cadvisor_listen_address | default('127.0.0.1:8080')]",
    "prometheus": "prometheus_listen_addresses | default(['127.0.0.1:9090'])",
    "alertmanager": "alertmanager_listen_addresses | default(['127.0.0.1:9093'])",
    "grafana": "[grafana_listen_address | default('127.0.0.1:3000')]",
    "logstash": "[elk_logstash_beats_host ~ ':5044']",
    "api": "elk_elasticsearch_network_host | map('regex_replace', '$', ':9200') | list",
}
# Who asks whom, by the variables of the one who asks.
ASKING = {
    "targets": "prometheus_targets | default({})",
    "alertmanagers": "prometheus_alertmanagers | default([])",
    "beats": "elk_filebeat_logstash | default([])",
    "urls": "elk_elasticsearch_urls",
    "sources": "grafana_datasources | default([]) | map(attribute='url') | list",
}


def ansible(program: str, *options: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a program of Ansible."""
    settings = {
        "ANSIBLE_COLLECTIONS_PATH": str(CHECKOUT / ".ac"),
        "ANSIBLE_NOCOLOR": "1",
        "PWD": str(cwd),
    }
    command = [Path(sys.executable).with_name(program), *options]
    return subprocess.run(
        command, cwd=cwd, env=os.environ | settings, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with the inventory after the steps of the page."""
    place = tmp_path_factory.mktemp("first")
    inventory = place / "my-inventory"
    shutil.copytree(FLEET, inventory)
    (inventory / EXAMPLE).rename((inventory / EXAMPLE).with_suffix(""))
    found = re.search(r"```bash\n(.*?)```", PAGE, re.DOTALL)
    assert found
    done = subprocess.run(
        ["bash", "-eu", "-c", found[1]], cwd=place, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return place


def test_nothing_is_missing_after_the_steps_of_the_page(place: Path) -> None:
    playbook, inventory = CHECKOUT / "playbooks/render.yml", place / "my-inventory"
    done = ansible("ansible-playbook", "-i", inventory, playbook, cwd=place)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "[WARNING]" not in done.stderr
    units = {
        host: {path.stem for path in (place / "rendered" / host).rglob("*.service")}
        for host in ("monitor1", "app1", "db1", "logs1")
    }
    assert units["monitor1"] >= {"prometheus", "alertmanager", "grafana", "fire_drill"}
    assert units["app1"] >= {"node_exporter", "cadvisor", "filebeat"}
    assert units["db1"] >= {"redis_exporter", "postgres_exporter"}
    assert units["logs1"] >= {"elasticsearch", "logstash", "kibana", "elasticsearch_exporter"}


@pytest.mark.parametrize(("host", "address"), [("logs1", "192.0.2.41"), ("app1", "192.0.2.21")])
def test_the_certificates_of_the_page_do_for_server_and_client(
    place: Path, tmp_path: Path, host: str, address: str
) -> None:
    certificates = place / "my-inventory/.certificates"
    for source, copy in ((f"{host}.crt", "node.crt"), (f"{host}.key", "node.key"), ("ca.crt",) * 2):
        shutil.copy(certificates / source, tmp_path / copy)
    program = CHECKOUT / "roles/elk/files/certificates.py"
    options = ["--pkcs8", "--shown-by=server", "--shown-by=client", f"--directory={tmp_path}"]
    for name in (address, LOOPBACK, host):
        command = [sys.executable, program, *options, "--variables=x", f"--name={name}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")


def test_every_secret_is_in_the_example_and_on_the_page() -> None:
    lines = (line for path in FLEET.rglob("*.yml") for line in path.read_text().splitlines())
    used = {
        name
        for line in lines
        if not line.startswith("#")
        for name in re.findall(r"\bvault_\w+", line)
    }
    assert set(yaml.safe_load((FLEET / EXAMPLE).read_text())) == used
    assert set(re.findall(r"^\| `(vault_\w+)`", PAGE, re.MULTILINE)) == used


def test_the_example_is_not_read_as_it_is() -> None:
    done = ansible("ansible-inventory", "-i", FLEET, "--list", cwd=CHECKOUT)
    assert '"monitor1"' in done.stdout
    assert "change-me" not in done.stdout


LAYOUTS: dict[str, dict[str, list[str]]] = {
    "as it is": {},
    "all on one host": dict.fromkeys(
        ("prometheus", "alertmanager", "grafana", "ai_assistant", "redis", "postgres", "elk", "filebeat"),
        ["monitor1"],
    ),
    "Grafana elsewhere": {"grafana": ["app1"]},
    "two of what watches": dict.fromkeys(("prometheus", "grafana", "alertmanager"), ["monitor1", "db1"]),
    "what watches has logs and an application": {
        "prometheus": ["logs1"],
        "ai_assistant": ["logs1", "app1"],
        "filebeat": ["logs1", "app1"],
    },
    "Logstash and Kibana elsewhere": {
        "elk": [],
        "elasticsearch": ["logs1"],
        "logstash": ["db1"],
        "kibana": ["db1"],
    },
    "nobody watches": {"prometheus": [], "alertmanager": [], "grafana": []},
}  # fmt: skip


@pytest.fixture(scope="module", params=LAYOUTS.values(), ids=LAYOUTS.keys())
def told(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """Ask every host where it listens and whom it asks, with its groups changed; groups to hosts, too."""
    tmp_path = tmp_path_factory.mktemp("layout")
    shutil.copytree(FLEET / "group_vars", tmp_path / "inventory/group_vars")
    inventory = yaml.safe_load((FLEET / "hosts.yml").read_text())
    groups = inventory["all"]["children"]
    groups |= {name: {"hosts": dict.fromkeys(hosts)} for name, hosts in request.param.items()}
    (tmp_path / "inventory/hosts.yml").write_text(yaml.safe_dump(inventory))
    values = {name: f"{{{{ {text} }}}}" for name, text in (LISTENING | ASKING).items()}
    copy = {"content": "{{ told | to_json }}", "dest": f"{tmp_path}/{{{{ inventory_hostname }}}}"}
    play = {
        "hosts": "all",
        "gather_facts": False,
        "connection": "local",
        "vars": {
            "told": values,
            "elk_ca_certificate": "CA",
            "elk_passwords": {"reader": "x"},
            "ansible_python_interpreter": sys.executable,
        },
        "tasks": [{"ansible.builtin.copy": copy}],
    }
    (tmp_path / "play.yml").write_text(json.dumps([play]))
    done = ansible("ansible-playbook", "-i", "inventory", "play.yml", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    hosts = {
        host: json.loads((tmp_path / host).read_text()) for host in groups["node_exporter"]["hosts"]
    }
    return hosts, {name: list((group or {}).get("hosts") or ()) for name, group in groups.items()}


def test_everybody_listens_where_others_ask(
    told: tuple[dict[str, Any], dict[str, list[str]]],
) -> None:
    hosts, groups = told
    at = {f"192.0.2.{n}": host for n, host in ((10, "monitor1"), (21, "app1"), (22, "app2"))}
    at |= {"192.0.2.31": "db1", "192.0.2.41": "logs1"}

    def missed(asker: str, address: str, daemon: str) -> str:
        """Say who asks in vain; an address without a host or with zeros is every one."""
        name, _colon, port = (
            address.removeprefix("http://").removeprefix("https://").rpartition(":")
        )
        host = asker if name == LOOPBACK else at[name]
        runs = {"api": ("elk", "elasticsearch"), "logstash": ("elk", "logstash")}.get(daemon, ())
        if runs and not any(host in groups[group] for group in runs):
            return f"{asker} asks {host}, which has no {daemon}"
        places = hosts[host][daemon]
        heard = {f"{name}:{port}", f":{port}", f"0.0.0.0:{port}"}
        return "" if heard & set(places) else f"{asker} asks {daemon} at {address}, not {places}"

    ports = {"9090": "prometheus", "9093": "alertmanager", "9200": "api"}
    asked = []
    for host, values in hosts.items():
        for job, found in values["targets"].items():
            asked += [(host, address, job) for one in found for address in one["targets"]]
        for entry in values["alertmanagers"]:
            found = [address for one in entry["static_configs"] for address in one["targets"]]
            asked += [(host, address, "alertmanager") for address in found]
        asked += [(host, address, "logstash") for address in values["beats"]]
        asked += [(host, url, ports[url.rpartition(":")[2]]) for url in values["sources"]]
        if host in groups["elk"] + groups["logstash"] + groups["kibana"]:
            asked += [(host, url, "api") for url in values["urls"]]
    assert asked or not groups["prometheus"]
    assert [text for text in (missed(*one) for one in asked) if text] == []


def test_nobody_listens_beyond_loopback_for_himself(
    told: tuple[dict[str, Any], dict[str, list[str]]],
) -> None:
    """What takes one address is on loopback where nobody comes from elsewhere."""
    hosts, groups = told
    for daemon, group in {
        "cadvisor": "prometheus",
        "grafana": "prometheus",
        "logstash": "filebeat",
    }.items():
        if len(groups[group]) == 1:
            (address,) = hosts[groups[group][0]][daemon]
            assert address.startswith(f"{LOOPBACK}:")
