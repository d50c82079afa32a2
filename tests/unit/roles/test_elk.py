# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role elk would write for hosts of a cluster, for old and new versions; on no host."""

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
import trustme
import yaml

CHECKOUT = Path(__file__).parents[3]
NODES = {f"es{number}": {"ansible_host": f"10.0.0.{number}"} for number in (1, 2, 3)}
GROUPS = {"elasticsearch": NODES, **dict.fromkeys(("logstash", "kibana", "filebeat"), {"ls1": {}})}
PARTS = ("elasticsearch", "kibana", "logstash", "filebeat")
SECURED = {
    "elk_security": True,
    "elk_ca_certificate": "CA",
    "elk_elasticsearch_nodes": "{{ groups['elasticsearch'] }}",
    "elk_elasticsearch_network_host": ["{{ ansible_host | default('127.0.0.1') }}"],
    "elk_elasticsearch_urls": ["https://10.0.0.1:9200"],
    "elk_filebeat_logs": {"app": ["/var/log/app/*.log"]},
    "elk_logstash_filters": 'mutate { add_tag => ["mine"] }',
    "elk_passwords": {"logstash": "planted-logstash-password"},
    **{f"elk_{name}_certificate": "CRT" for name in PARTS},
    **{f"elk_{name}_certificate_key": "KEY" for name in PARTS},
}
# The options of TLS: of the input beats, and of the output elasticsearch.
CERTS = "/etc/logstash/certs"
PAIR = {f'ssl_certificate => "{CERTS}/node.crt"', f'ssl_key => "{CERTS}/node.key"'}
TRUST = f'ssl_certificate_authorities => ["{CERTS}/ca.crt"]'
OLD = (
    {*PAIR, TRUST, "ssl => true", 'ssl_verify_mode => "force_peer"'},
    {"ssl => true", f'cacert => "{CERTS}/ca.crt"'},
)
NEW = (
    {*PAIR, TRUST, "ssl_enabled => true", 'ssl_client_authentication => "required"'},
    {TRUST, "ssl_enabled => true"},
)
# Kibana has had these names since 7.
KIBANA = {
    "server.ssl.enabled": True,
    "server.ssl.certificate": "/etc/kibana/certs/node.crt",
    "server.ssl.key": "/etc/kibana/certs/node.key",
    "elasticsearch.ssl.certificateAuthorities": ["/etc/kibana/certs/ca.crt"],
}


