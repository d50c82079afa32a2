# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role elk on several hosts with TLS and passwords: one cluster, one chain, no secret told.

The tests stand in their order: each finds the cluster whole, and leaves it so.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import PrivateFormat

from integration.support.elk_cluster import (
    ADA,
    ADDRESSES,
    CA,
    PASSWORDS,
    Authority,
    Cluster,
    key,
)
from integration.support.host import Host, poll

NODES = ("es1", "es2", "es3")
ELASTICSEARCH = {"elk_components": ["elasticsearch"]}
UNTRIED = {**ELASTICSEARCH, "elk_elasticsearch_trial": False}
DAY = timedelta(days=1)
# Searches and writes all the time, as a client of a cluster does it: the nodes in turn, and the next one
# when one does not serve. Prints what went wrong, and how long the longest answer took. Ends with its
# standard input.
CLIENT = """
import base64, json, ssl, sys, threading, time, urllib.error, urllib.request
urls, ca, login = sys.argv[1].split(), sys.argv[2], sys.argv[3]
tls = ssl.create_default_context(cafile=ca)
head = {"Content-Type": "application/json",
        "Authorization": "Basic " + base64.b64encode(login.encode()).decode()}
ended, faults, longest, written, down, asked = threading.Event(), [], 0, 0, set(), 0
threading.Thread(target=lambda: (sys.stdin.read(), ended.set())).start()

def ask(path, body=None):
    global asked
    asked += 1
    said, first = [], asked // 2 % len(urls)
    for url in urls[first:] + urls[:first]:
        try:
            with urllib.request.urlopen(
                urllib.request.Request(url + path, body, head), timeout=30, context=tls
            ) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code == 409:  # the node that was stopped had written it, and could not say so
                return {}
            said.append(f"{url}{path}: {error.code} {error.read()[:300]}")
        except OSError as error:
            down.add(url)
            said.append(f"{url}{path}: {error}")
    raise OSError("; ".join(said))

while not ended.is_set():
    begin = time.monotonic()
    try:
        body = {"@timestamp": "2026-11-26T00:00:00Z", "message": f"rolling {written}"}
        ask(f"/logs-rolling-default/_create/{written}", json.dumps(body).encode())
        written += 1
        found = ask("/logs-*/_search?size=0")
        if found["_shards"]["failed"] or found["_shards"]["successful"] < found["_shards"]["total"]:
            faults.append(f"{time.time()}: {found['_shards']}")
    except (OSError, KeyError) as error:
        faults.append(f"{time.time()}: {error}")
    longest = max(longest, time.monotonic() - begin)
    time.sleep(0.1)
print(json.dumps({"faults": faults, "longest": longest, "written": written, "down": sorted(down)}))
"""
# Looks for planted words while others work. The pattern does not match itself.
WATCH = """
while ! test -e /run/watch-ended; do
  cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n' | grep -aE 'planted[-]' >>/run/watched
  sleep 0.3
done
"""


@contextmanager
def served(cluster: Cluster) -> Iterator[dict[str, Any]]:
    """Ask all the time; fill in what was seen at the end."""
    urls = " ".join(map(cluster.url, NODES))
    host = cluster.hosts["es1"]
    client = host.start("/usr/bin/python3", "-c", CLIENT, urls, CA, f"ada:{ADA}")
    seen: dict[str, Any] = {}
    try:
        yield seen
    finally:
        out, err = client.communicate(timeout=60)
    assert client.returncode == 0, err.decode()
    seen.update(json.loads(out))


@dataclass
class First:
    """The first deployment: what it said, and what could be read meanwhile."""

    cluster: Cluster
    done: subprocess.CompletedProcess[str]
    watched: str


