# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role elk on a host: what is refused, what is taken back, what becomes of data."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from integration.support.host import PROJECT, Host, booted, poll
from mirror import elasticsearch

URL = "http://127.0.0.1:9200"
VERSIONS = PROJECT / ".cache/mirror/versions.yml"
# On the host, where Python is all there is: method, address, body.
REQUEST = """
import json, sys, urllib.error, urllib.request
method, url, body = sys.argv[1:]
headers = {"Content-Type": "application/json"}
request = urllib.request.Request(url, body.encode() or None, headers, method=method)
try:
    answer = urllib.request.urlopen(request, timeout=10)
except urllib.error.HTTPError as error:
    answer = error
except OSError as error:
    print(json.dumps([0, str(error)]))
    sys.exit()
print(json.dumps([answer.status, answer.read().decode()]))
"""
BASE = {
    "elk_components": ["elasticsearch"],
    "elk_elasticsearch_jvm_options": ["-XX:TieredStopAtLevel=1"],
}


@dataclass
class Elk:
    """A deployment by the role, on a host of its own."""

    host: Host
    folder: Path

    def run(self, *options: str, **variables: Any) -> subprocess.CompletedProcess[str]:
        """Run the role with these variables beside those of the base."""
        given = {**yaml.safe_load(VERSIONS.read_text()), **BASE, **variables}
        play = {
            "hosts": "target",
            "gather_facts": False,
            "roles": [{"role": "barehost.monitoring.elk", "vars": given}],
        }
        (self.folder / "play.json").write_text(json.dumps([play]))
        connection = {
            "ansible_connection": "community.docker.docker",
            "ansible_host": self.host.container,
            "ansible_python_interpreter": "/usr/bin/python3",
            "barehost_mirror": "file:///srv/mirror",
            "barehost_address": "127.0.0.1",
        }
        other = {"barehost_address": "127.0.0.9"}  # a node that is not there yet
        inventory = {"all": {"hosts": {"target": connection, "other": other}}}
        (self.folder / "hosts.json").write_text(json.dumps(inventory))
        program = str(Path(sys.executable).with_name("ansible-playbook"))
        places = [f"--inventory={self.folder / 'hosts.json'}", str(self.folder / "play.json")]
        environment = {**os.environ, "ANSIBLE_FORCE_COLOR": "0", "ANSIBLE_NOCOLOR": "1"}
        environment |= {"ANSIBLE_CONFIG": "ansible.cfg", "ANSIBLE_PIPELINING": "true"}
        return subprocess.run(
            [program, *options, *places],
            cwd=PROJECT, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip

    def apply(self, **variables: Any) -> bool:
        """Deploy; tell whether anything changed."""
        done = self.run(**variables)
        assert done.returncode == 0, done.stdout + done.stderr
        return "changed=0" not in done.stdout

    def refuse(self, **variables: Any) -> str:
        """Deploy what must be refused; return what is said."""
        done = self.run(**variables)
        assert done.returncode == 2, done.stdout
        assert "Traceback" not in done.stdout + done.stderr
        return done.stdout + done.stderr

    def ask(self, path: str, method: str = "GET", body: Any = None) -> Any:
        """Ask over HTTP; return status and text."""
        data = "" if body is None else json.dumps(body)
        return self.host.python(REQUEST, method, URL + path, data)

    def count(self) -> int:
        """Return how many documents there are."""
        self.ask("/logs-kept-default/_refresh", "POST")
        status, text = self.ask("/logs-kept-default/_count")
        return int(json.loads(text)["count"]) if status == 200 else -1

    def state(self) -> tuple[int, str]:
        """Return the process and the digests of all files."""
        script = "find /etc/elasticsearch -type f -exec sha256sum {} + | sort; readlink /opt/elasticsearch/current"
        return self.host.main_pid("elasticsearch.service"), self.host.sh(script)


@pytest.fixture(scope="module")
def deployed(prefix: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Elk]:
    """Deploy with defaults, on a host of its own, and keep some documents in it."""
    with booted(f"{prefix}-elk", "bookworm") as host:
        elk = Elk(host, tmp_path_factory.mktemp("elk"))
        elk.apply()
        for number in range(3):
            body = {"@timestamp": "2026-11-26T00:00:00Z", "message": f"kept {number}"}
            assert elk.ask("/logs-kept-default/_doc", "POST", body)[0] == 201
        yield elk


BAD: list[tuple[str, dict[str, Any], list[str]]] = [
    (
        "unknown setting",
        {"elk_elasticsearch_config": {"indices.nonsense": 1}},
        [
            "a trial start of Elasticsearch",
            "unknown setting [indices.nonsense]",
            "Nothing was replaced",
        ],
    ),
    (
        "wrong type",
        {"elk_elasticsearch_config": {"http.max_content_length": "many"}},
        ["a trial start of Elasticsearch", "http.max_content_length", "Nothing was replaced"],
    ),
    (
        "unknown option of Java",
        {"elk_elasticsearch_jvm_options": ["-XX:+NoSuchOption"]},
        ["Unrecognized VM option", "Nothing was replaced"],
    ),
    (
        "heap larger than memory",
        {"elk_elasticsearch_heap": "30g", "elk_elasticsearch_memory_max": "40G"},
        ["a heap of 30g", "memory", "Nothing was replaced"],
    ),
    (
        "heap larger than its limit",
        {"elk_elasticsearch_heap": "2g"},
        ["elk_elasticsearch_memory_max: 2G leaves no room beside a heap of 2g"],
    ),
    (
        "open to others",
        {"elk_elasticsearch_network_host": ["0.0.0.0"]},
        ["elk_elasticsearch_network_host: 0.0.0.0 is reached by others without passwords or TLS"],
    ),
    ("unknown version", {"elk_elasticsearch_version": "7.17.0"}, ["elk_elasticsearch_version"]),
    (
        "no password file",
        {
            "elk_security": True,
            "elk_passwords": {"deploy": "{{ lookup('ansible.builtin.file', '/nowhere/secret') }}"},
        },
        ["/nowhere/secret"],
    ),
    (
        "weak password",
        {"elk_security": True, "elk_elasticsearch_users": {"ada": {"password": "short"}}},
        ["elk_elasticsearch_users.ada.password"],
    ),
    (
        "refused by the API",
        {
            "elk_elasticsearch_api": [
                {
                    "name": "a bad template",
                    "url": f"{URL}/_index_template/bad",
                    "body": {"index_patterns": ["x*"], "template": {"settings": {"no.such": 1}}},
                }
            ],
        },
        ["a bad template: PUT", "answers 400", "unknown setting [index.no.such]", "Rolled back"],
    ),
]


@pytest.mark.parametrize(
    ("variables", "words"), [case[1:] for case in BAD], ids=[c[0] for c in BAD]
)
def test_bad_input_leaves_the_running_service_alone(
    deployed: Elk, variables: dict[str, Any], words: list[str]
) -> None:
    before = deployed.state()
    text = " ".join(deployed.refuse(**variables).split())
    assert [word for word in words if word not in text] == [], text
    assert deployed.state() == before
    assert deployed.count() == 3


def test_a_port_that_is_taken_is_seen_before(deployed: Elk) -> None:
    deployed.host.sh("systemd-run --quiet python3 -m http.server --bind 127.0.0.1 9299")
    assert poll(lambda: "9299" in deployed.host.sh("ss -Hltn"))
    before = deployed.state()
    text = deployed.refuse(elk_elasticsearch_http_port=9299)
    assert "port 9299 is held by" in " ".join(text.split())
    assert deployed.state() == before


def test_data_of_another_user_is_not_taken_over(deployed: Elk) -> None:
    deployed.host.sh(
        "touch /var/lib/elasticsearch/foreign; chown nobody /var/lib/elasticsearch/foreign"
    )
    text = " ".join(deployed.refuse(elk_elasticsearch_cluster="another").split())
    assert "/var/lib/elasticsearch/foreign belongs to nobody" in text
    deployed.host.sh("rm /var/lib/elasticsearch/foreign")
    assert deployed.count() == 3


def test_what_somebody_changed_in_it_is_repaired(deployed: Elk) -> None:
    path = "/_index_template/barehost-logs"
    other = {"index_patterns": ["logs-*-default"], "data_stream": {}, "priority": 149}
    assert deployed.ask(path, "PUT", other)[0] == 200
    assert deployed.apply()
    status, text = deployed.ask(path)
    assert status == 200 and '"priority":150' in text
    assert not deployed.apply()


def test_the_first_node_makes_the_cluster_once(deployed: Elk) -> None:
    second = {
        "elk_elasticsearch_name": "second",
        "elk_elasticsearch_cluster": "pair",
        "elk_elasticsearch_http_port": 9201,
        "elk_elasticsearch_transport_port": 9301,
        "elk_elasticsearch_nodes": ["target", "other"],
    }

    def cluster() -> str:
        url = "http://127.0.0.1:9201/_cluster/state/metadata?filter_path=metadata.cluster_uuid"
        status, text = deployed.host.python(REQUEST, "GET", url, "")
        assert status == 200, text
        return str(text)

    assert deployed.apply(**second)
    made = cluster()
    assert "initial_master" not in deployed.host.read("/etc/second/elasticsearch.yml")
    assert not deployed.apply(**second)
    # Another order is another cause for the step, which finds that the node has a state already.
    assert deployed.apply(**{**second, "elk_elasticsearch_jvm_options": []})
    assert cluster() == made
    assert deployed.apply(**second, elk_state="absent", elk_purge=True)
    assert deployed.count() == 3


def test_passwords_come_without_a_loss(deployed: Elk) -> None:
    given = {
        "deploy": "deploy-0123456789",
        "logstash": "logstash-012345678",
        "kibana": "kibana-01234",
    }
    assert deployed.apply(elk_security=True, elk_passwords=given)
    assert deployed.ask("/_cluster/health")[0] == 401
    assert not deployed.apply(elk_security=True, elk_passwords=given)
    assert deployed.apply()
    assert deployed.count() == 3


def test_a_newer_version_keeps_the_data_and_an_older_one_is_refused(deployed: Elk) -> None:
    """The last test: there is no way back."""
    later = {"elk_elasticsearch_version": elasticsearch.LATER, "elk_version": elasticsearch.LATER}
    text = " ".join(deployed.refuse(**later, elk_elasticsearch_config={"no.such": 1}).split())
    assert "unknown setting [no.such]" in text
    assert deployed.count() == 3
    assert deployed.apply(**later)
    assert (
        f'"{elasticsearch.LATER}"' in deployed.ask("/_nodes/_local?filter_path=nodes.*.version")[1]
    )
    assert deployed.count() == 3
    assert not deployed.apply(**later)
    before = deployed.state()
    text = " ".join(deployed.refuse().split())
    assert f"elasticsearch {elasticsearch.LATER} is on this host" in text
    assert deployed.state() == before
    assert deployed.count() == 3