def rendered(folder: Path, groups: Any = GROUPS, **variables: Any) -> Path:
    """Render for the hosts of the groups; return the folder with one a host."""
    common = {"elk_state": "rendered", "elk_render_directory": str(folder / "out")}
    common["elk_password_directory"] = str(folder / "passwords")
    play = {
        "hosts": "all",
        "connection": "local",
        "gather_facts": False,
        "roles": [{"role": "barehost.monitoring.elk", "vars": {**common, **variables}}],
    }
    (folder / "play.json").write_text(json.dumps([play]))
    hosts = {name: {"hosts": members} for name, members in groups.items()}
    python = {"ansible_python_interpreter": sys.executable}
    (folder / "hosts.json").write_text(json.dumps({"all": {"vars": python, "children": hosts}}))
    command = [Path(sys.executable).with_name("ansible-playbook"), folder / "play.json"]
    environment = os.environ | {"ANSIBLE_COLLECTIONS_PATH": str(CHECKOUT / ".ac")}
    done = subprocess.run(
        [*command, "-i", folder / "hosts.json"],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "out"


@pytest.mark.parametrize(("version", "words"), [("8.5.0", OLD), ("8.8.0", NEW), ("9.1.0", NEW)])
def test_options_have_the_names_of_their_version(
    tmp_path: Path, version: str, words: tuple[set[str], set[str]]
) -> None:
    secured, shown = tmp_path / "secured", tmp_path / "shown"
    secured.mkdir()
    shown.mkdir()
    out = rendered(secured, elk_version=version, **SECURED) / "ls1/etc"
    # An output without a password is no secret, so it is shown.
    open_one = {**SECURED, "elk_security": False, "elk_elasticsearch_nodes": []}
    logstash = {"logstash": {"ls1": {}}}
    outputs = rendered(shown, logstash, elk_version=version, **open_one) / "ls1/etc"

    def tls(place: Path, name: str) -> set[str]:
        lines = map(str.strip, (place / "logstash/pipelines" / name).read_text().splitlines())
        return {line for line in lines if re.match(r"(ssl\w*|cacert|truststore|keystore) ", line)}

    assert tls(out, "logs/10-logs.conf") == words[0]
    assert tls(outputs, "logs/90-output.conf") == tls(outputs, "dead_letters.conf") == words[1]
    kibana = yaml.safe_load((out / "kibana/kibana.yml").read_text())
    assert {name: value for name, value in kibana.items() if ".ssl." in name} == KIBANA
    beats = yaml.safe_load((out / "filebeat/filebeat.yml").read_text())
    assert set(beats["output.logstash"]["ssl"]) == {"certificate_authorities", "certificate", "key"}
    # From 9 on it would know a file by its first 1024 bytes, and not read a shorter one.
    identity = {"prospector.scanner.fingerprint.enabled": False, "file_identity.native": None}
    assert (beats["filebeat.inputs"][0].items() >= identity.items()) is version.startswith("9")
    assert version.startswith("9") or not set(identity) & set(beats["filebeat.inputs"][0])


def test_nodes_know_each_other_and_found_no_cluster_for_ever(tmp_path: Path) -> None:
    out = rendered(tmp_path, **SECURED)
    for name in NODES:
        text = (out / name / "etc/elasticsearch/elasticsearch.yml").read_text()
        config = yaml.safe_load(text)
        assert config["discovery.seed_hosts"] == [f"10.0.0.{n}:9300" for n in (1, 2, 3)]
        assert config["xpack.security.transport.ssl.enabled"] is True
        assert "initial_master" not in text
    users = {(out / name / "etc/elasticsearch/users_roles").read_text() for name in NODES}
    assert len(users) == 1


def test_a_member_of_elk_gets_all_but_the_shipper(tmp_path: Path) -> None:
    out = rendered(tmp_path, {"elk": {"one": {}}})
    assert {path.name for path in (out / "one/etc").iterdir()} >= {
        "elasticsearch",
        "kibana",
        "logstash",
    }
    assert not (out / "one/etc/filebeat").exists()
    # Nothing that nobody needs is made up.
    made = {path.name for path in (tmp_path / "passwords").iterdir()}
    assert made == {"kibana_objects", "kibana_session", "kibana_reports"}


def test_templates_end_with_a_line_end(tmp_path: Path) -> None:
    out = rendered(tmp_path, {"logstash": {"one": {}}})
    for path in (out / "one/etc/logstash").rglob("*"):
        assert path.is_dir() or path.read_text().endswith("\n"), path


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Render the log chain and Grafana of the inventory fleet, with certificates of an authority."""
    folder = tmp_path_factory.mktemp("fleet")
    shutil.copytree(CHECKOUT / "inventories/fleet", folder / "inventory")
    certificates, authority = folder / "inventory/.certificates", trustme.CA()
    certificates.mkdir()
    authority.cert_pem.write_to_path(certificates / "ca.crt")
    for host, address in {
        "logs1": "192.0.2.41",
        "app1": "192.0.2.21",
        "app2": "192.0.2.22",
    }.items():
        made = authority.issue_cert(address, "127.0.0.1")
        made.cert_chain_pems[0].write_to_path(certificates / f"{host}.crt")
        made.private_key_pem.write_to_path(certificates / f"{host}.key")
    given = {
        "vault_elk_reader_password": "planted-reader-0123456789",
        "vault_elk_exporter_password": "planted-exporter-0123456789",
        "barehost_state": "rendered",
        "barehost_render_directory": str(folder / "out"),
        "ansible_python_interpreter": sys.executable,
    }
    common = {"connection": "local", "gather_facts": False}
    seen = {"content": "{{ grafana_datasources | to_json }}", "dest": f"{folder}/sources.json"}
    tasks = [{"ansible.builtin.copy": seen, "diff": False}]
    plays = [
        {**common, "hosts": "elk:filebeat", "roles": ["barehost.monitoring.elk"]},
        {**common, "hosts": "elk", "roles": ["barehost.monitoring.elasticsearch_exporter"]},
        {**common, "hosts": "grafana", "roles": ["barehost.monitoring.grafana"], "tasks": tasks},
    ]
    (folder / "play.json").write_text(json.dumps(plays))
    command = [Path(sys.executable).with_name("ansible-playbook"), folder / "play.json"]
    environment = os.environ | {"ANSIBLE_COLLECTIONS_PATH": str(CHECKOUT / ".ac")}
    done = subprocess.run(
        [*command, "-i", folder / "inventory", "-e", json.dumps(given)],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "planted-" not in done.stdout
    return folder / "out"


def test_the_fleet_sends_logs_with_certificates(fleet: Path) -> None:
    for host in ("app1", "app2"):
        beats = yaml.safe_load((fleet / host / "etc/filebeat/filebeat.yml").read_text())
        output = beats["output.logstash"]
        assert output["hosts"] == ["192.0.2.41:5044"]
        assert output["ssl"]["key"] == "/etc/filebeat/certs/node.key"
    pipelines = fleet / "logs1/etc/logstash/pipelines/logs"
    text = "".join(path.read_text() for path in sorted(pipelines.glob("*.conf")))
    assert 'host => "192.0.2.41"' in text
    node = yaml.safe_load((fleet / "logs1/etc/elasticsearch/elasticsearch.yml").read_text())
    assert node["network.host"] == ["127.0.0.1", "192.0.2.41"]
    assert node["xpack.security.http.ssl.enabled"] is True


def test_statistics_of_the_fleet_are_read_by_a_user_of_their_own(fleet: Path) -> None:
    unit = (fleet / "logs1/etc/systemd/system/elasticsearch_exporter.service").read_text()
    assert "--web.listen-address=192.0.2.41:9114" in unit
    files = [path for path in (fleet / "logs1/etc").rglob("*") if path.is_file()]
    assert [path for path in files if "planted-" in path.read_text()] == []


def test_grafana_of_the_fleet_reads_logs_as_a_user_of_its_own(fleet: Path) -> None:
    sources = json.loads((fleet.parent / "sources.json").read_text())
    (logs,) = [source for source in sources if source["type"] == "elasticsearch"]
    assert (logs["url"], logs["basicAuthUser"]) == ("https://192.0.2.41:9200", "barehost_reader")
    assert logs["jsonData"]["tlsAuthWithCACert"] is True
    assert logs["secureJsonData"]["tlsCACert"].startswith("-----BEGIN CERTIFICATE")
    assert "barehost_reader:barehost_reader" in "".join(
        file.read_text() for file in (fleet / "logs1").rglob("users_roles")
    )


@pytest.mark.parametrize(
    ("levels", "condition"),
    [
        (["error", "Critical"], r"=~ /\A(error|critical)\z/ and [data_stream][dataset] !~"),
        (["a.b"], r"=~ /\A(a\.b)\z/ "),
        ([], ""),
    ],
)
def test_errors_have_a_data_set_of_their_own_unless_nobody_wants_it(
    tmp_path: Path, levels: list[str], condition: str
) -> None:
    out = rendered(tmp_path, {"logstash": {"one": {}}}, elk_logs_error_levels=levels)
    text = (out / "one/etc/logstash/pipelines/logs/10-logs.conf").read_text()
    assert condition in text
    assert (".errors" in text) is bool(levels)
    # The id is made of the data set that the sender has named.
    assert not levels or text.rindex("fingerprint {") < text.index("}.errors")


def test_the_exporter_gets_a_user_that_reads_statistics(tmp_path: Path) -> None:
    out = rendered(tmp_path, **SECURED)
    folder = out / "es1/etc/elasticsearch"
    roles = yaml.safe_load((folder / "roles.yml").read_text())
    assert "barehost_monitor:barehost_exporter\n" in (folder / "users_roles").read_text()
    assert roles["barehost_monitor"] == {
        "cluster": ["monitor"],
        "indices": [{"names": ["*"], "privileges": ["monitor"]}],
    }
    assert (tmp_path / "passwords/exporter").exists()


def test_life_cycles_may_do_what_they_are_for(tmp_path: Path) -> None:
    """They act as the user who wrote them, and the tests' engine has none."""
    out = rendered(tmp_path, **SECURED)
    roles = yaml.safe_load((out / "es1/etc/elasticsearch/roles.yml").read_text())
    (allowed,) = roles["barehost_deploy"]["indices"]
    assert allowed == {"names": ["logs-*-default"], "privileges": ["manage"]}


def test_filebeat_may_be_given_tls_without_elasticsearch(tmp_path: Path) -> None:
    given = {"elk_ca_certificate": "CA", "elk_logstash_certificate": "CRT"}
    out = rendered(tmp_path, {"logstash": {"one": {}}}, **given, elk_logstash_certificate_key="KEY")
    text = (out / "one/etc/logstash/pipelines/logs/90-output.conf").read_text()
    assert "cacert" not in text and "ssl" not in text
    assert "ssl => true" in (out / "one/etc/logstash/pipelines/logs/10-logs.conf").read_text()


@pytest.mark.parametrize(
    ("queue", "page"),
    [("1gb", "64mb"), ("64mb", "64mb"), ("63mb", "63mb"), ("65000kb", "65000kb"), ("2 GB", "64mb")],
)
def test_a_queue_has_room_for_one_of_its_pages(tmp_path: Path, queue: str, page: str) -> None:
    out = rendered(tmp_path, {"logstash": {"one": {}}}, elk_logstash_queue=queue)
    pipelines = yaml.safe_load((out / "one/etc/logstash/pipelines.yml").read_text())
    assert pipelines[0]["queue.page_capacity"] == page
