# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several nodes with TLS and passwords that the role elk deploys, and questions to them.

Off loopback Elasticsearch wants limits that a container may not raise. So the hosts share one network, in
which each has an address of loopback of its own.
"""

from __future__ import annotations

import itertools
import json
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import trustme
import yaml
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from integration.support import role
from integration.support.host import Host, booted

SUITES = {"es1": "bookworm", "es2": "trixie", "es3": "bookworm", "es4": "bookworm"}
ADDRESSES = {name: f"127.0.0.1{number}" for number, name in enumerate(SUITES, 1)}
PASSWORDS = {
    "deploy": "planted-deploy-0123456789",
    "logstash": "planted-logstash-'$x-{y}",
    "reader": "planted-reader-0123456789",
    "kibana": "planted-kibana-0123456789",
    "kibana_objects": "planted-key-of-objects-01234567890",
    "kibana_session": "planted-key-of-session-01234567890",
    "kibana_reports": "planted-key-of-reports-01234567890",
}
ADA = "planted-ada-$x-{PBKDF2}"
CA = "/etc/elasticsearch/certs/ca.crt"
# On the host, where Python is all there is: addresses, authority, login, method, path, body.
# The first that answers at all is heard, as clients of a cluster do it.
REQUEST = """
import base64, json, ssl, sys, urllib.error, urllib.request
urls, ca, login, method, path, body = sys.argv[1:]
tls = ssl.create_default_context(cafile=ca)
said = [0, ""]
for url in urls.split():
    request = urllib.request.Request(url + path, body.encode() or None, method=method)
    request.add_header("Content-Type", "application/json")
    request.add_header("kbn-xsrf", "true")
    request.add_header("Authorization", "Basic " + base64.b64encode(login.encode()).decode())
    try:
        answer = urllib.request.urlopen(request, timeout=60, context=tls)
    except urllib.error.HTTPError as error:
        answer = error
    except OSError as error:
        said = [0, str(error)]
        continue
    said = [answer.status, answer.read().decode()]
    break
