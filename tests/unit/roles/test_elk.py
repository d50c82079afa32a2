# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role elk would write for hosts of a cluster, for old and new versions; on no host."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

CHECKOUT = Path(__file__).parents[3]
NODES = {f"es{number}": {"ansible_host": f"10.0.0.{number}"} for number in (1, 2, 3)}
GROUPS = {"elasticsearch": NODES, **dict.fromkeys(("logstash", "kibana", "filebeat"), {"ls1": {}})}
SECURED = {
    "elk_security": True,
    "elk_ca_certificate": "CA",
    "elk_elasticsearch_nodes": "{{ groups['elasticsearch'] }}",
    "elk_elasticsearch_network_host": ["{{ ansible_host | default('127.0.0.1') }}"],
    "elk_elasticsearch_urls": ["https://10.0.0.1:9200"],
    "elk_filebeat_logs": {"app": ["/var/log/app/*.log"]},
    "elk_logstash_filters": 'mutate { add_tag => ["mine"] }',
    "elk_passwords": {"logstash": "planted-logstash-password"},
    **{f"elk_{name}_certificate": "CRT" for name in ("elasticsearch", "logstash", "filebeat")},
    **{f"elk_{name}_certificate_key": "KEY" for name in ("elasticsearch", "logstash", "filebeat")},
}
OLD = ["ssl => true", "ssl_verify_mode =>", 'cacert => "/etc/logstash/certs/ca.crt"']
NEW = [
    "ssl_enabled => true",
    "ssl_client_authentication =>",
    'ssl_certificate_authorities => ["/etc/logstash/certs/ca.crt"]',
]


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


@pytest.mark.parametrize(
    ("version", "words", "others"), [("8.5.0", OLD, NEW), ("8.8.0", NEW, OLD), ("9.1.0", NEW, OLD)]
)
def test_options_have_the_names_of_their_version(
    tmp_path: Path, version: str, words: list[str], others: list[str]
) -> None:
    out = rendered(tmp_path, elk_version=version, **SECURED)
    pipeline = out / "ls1/etc/logstash/pipelines"
    text = "".join(path.read_text() for path in sorted(pipeline.rglob("*.conf")))
    lines = {line.strip() for line in text.splitlines()}
    assert all(any(line.startswith(word) for line in lines) for word in [*words[:2]])
    assert not any(line.startswith(word) for word in others[:2] for line in lines)
    beats = yaml.safe_load((out / "ls1/etc/filebeat/filebeat.yml").read_text())
    assert ("file_identity.native" in beats["filebeat.inputs"][0]) is version.startswith("9")


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
