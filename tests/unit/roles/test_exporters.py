# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the roles of the exporters say without being asked, on no host."""

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
DEFAULTS = yaml.safe_load((CHECKOUT / "roles/prometheus/defaults/main/main.yml").read_text())
(CADVISOR,) = (j for j in DEFAULTS["prometheus_scrape_jobs"] if j["job_name"] == "cadvisor")


def relabelled(group: str) -> dict[str, str] | None:
    """Do to a control group's series what the job does; nothing remains of a dropped one."""
    labels: dict[str, str] = {"id": group}
    for rule in CADVISOR["metric_relabel_configs"]:
        value = ";".join(labels.get(label, "") for label in rule["source_labels"])
        match = re.fullmatch(rule["regex"], value)
        if match and rule.get("action") == "drop":
            return None
        if match:
            labels[rule["target_label"]] = match[1]
    return labels


@pytest.mark.parametrize(
    ("group", "service"),
    [
        ("/system.slice/redis-server.service", "redis-server"),
        (
            "/system.slice/system-postgresql.slice/postgresql@17-main.service",
            "postgresql@17-main",
        ),
        ("/system.slice/ssh.service", "ssh"),
    ],
)
def test_a_service_gets_its_name(group: str, service: str) -> None:
    assert relabelled(group) == {"id": group, "service": service}


@pytest.mark.parametrize(
    "group",
    [
        "/",
        "/system.slice",
        "/user.slice",
        "/init.scope",
        "/system.slice/docker-0123abcd.scope",
        # What a container or a service makes for itself is no service of the host.
        "/system.slice/docker-0123abcd.scope/system.slice/redis-server.service",
        "/system.slice/docker.service/child",
    ],
)
def test_what_is_no_service_gets_none(group: str) -> None:
    assert relabelled(group) == {"id": group}


@pytest.mark.parametrize(
    "group", ["/user.slice/user-1000.slice/session-7.scope", "/user.slice/user-1000.slice"]
)
def test_sessions_leave_no_names_behind(group: str) -> None:
    assert relabelled(group) is None


def variables(role: str) -> Any:
    """Return the internal variables of a role, unresolved."""
    return yaml.safe_load((CHECKOUT / "roles" / role / "vars/main.yml").read_text())


@pytest.mark.parametrize("role", ["redis_exporter", "postgres_exporter", "elasticsearch_exporter"])
def test_a_database_that_is_down_fails_no_deployment(role: str) -> None:
    probes = variables(role)[f"__{role}_health"]["probes"]
    conditions = [metric for probe in probes for metric in probe.get("metrics", [])]
    assert conditions
    assert all(metric["optional"] for metric in conditions)


def test_digests_of_passwords_are_in_no_diff() -> None:
    (play,) = yaml.safe_load((CHECKOUT / "examples/ai_assistant/databases.yml").read_text())
    written = [task for task in play["tasks"] if "ansible.builtin.copy" in task]
    assert [task["diff"] for task in written] == [False]


HOSTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "texts": {"cadvisor_disabled_metrics": "percpu, disk", "cadvisor_container_labels": "org.team"},
    "old": {"cadvisor_version": "0.38.7", "cadvisor_disabled_metrics": ["cpuset", "disk"]},
    "address": {"cadvisor_listen_address": "[::1]:8080"},
    "port": {"cadvisor_listen_address": "8080"},
    "portless": {"cadvisor_listen_address": "0.0.0.0"},
    "v": {"cadvisor_version": "v0.60.6"},
    "latest": {"cadvisor_version": "latest", "cadvisor_release_checksum": ""},
    "interval": {"cadvisor_housekeeping_interval": "10"},
    "never": {"cadvisor_housekeeping_interval": "0s"},
    "fine": {"cadvisor_housekeeping_interval": "1m30.5s"},
}


