# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deployments by the role elk on a host, and questions to what runs there."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from integration.support import role
from integration.support.host import Host

URL = "http://127.0.0.1:9200"
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
        play = {
            "hosts": "target",
            "vars_files": [str(role.VERSIONS)],
            "roles": [{"role": "barehost.monitoring.elk", "vars": {**self.base, **variables}}],
        }
        target = {"ansible_host": self.host.container, "barehost_address": "127.0.0.1"}
        other = {"barehost_address": "127.0.0.9"}  # a node that is not there yet
        inventory = {"hosts": {"target": {**role.CONNECTION, **target}, "other": other}}
        return role.run_role(self.folder, play, inventory, *options)

    def apply(self, **variables: Any) -> bool:
        """Deploy; tell whether anything changed."""
        return role.changed(self.run(**variables))

    def refuse(self, **variables: Any) -> str:
        """Deploy what must be refused; return what is said."""
        return role.refusal(self.run(**variables))

    def ask(self, path: str, method: str = "GET", body: Any = None) -> Any:
        """Ask over HTTP; return status and text."""
        data = "" if body is None else json.dumps(body)
        return self.host.python(REQUEST, method, URL + path, data)

    def state(self, unit: str = "elasticsearch") -> tuple[int, str]:
        """Return the process, and the release in use with the digests of all files."""
        process, digests = role.state(self.host, unit)
        return process, f"{self.host.sh(f'readlink /opt/{unit}/current')}\n{digests}"

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