@pytest.fixture(scope="module")
def first(prefix: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[First]:
    """Deploy everything in one run, on hosts of its own."""
    with ExitStack() as stack:
        cluster = Cluster(tmp_path_factory.mktemp("cluster"), f"{prefix}-elk", stack)
        cluster.add(*NODES)
        for host in cluster.hosts.values():
            host.run("systemd-run", "--quiet", "/bin/sh", "-c", WATCH)
        done = cluster.run("-vvv", "--diff")
        for host in cluster.hosts.values():
            host.sh("touch /run/watch-ended")
        watched = "".join(host.sh("cat /run/watched") for host in cluster.hosts.values())
        yield First(cluster, done, watched)


@pytest.fixture(scope="module")
def cluster(first: First) -> Cluster:
    """Return the cluster that was deployed."""
    assert first.done.returncode == 0, first.done.stdout[-5000:] + first.done.stderr
    return first.cluster


def whole(cluster: Cluster, nodes: int = len(NODES)) -> bool:
    """Tell whether all nodes are one cluster that lacks nothing."""
    path = f"/_cluster/health?wait_for_status=green&wait_for_nodes={nodes}&timeout=50s"
    return cluster.ask(path)[0] == 200 and len(cluster.uuids()) == 1


def processes(cluster: Cluster) -> dict[str, int]:
    """Return the processes of all nodes."""
    return {name: cluster.state(name)[0] for name in cluster.hosts}


def test_one_run_makes_one_cluster(cluster: Cluster) -> None:
    """Each node has a certificate of the authority, for both of its ports."""
    assert whole(cluster)
    for name in NODES:
        status, _text = cluster.ask("/", login="ada:wrong", at=[name])
        assert status == 401
        assert "initial_master" not in cluster.hosts[name].sh("cat /etc/elasticsearch/*.yml")
        said = cluster.hosts[name].sh("journalctl -u elasticsearch -p err --no-pager -q")
        assert "SSLHandshakeException" not in said
    plain = cluster.hosts["es1"].http(f"http://{ADDRESSES['es2']}:9200/")
    assert plain[0] == 0


def test_a_second_run_changes_nothing(cluster: Cluster) -> None:
    before = processes(cluster)
    assert cluster.apply() == set()
    assert processes(cluster) == before


def line(cluster: Cluster, text: str) -> None:
    """Write a line into the log that Filebeat reads, on another host than Logstash."""
    data = json.dumps({"event": text, "level": "info"})
    script = 'mkdir -p /var/log/app; echo "$0" >> /var/log/app/app.log'
    cluster.hosts["es2"].run("/bin/sh", "-c", script, data)


def found(cluster: Cluster, text: str) -> int:
    """Count the lines that were found."""
    cluster.ask("/logs-app-default/_refresh", "POST")
    query = {"query": {"match_phrase": {"message": text}}}
    status, answer = cluster.ask("/logs-app-default/_count", "POST", query)
    return int(json.loads(answer)["count"]) if status == 200 else 0


def test_a_line_goes_through_the_chain(cluster: Cluster) -> None:
    """Filebeat shows its certificate to Logstash, which has a password for Elasticsearch."""
    line(cluster, "through the chain")
    assert poll(lambda: found(cluster, "through the chain") == 1, 30)


def test_logstash_hears_nobody_without_a_certificate(cluster: Cluster) -> None:
    """One of another authority does not help; a handshake of TLS 1.3 ends before that is known."""
    script = """
import json, socket, ssl, sys
tls = ssl.create_default_context(cafile=sys.argv[2])
if sys.argv[3:]:
    tls.load_cert_chain(sys.argv[3])
try:
    with tls.wrap_socket(socket.create_connection((sys.argv[1], 5044), 5),
                         server_hostname=sys.argv[1]) as talk:
        talk.sendall(b"2W\\0\\0\\0\\1" + b"2J\\0\\0\\0\\1\\0\\0\\0\\2{}")
        print(json.dumps(talk.recv(6).hex()))
except OSError as error:
    print(json.dumps(str(error)))
"""
    good = "".join(cluster.variables["es2"][f"elk_filebeat_{part}"] for part in PARTS)
    host, address = cluster.hosts["es2"], ADDRESSES["es1"]
    ca = "/etc/filebeat/certs/ca.crt"
    strange = "".join(Authority().issue(address))
    host.put({"/root/good.pem": good.encode(), "/root/strange.pem": strange.encode()}, 0o600)
    answers = [
        host.python(script, address, ca, *own)
        for own in ([], ["/root/strange.pem"], ["/root/good.pem"])
    ]
    taken = "324100000001"
    assert answers[2] == taken and taken not in answers[:2], answers
    host.sh("rm /root/*.pem")


def test_kibana_speaks_tls_and_has_a_token(cluster: Cluster) -> None:
    url = f"https://{ADDRESSES['es1']}:5601"
    assert json.loads(cluster.ask("/api/status", at=url)[1])["status"]["overall"]["level"]
    login = f"barehost:{PASSWORDS['deploy']}"
    status, text = cluster.ask("/api/data_views/data_view/barehost-logs", at=url, login=login)
    assert status == 200, text
    assert cluster.ask("/api/data_views/data_view/barehost-logs", at=url, login="x:y")[0] == 401
    assert cluster.hosts["es1"].http(url.replace("https", "http"))[0] == 0


PARTS = ("certificate", "certificate_key")


def told(host: Host, secrets: list[str]) -> list[str]:
    """Name the places where a secret can be read by others than root and the service."""
    places = {
        "arguments and environment": "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null",
        "units": "systemctl show '*'; cat /etc/systemd/system/*.service",
        "journal": "journalctl --no-pager",
        "readable files": "find / -xdev -type f -perm -o=r -newer /etc/machine-id -size -9M"
        " -not -path '/proc/*' -not -path '/sys/*' -exec cat {} +",
        "records": "cat /var/lib/barehost/*/*.json",
        "settings": "cat /etc/elasticsearch/*.yml /etc/*/kibana.yml /etc/logstash/*.yml"
        " /etc/logstash/pipelines/logs/10-*.conf 2>/dev/null",
    }
    # It does not match itself in the command that looks for it.
    pattern = "|".join(f"{secret[:7]}[{secret[7]}]{secret[8:]}" for secret in secrets)
    look = "({}) | tr '\\0' '\\n' | grep -aqE '{}' && echo found || true"
    return [name for name, command in places.items() if host.sh(look.format(command, pattern))]


def test_no_secret_is_told(first: First, cluster: Cluster) -> None:
    """Not by the run with -vvv and --diff, not to whoever looked on, not by what is there now."""
    keys = [own["elk_elasticsearch_certificate_key"] for own in cluster.variables.values()]
    # One line of each key, from its random part.
    lines = [text.splitlines()[2].replace("+", "[+]") for text in keys]
    output = first.done.stdout + first.done.stderr
    assert "planted-" not in output
    assert not [line for line in lines if line.replace("[+]", "+") in output]
    assert first.watched == ""
    for host in cluster.hosts.values():
        assert told(host, ["planted-", *lines]) == []


def test_each_node_lets_elastic_in_with_the_password_that_it_has_made(cluster: Cluster) -> None:
    for name in NODES:
        password = cluster.hosts[name].read("/etc/elasticsearch/secrets/elastic_password").strip()
        assert cluster.ask("/", login=f"elastic:{password}", at=[name])[0] == 200


def bad(cluster: Cluster, case: str) -> tuple[str, str, dict[str, Any], list[str]]:
    """Return host, part, its variables and what must be said."""
    authority, other = cluster.authority, Authority()
    address = ADDRESSES["es1"]
    now = datetime.now(UTC)
    good, secret = authority.issue(address)
    _another, wrong = authority.issue(address)
    expired = authority.issue(address, not_before=now - 2 * DAY, not_after=now - DAY)
    strange = other.issue(address)
    old_form = key(secret, PrivateFormat.TraditionalOpenSSL)
    part, _comma, fault = case.partition(", ")
    crt, prv = f"elk_{part}_certificate", f"elk_{part}_certificate_key"
    files = f"/etc/{part}/certs"
    pair = {
        "another key": (good, wrong),
        "expired": expired,
        "another authority": strange,
        "PKCS#1": (good, old_form),
        "passphrase": (good, key(secret, passphrase=b"planted-passphrase")),
        "another name": authority.issue("nowhere.example.com"),
        "another authority behind Elasticsearch": strange,
    }[fault]
    words = {
        "another key": f"{crt} ({files}/node.crt) and {prv} ({files}/node.key) do not belong",
        "expired": f"{crt} ({files}/node.crt) is refused as that of a",
        "another authority": f"{crt} ({files}/node.crt) is not from elk_ca_certificate",
        "PKCS#1": f"{prv} ({files}/node.key) is not PKCS#8",
        "passphrase": f"{prv} ({files}/node.key) has a passphrase",
        "another name": "IP address mismatch",
        "another authority behind Elasticsearch": f"make https://{address}:9200 trusted",
    }[fault]
    given: dict[str, Any] = {crt: pair[0], prv: pair[1]}
    if "behind" in fault:
        given["elk_ca_certificate"] = other.text
    if "expired" in fault:
        words += " client: certificate has expired" if part == "filebeat" else " server: "
    return ("es2" if part == "filebeat" else "es1"), part, given, [words, "Nothing was replaced"]


@pytest.mark.parametrize(
    "case",
    [
        "elasticsearch, another key",
        "elasticsearch, another name",
        "kibana, expired",
        "kibana, another authority behind Elasticsearch",
        "logstash, another key",
        "logstash, PKCS#1",
        "logstash, passphrase",
        "logstash, another authority",
        "filebeat, expired",
    ],
)
def test_a_certificate_that_will_not_do_replaces_nothing(cluster: Cluster, case: str) -> None:
    name, part, given, words = bad(cluster, case)
    before = cluster.state(name, part)
    components = {**UNTRIED, "elk_components": [part]}
    text = cluster.refuse(f"--limit={name}", on={name: {**components, **given}})
    assert [each for each in words if each not in text] == [], text
    assert "planted-" not in text
    assert cluster.state(name, part) == before


def test_what_one_node_refuses_leaves_the_others_alone(cluster: Cluster) -> None:
    before = {name: cluster.state(name) for name in NODES}
    wrong = {"elk_elasticsearch_config": {"indices.nonsense": 1}}
    text = cluster.refuse(**ELASTICSEARCH, on={"es2": wrong})
    assert "fatal: [es2]" in text
    assert "unknown setting [indices.nonsense]" in text
    assert "Nothing was replaced" in text
    assert {name: cluster.state(name) for name in NODES} == before
    assert whole(cluster)


def test_a_killed_node_comes_back(cluster: Cluster) -> None:
    before = processes(cluster)
    cluster.hosts["es2"].run("systemctl", "kill", "--signal=KILL", "elasticsearch")
    assert poll(lambda: processes(cluster)["es2"] not in (0, before["es2"]), 30)
    assert whole(cluster)
    assert {**processes(cluster), "es2": 0} == {**before, "es2": 0}
    assert cluster.apply(**ELASTICSEARCH) == set()


def test_the_first_node_without_its_data_joins_again(cluster: Cluster) -> None:
    """Not even its record says that there is a cluster; the other nodes do."""
    (made,) = cluster.uuids()
    host = cluster.hosts["es1"]
    host.sh("systemctl stop elasticsearch; rm -rf /var/lib/elasticsearch/* /var/lib/barehost/elas*")
    assert cluster.apply("--limit=es1", **UNTRIED) == {"es1"}
    assert cluster.uuids() == {made}
    assert whole(cluster)
    assert found(cluster, "through the chain") == 1


def test_one_node_after_the_other_changes_and_a_new_one_joins(cluster: Cluster) -> None:
    """A further node changes the configuration of all; searches are whole and writes taken meanwhile."""
    (made,) = cluster.uuids()
    before = processes(cluster)
    cluster.add("es4")
    with served(cluster) as seen:
        assert cluster.apply(**UNTRIED) == {*NODES, "es4"}
    assert whole(cluster, len(NODES) + 1)
    assert cluster.uuids() == {made}
    assert not set(before.values()) & set(processes(cluster).values())
    assert seen["faults"] == []
    assert seen["down"] == [cluster.url(name) for name in NODES], "each was away once"
    assert seen["written"] > 50
    assert seen["longest"] < 15
    cluster.ask("/logs-rolling-default/_refresh", "POST")
    assert cluster.json("/logs-rolling-default/_count")["count"] == seen["written"]
    line(cluster, "after the change")
    assert poll(lambda: found(cluster, "after the change") == 1, 60)
