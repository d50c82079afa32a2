# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deployments by the role elk on a host, and questions to what runs there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from integration.support.host import PROJECT, Host

URL = "http://127.0.0.1:9200"
VERSIONS = PROJECT / ".cache/mirror/versions.yml"
# On the host, where Python is all there is: method, address, body.
REQUEST = """
import json, sys, urllib.error, urllib.request
method, url, body = sys.argv[1:]
headers = {"Content-Type": "application/json", "kbn-xsrf": "true"}
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
    base: dict[str, Any] = field(default_factory=lambda: BASE)
    """Variables of every run."""

    def run(self, *options: str, **variables: Any) -> subprocess.CompletedProcess[str]:
        """Run the role with these variables beside those of the base."""
        given = {**yaml.safe_load(VERSIONS.read_text()), **self.base, **variables}
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

    def found(self, dataset: str, *fields: str) -> list[dict[str, Any]]:
        """Return these fields of all documents of a data set, at most ten thousand."""
        stream = f"/logs-{dataset}-default"
        self.ask(f"{stream}/_refresh", "POST")
        body = {"size": 10_000, "_source": list(fields), "query": {"match_all": {}}}
        status, text = self.ask(f"{stream}/_search", "POST", body)
        if status != 200:
            return []
        return [hit["_source"] for hit in json.loads(text)["hits"]["hits"]]

    def number(self, dataset: str) -> int:
        """Return how many documents a data set has."""
        stream = f"/logs-{dataset}-default"
        self.ask(f"{stream}/_refresh", "POST")
        status, text = self.ask(f"{stream}/_count")
        return int(json.loads(text)["count"]) if status == 200 else -1