print(json.dumps(said))
"""


@dataclass
class Authority:
    """Makes certificates, as texts."""

    made: trustme.CA = field(default_factory=trustme.CA)

    @property
    def text(self) -> str:
        """Its own certificate."""
        return self.made.cert_pem.bytes().decode()

    def issue(self, *names: str, **options: Any) -> tuple[str, str]:
        """Return certificate and key (PKCS#8)."""
        leaf = self.made.issue_cert(*names, key_type=trustme.KeyType.ECDSA, **options)
        chain = "".join(part.bytes().decode() for part in leaf.cert_chain_pems)
        return chain, key(leaf.private_key_pem.bytes().decode())


def key(text: str, form: PrivateFormat = PrivateFormat.PKCS8, passphrase: bytes = b"") -> str:
    """Write a private key in another form."""
    lock = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    found = load_pem_private_key(text.encode(), None)
    return found.private_bytes(Encoding.PEM, form, lock).decode()


@dataclass
class Cluster:
    """Hosts that share a network, and the inventory that makes nodes of them."""

    folder: Path
    prefix: str
    stack: ExitStack
    authority: Authority = field(default_factory=Authority)
    hosts: dict[str, Host] = field(default_factory=dict)
    variables: dict[str, dict[str, Any]] = field(default_factory=dict)
    runs: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def add(self, *names: str) -> None:
        """Boot hosts and give each its certificate."""
        for name in names:
            first = next(iter(self.hosts.values()), None)
            container = f"{self.prefix}-{name}"
            host = self.stack.enter_context(booted(container, SUITES[name], first))
            self.hosts[name] = host
            certificate, secret = self.authority.issue(ADDRESSES[name])
            own = {"certificate": certificate, "certificate_key": secret}
            self.variables[name] = {
                "ansible_host": container,
                "barehost_address": ADDRESSES[name],
                "elk_elasticsearch_network_host": [ADDRESSES[name]],
                **{f"elk_elasticsearch_{part}": value for part, value in own.items()},
                **{f"elk_kibana_{part}": value for part, value in own.items()},
                **{f"elk_logstash_{part}": value for part, value in own.items()},
                **{f"elk_filebeat_{part}": value for part, value in own.items()},
            }

    @property
    def base(self) -> dict[str, Any]:
        """What every run has."""
        return {
            **yaml.safe_load(role.VERSIONS.read_text()),
            "elk_security": True,
            "elk_passwords": PASSWORDS,
            "elk_ca_certificate": self.authority.text,
            "elk_elasticsearch_nodes": "{{ groups['elasticsearch'] }}",
            "elk_elasticsearch_urls": [self.url(name) for name in self.hosts],
            "elk_elasticsearch_users": {"ada": {"password": ADA, "roles": ["superuser"]}},
            "elk_elasticsearch_jvm_options": ["-XX:TieredStopAtLevel=1"],
            "elk_kibana_host": ADDRESSES["es1"],
            "elk_logstash_beats_host": ADDRESSES["es1"],
            "elk_filebeat_logstash": [f"{ADDRESSES['es1']}:5044"],
            "elk_filebeat_logs": {
                "app": {
                    "paths": ["/var/log/app/*.log"],
                    "prospector.scanner.check_interval": "1s",
                }
            },
        }

    def run(
        self, *options: str, on: Mapping[str, Mapping[str, Any]] | None = None, **variables: Any
    ) -> subprocess.CompletedProcess[str]:
        """Run the role with these variables beside those of the base.

        on: variables of single hosts.
        """
        given = {**self.base, **variables}
        own = {name: {**self.variables[name], **(on or {}).get(name, {})} for name in self.hosts}
        groups: dict[str, Any] = {"elasticsearch": {"hosts": own}}
        groups |= {name: {"hosts": {"es1": {}}} for name in ("kibana", "logstash")}
        groups["filebeat"] = {"hosts": {"es2": {}}}
        inventory = {"vars": {**role.CONNECTION, **given}, "children": groups}
        play = {"hosts": "all", "roles": [{"role": "barehost.monitoring.elk"}]}
        # What follows from the order of a set is another one in the next run, as it is for people.
        seed = str(next(self.runs))
        return role.run_role(self.folder, play, inventory, *options, PYTHONHASHSEED=seed)

    def apply(self, *options: str, **variables: Any) -> set[str]:
        """Deploy; name the hosts on which something changed, with what was done there."""
        done = self.run("-v", *options, **variables)
        assert done.returncode == 0, done.stdout + done.stderr
        print(done.stdout)  # shown when the test fails
        return set(re.findall(r"^changed: \[(\w+)\]", done.stdout, re.MULTILINE))

    def refuse(self, *options: str, **variables: Any) -> str:
        """Deploy what must be refused; return what is said, in one line."""
        return " ".join(role.refusal(self.run(*options, **variables)).split())

    @staticmethod
    def url(name: str) -> str:
        """Return where a node is asked."""
        return f"https://{ADDRESSES[name]}:9200"

    def ask(
        self,
        path: str,
        method: str = "GET",
        body: Any = None,
        login: str = f"ada:{ADA}",
        at: str | Iterable[str] = (),
    ) -> tuple[int, str]:
        """Ask the nodes over TLS, or an address; return status and text."""
        urls = at if isinstance(at, str) else " ".join(map(self.url, at or self.hosts))
        data = "" if body is None else json.dumps(body)
        host = self.hosts["es1"]
        status, text = host.python(REQUEST, urls, CA, login, method, path, data)
        return status, text

    def json(self, path: str, **more: Any) -> Any:
        """Return the data of a good answer."""
        status, text = self.ask(path, **more)
        assert status in (200, 201), text
        return json.loads(text)

    def uuids(self) -> set[str]:
        """Return the clusters that the nodes say they belong to."""
        path = "/_cluster/state/metadata?local=true&filter_path=metadata.cluster_uuid"
        return {self.json(path, at=[name])["metadata"]["cluster_uuid"] for name in self.hosts}

    def state(self, name: str, unit: str = "elasticsearch") -> tuple[int, str]:
        """Return the process of a service and the digests of all its files."""
        return role.state(self.hosts[name], unit)