def run(folder: Path, playbook: Path, hosts: dict[str, Any]) -> str:
    """Run a playbook for hosts and return what it says."""
    (folder / "hosts.json").write_text(json.dumps(hosts))
    settings = {
        "ANSIBLE_COLLECTIONS_PATH": str(CHECKOUT / ".ac"),
        "ANSIBLE_LOCAL_TEMP": str(folder / "local"),
        "ANSIBLE_REMOTE_TEMP": str(folder / "remote"),
        "ANSIBLE_NOCOLOR": "1",
    }
    command = (sys.executable, "-m", "ansible", "playbook", "-i", "hosts.json", str(playbook))
    done = subprocess.run(
        command, cwd=folder, env=os.environ | settings, capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


def test_the_example_is_fetched_from_where_one_of_two_variables_says(tmp_path: Path) -> None:
    shared = {
        **{"ansible_connection": "local", "ansible_python_interpreter": sys.executable},
        **{"barehost_state": "rendered", "barehost_render_directory": str(tmp_path)},
        "ansible_become": False,
    }
    hosts = {
        "own": {"ai_assistant_releases": "https://releases.example.com/ai_assistant"},
        "mirror": {"barehost_mirror": "https://mirror.example.com"},
        "none": {},
    }
    inventory = {"all": {"children": {"ai_assistant": {"hosts": hosts, "vars": shared}}}}
    said = run(tmp_path, CHECKOUT / "examples/ai_assistant/deploy.yml", inventory)
    failed = dict(re.findall(r"^fatal: \[(\w+)\]: (.*)$", said, re.MULTILINE))
    assert failed.keys() == {"none"}, said
    assert "neither ai_assistant_releases nor barehost_mirror" in failed["none"]


def test_the_example_uses_databases_of_other_hosts(tmp_path: Path) -> None:
    shared = {
        **{"ansible_connection": "local", "ansible_python_interpreter": sys.executable},
        **{"barehost_state": "rendered", "barehost_render_directory": str(tmp_path)},
        **{"ansible_become": False, "barehost_mirror": "https://mirror.example.com"},
    }
    other = {
        "ai_assistant_redis_url": "rediss://x@db1:6380/0",
        "ai_assistant_postgres_url": "postgresql://x@db1/y?sslmode=verify-full",
        "ai_assistant_postgres_password": "hunter2",
    }
    hosts: dict[str, Any] = {"here": {}, "there": other}
    inventory = {"all": {"children": {"ai_assistant": {"hosts": hosts, "vars": shared}}}}
    said = run(tmp_path, CHECKOUT / "examples/ai_assistant/deploy.yml", inventory)
    unit = "etc/systemd/system/ai-assistant.service"
    found = {host: (tmp_path / host / unit).read_text() for host in hosts}
    urls = {host: re.findall(r"_(?:REDIS|POSTGRES)_URL=(.*)", found[host]) for host in hosts}
    assert urls == {
        "here": [
            "redis://ai_assistant@127.0.0.1:6379/0",
            "postgresql:///ai_assistant?host=/var/run/postgresql",
        ],
        "there": [other["ai_assistant_redis_url"], other["ai_assistant_postgres_url"]],
    }
    assert "LoadCredential=postgres_password:" in found["there"]
    assert "LoadCredential" not in found["here"]
    assert "hunter2" not in said + found["there"]


def units(folder: Path, role: str, hosts: dict[str, Any]) -> dict[str, str]:
    """Render a role for hosts with these variables: their units, or why there is none."""
    shared = {
        **{"ansible_connection": "local", "ansible_python_interpreter": sys.executable},
        **{f"{role}_state": "rendered", f"{role}_render_directory": str(folder)},
        f"{role}_release_checksum": "sha256:" + "0" * 64,
    }
    play = {"hosts": "all", "gather_facts": False, "roles": [f"barehost.monitoring.{role}"]}
    (folder / "play.yml").write_text(json.dumps([play]))
    said = run(folder, folder / "play.yml", {"all": {"vars": shared, "hosts": hosts}})
    found = dict(re.findall(r"^fatal: \[(\w+)\]: (.*)$", said, re.MULTILINE))
    for host in hosts:
        for unit in (folder / host / "etc/systemd/system").glob("*.service"):
            found[host] = unit.read_text()
    assert found.keys() == hosts.keys(), said
    return found


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Render cAdvisor."""
    return units(tmp_path_factory.mktemp("rendered"), "cadvisor", HOSTS)


@pytest.mark.parametrize("servers", [["monitor1"], ["monitor1", "monitor2"], ["monitor1", "db1"]])
def test_every_prometheus_of_a_fleet_reaches_what_listens_once(
    tmp_path: Path, servers: list[str]
) -> None:
    fleet = CHECKOUT / "inventories/fleet"
    shutil.copytree(fleet / "group_vars", tmp_path / "group_vars")
    inventory = yaml.safe_load((fleet / "hosts.yml").read_text())
    inventory["all"]["vars"] = {"ansible_connection": "local", "barehost_address": "192.0.2.99"}
    inventory["all"]["vars"]["ansible_python_interpreter"] = sys.executable
    groups = inventory["all"]["children"]
    groups["prometheus"]["hosts"] = dict.fromkeys(servers)
    groups["cadvisor"]["hosts"] |= dict.fromkeys(servers)
    told = {
        "cadvisor": "{{ cadvisor_listen_address }}",
        "redis": "{{ redis_exporter_listen_address | default('') }}",
        "targets": "{{ prometheus_targets | default({}) }}",
    }
    copy = {"content": "{{ told | to_json }}", "dest": f"{tmp_path}/{{{{ inventory_hostname }}}}"}
    play = {"hosts": "cadvisor", "gather_facts": False, "vars": {"told": told}}
    (tmp_path / "play.yml").write_text(json.dumps([{**play, "tasks": [{"copy": copy}]}]))
    said = run(tmp_path, tmp_path / "play.yml", inventory)
    hosts = groups["cadvisor"]["hosts"]
    assert [host for host in hosts if not (tmp_path / host).exists()] == [], said
    listening = {host: json.loads((tmp_path / host).read_text()) for host in hosts}
    for server in servers:
        for job in ("cadvisor", "redis"):
            for target in listening[server]["targets"][job]:
                (address,) = target["targets"]
                wide = f":{address.rpartition(':')[2]}"
                assert listening[target["labels"]["host"]][job] in (address, wide), said
    wide = {host for host, values in listening.items() if values["cadvisor"] == ":8080"}
    assert wide == (set(servers) if len(servers) > 1 else set())


def test_postgres_exporter_finds_its_password_whatever_the_inventory_adds(tmp_path: Path) -> None:
    own = {"Service": {"Environment": "GOMAXPROCS=2"}}
    login = {"postgres_exporter_password": "hunter2"}
    hosts = {
        "socket": {"postgres_exporter_unit": own},
        "login": {**login, "postgres_exporter_unit": own},
        "second": {**login, "postgres_exporter_name": "reader"},
        "wrong": {"postgres_exporter_environment": {"DATA_SOURCE_PASS": "hunter2"}},
    }
    found = units(tmp_path, "postgres_exporter", hosts)
    named = {host: re.findall(r"DATA_SOURCE_PASS_FILE=(\S*)", text) for host, text in found.items()}
    assert named == {
        "socket": [],
        "login": ["/run/credentials/postgres_exporter.service/password"],
        "second": ["/run/credentials/reader.service/password"],
        "wrong": [],
    }
    assert "Environment=GOMAXPROCS=2" in found["login"]
    assert "postgres_exporter_environment.DATA_SOURCE_PASS: is readable" in found["wrong"]
    assert [host for host, text in found.items() if "hunter2" in text] == []


def test_redis_exporter_takes_no_password_in_its_flags(tmp_path: Path) -> None:
    hosts = {
        "flag": {"redis_exporter_flags": {"redis.password": "hunter2"}},
        "variable": {"redis_exporter_environment": {"REDIS_PASSWORD": "hunter2"}},
    }
    found = units(tmp_path, "redis_exporter", hosts)
    assert "redis_exporter_flags.redis.password: is readable" in found["flag"]
    assert "redis_exporter_environment.REDIS_PASSWORD: is readable" in found["variable"]
    assert [host for host, text in found.items() if "hunter2" in text] == []


def test_elasticsearch_exporter_logs_in_by_a_file(tmp_path: Path) -> None:
    login = {"elasticsearch_exporter_username": "ada", "elasticsearch_exporter_password": "hunter2"}
    hosts = {
        "open": {},
        "login": {**login, "elasticsearch_exporter_ca_certificate": "CA"},
        "more": {"elasticsearch_exporter_flags": {"es.all": True, "es.indices": False}},
        "address": {"elasticsearch_exporter_address": "http://ada:hunter2@127.0.0.1:9200"},
        "variable": {"elasticsearch_exporter_environment": {"ES_PASSWORD": "hunter2"}},
    }
    found = units(tmp_path, "elasticsearch_exporter", hosts)
    given = {host: set(re.findall(r"(?<= )(?:--|@\$)\S+", text)) for host, text in found.items()}
    assert "--es.uri=http://127.0.0.1:9200" in given["open"]
    assert not [word for word in given["open"] if word.startswith("@")]
    assert not [word for word in given["login"] if "es.uri" in word]
    assert "@${CREDENTIALS_DIRECTORY}/arguments" in given["login"]
    assert "--es.ca=/etc/elasticsearch_exporter/certs/ca.crt" in given["login"]
    assert {"--es.all", "--no-es.indices", "--no-es.aliases"} <= given["more"]
    assert "elasticsearch_exporter_address: holds a user or a password" in found["address"]
    assert "elasticsearch_exporter_environment.ES_PASSWORD: is readable" in found["variable"]
    assert [host for host, text in found.items() if "hunter2" in text] == []


def test_what_is_kept_of_an_index_is_what_is_asked_for() -> None:
    (job,) = (j for j in DEFAULTS["prometheus_scrape_jobs"] if j["job_name"] == "elasticsearch")
    rules = job["metric_relabel_configs"]
    kept = [
        *("index_stats_indexing_index_total", "indices_docs_primary", "indices_docs_total"),
        *("indices_store_size_bytes_primary", "indices_store_size_bytes_total"),
    ]
    dropped = [
        *("index_stats_search_query_total", "index_stats_indexing_index_time_seconds_total"),
        *(
            "indices_segment_memory_bytes_total",
            "indices_deleted_docs_total",
            "search_active_queries",
        ),
    ]
    names = {f"elasticsearch_{name}": name in kept for name in (*kept, *dropped)}
    # Of nodes, which have no index, everything stays.
    series = {f"{name};.ds-logs-a-b": stays for name, stays in names.items()}
    series["elasticsearch_indices_segments_count;"] = True
    for text, stays in series.items():
        assert any(re.fullmatch(rule["regex"], text) for rule in rules) is not stays, text
    assert {rule["action"] for rule in rules} == {"drop"}


@pytest.mark.parametrize(
    ("host", "flags"),
    [
        ("plain", ["-listen_ip=127.0.0.1", "-port=8080", "-housekeeping_interval=10s"]),
        ("texts", ["-disable_metrics=percpu,disk", "-whitelisted_container_labels=org.team"]),
        ("old", ["-disable_metrics=disk"]),
        ("address", ["-listen_ip=[::1]", "-port=8080"]),
        ("fine", ["-housekeeping_interval=1m30.5s"]),
    ],
)
def test_cadvisor_gets_its_flags(rendered: dict[str, str], host: str, flags: list[str]) -> None:
    found = rendered[host].split()
    assert [flag for flag in flags if flag not in found] == []


@pytest.mark.parametrize(
    ("host", "reason"),
    [
        ("port", '"8080\\" is no address'),
        ("portless", '"0.0.0.0\\" is no address'),
        ("latest", "cadvisor_version: 'latest' is no number of a release"),
        ("interval", "cadvisor_housekeeping_interval: '10' is no duration"),
        ("never", "cadvisor_housekeeping_interval: '0s' is no duration"),
        ("v", "begins with the v of the address; write '0.60.6'"),
    ],
)
def test_wrong_input_is_refused_as_it_was_written(
    rendered: dict[str, str], host: str, reason: str
) -> None:
    assert reason in rendered[host]
