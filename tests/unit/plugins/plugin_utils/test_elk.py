# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cores behind the role elk: settings, users, pipelines, inputs."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Any

import pytest
from ansible_collections.barehost.monitoring.plugins.plugin_utils._elasticsearch_config import (
    elasticsearch_config,
)
from ansible_collections.barehost.monitoring.plugins.plugin_utils._elasticsearch_users import (
    elasticsearch_token,
    elasticsearch_users,
    pbkdf2,
)
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import InputError
from ansible_collections.barehost.monitoring.plugins.plugin_utils._filebeat_inputs import (
    filebeat_inputs,
)
from ansible_collections.barehost.monitoring.plugins.plugin_utils._kibana_config import (
    kibana_config,
)
from ansible_collections.barehost.monitoring.plugins.plugin_utils._logstash_pipelines import (
    logstash_pipelines,
)

SINGLE = {"discovery.type": "single-node"}
OPEN = {"network.host": ["127.0.0.1", "10.0.0.5"]}
SECURE = {"xpack.security.enabled": True}
TLS = {"xpack.security.http.ssl.enabled": True, "xpack.security.transport.ssl.enabled": True}


def faults(call: Any, *args: Any, **options: Any) -> tuple[str, ...]:
    with pytest.raises(InputError) as caught:
        call(*args, **options)
    return caught.value.faults


def test_nested_and_dotted_names_mean_the_same() -> None:
    extra = {"path": {"repo": ["/backup"], "logs": None}, "http.port": 9201}
    given = {**SINGLE, "http": {"port": 9200}, "path.logs": "/var/log/x"}
    assert elasticsearch_config(given, extra=extra) == {
        **SINGLE,
        "http.port": 9201,
        "path.repo": ["/backup"],
    }


@pytest.mark.parametrize(
    ("settings", "options", "words"),
    [
        ({**SINGLE, **OPEN}, {}, "10.0.0.5 is reached by others without passwords or TLS"),
        ({**SINGLE, **OPEN, **SECURE}, {}, "without TLS"),
        ({**SINGLE, **OPEN, **TLS}, {}, "without passwords"),
        ({**SINGLE, **SECURE, **TLS, **OPEN}, {}, ""),
        ({**SINGLE, **OPEN}, {"plain_http": True}, ""),
        ({**SINGLE, **OPEN, "http.host": "_local_"}, {}, ""),
        ({**SINGLE, "network.host": ["_site_"]}, {"plain_http": True}, "begins with _site_"),
        ({**SINGLE}, {"peers": ["a", "b"]}, "nodes: is empty, so a, b would be as many clusters"),
        ({**SINGLE}, {"peers": ["a", "b"], "nodes": ["a", "b"]}, ""),
        ({**SINGLE}, {"peers": ["a"]}, ""),
        ({**SINGLE}, {"heap": "1700m", "memory_max": "2G"}, "2934m are needed in all"),
        ({**SINGLE}, {"heap": "1g", "memory_max": "2G"}, ""),
        ({**SECURE, "network.host": "::1"}, {}, "certificate: nodes of a cluster"),
        ({**SECURE, **TLS, "network.host": "localhost"}, {}, ""),
        (SINGLE, {"version": "7.17.9"}, 'version: "7.17.9" is no version'),
        (SINGLE, {"version": "9.0.0"}, ""),
        (SINGLE, {"heap": "half"}, 'heap: "half" is no size'),
        (SINGLE, {"heap": "32g", "memory_max": "64G"}, "heap: 32g is more than 31g"),
        (SINGLE, {"heap": "31g", "memory_max": "64G"}, ""),
        (SINGLE, {"heap": "1g", "memory_max": "1G"}, "memory_max: 1G leaves no room"),
        (SINGLE, {"heap": "1g", "memory_max": "many"}, 'memory_max: "many" is no size'),
        (SINGLE, {"heap": "1g", "memory_max": "50%"}, ""),
        ({"a": {"b": 1}, "a.b": 2, **SINGLE}, {}, "settings: a.b is given twice"),
        (SINGLE, {"extra": ["x"]}, "extra: "),
    ],
)
def test_settings_are_judged(settings: Any, options: dict[str, Any], words: str) -> None:
    if not words:
        assert elasticsearch_config(settings, **options)
        return
    found = faults(elasticsearch_config, settings, **options)
    assert len(found) == 1 and words in found[0]


def test_a_hash_is_one_of_elasticsearchs_and_always_the_same() -> None:
    text = pbkdf2("secret-password", "ada")
    kind, salt, digest = text.split("$")
    assert kind == "{PBKDF2}10000"
    again = hashlib.pbkdf2_hmac("sha512", b"secret-password", base64.b64decode(salt), 10_000, 32)
    assert base64.b64decode(digest) == again
    assert pbkdf2("secret-password", "ada") == text
    assert pbkdf2("secret-password", "bob").split("$")[1] != salt


def test_users_become_files() -> None:
    users = {
        "ada": {"password": "x" * 12, "roles": ["viewer", "writer"]},
        "bob": {"password": "y" * 12, "roles": ["viewer"]},
    }
    found = elasticsearch_users(users, roles={"writer": {}}, tokens={"elastic/kibana/a": "s"})
    files = {one["path"]: one for kind in ("files", "secrets") for one in found[kind]}
    assert {path for path, one in files.items() if one in found["secrets"]} == {
        "users",
        "service_tokens",
    }
    assert "viewer:ada,bob\nwriter:ada\n" in files["users_roles"]["content"]
    assert files["users"]["content"].count("{PBKDF2}") == 2
    assert "x" * 12 not in str(files)
    assert {one["on_change"] for one in files.values()} == {"none"}
    # No mark of a document: Elasticsearch would say at each start that it is no role.
    assert re.fullmatch(r"#.*\nwriter: \{\}\n", files["roles.yml"]["content"])
    nobody = elasticsearch_users({})["files"]
    assert [one["content"].count("\n") for one in nobody] == [1, 1]


def test_a_token_names_its_service() -> None:
    decoded = base64.b64decode(elasticsearch_token("elastic/kibana/a", secret="s"))
    assert decoded == b"\0\1\0\1elastic/kibana/a:s"


def test_all_faults_of_users_are_told_and_no_password() -> None:
    users = {
        "a:b": {"password": "long enough, it is"},
        "ada": {"password": "short"},
        "bob": {"password": 123456789012, "roles": "viewer", "rolls": []},
        "eve": "x",
    }
    found = faults(elasticsearch_users, users, roles=["x"])
    assert len(found) == 7
    assert "short" not in str(found)


def test_a_pipeline_becomes_an_entry_and_a_file() -> None:
    text = "input { x { } }\noutput { y { } }\n# the end"
    found = logstash_pipelines({"mine": {"config": text, "queue.type": "memory"}}, directory="/p")
    assert found == {
        "pipelines": [
            {"pipeline.id": "mine", "path.config": "/p/mine.conf", "queue.type": "memory"}
        ],
        "files": [{"path": "/p/mine.conf", "content": text + "\n"}],
    }


def test_a_pipeline_that_would_lose_what_it_reads_is_refused() -> None:
    given = {
        "logs": {"config": "output { }"},
        "Bad": {"config": "output { }"},
        "none": {},
        "mine": {"config": "outputs { }", "path.config": "/x"},
    }
    assert len(faults(logstash_pipelines, given, directory="/p")) == 5


def test_a_data_set_becomes_an_input() -> None:
    (one,) = filebeat_inputs({"app": "/var/log/app/*.log"}, namespace="prod")
    assert one["id"] == "app"
    assert one["paths"] == ["/var/log/app/*.log"]
    assert one["fields"] == {"data_stream": {"type": "logs", "dataset": "app", "namespace": "prod"}}
    assert "file_identity.native" not in one
    (later,) = filebeat_inputs(
        {"app": {"paths": ["/a"], "close.reader.on_eof": True}}, version="9.0"
    )
    assert later["file_identity.native"] is None
    assert later["close.reader.on_eof"] is True


def test_all_faults_of_inputs_are_told() -> None:
    logs = {"my-app": ["/a"], "app": ["relative"], "b": []}
    found = faults(filebeat_inputs, logs, extra=[{"type": "journald"}, {"type": "x", "id": "app"}])
    assert len(found) == 5


@pytest.mark.parametrize(
    ("settings", "options", "words"),
    [
        ({"server.host": "127.0.0.1"}, {}, ""),
        ({"server.host": "localhost"}, {}, ""),
        ({}, {}, ""),
        ({"server.host": "0.0.0.0"}, {}, "0.0.0.0 is reached by others without passwords or TLS"),
        ({"server": {"host": "10.0.0.5"}}, {"security": True}, "without TLS"),
        ({"server.host": "::", "server.ssl.enabled": True}, {}, "without passwords"),
        ({"server.host": "::", "server.ssl.enabled": True}, {"security": True}, ""),
        ({"server.host": "0.0.0.0"}, {"plain_http": True}, ""),
        ({"server.host": "::1"}, {"extra": {"server.host": "10.0.0.5"}}, "10.0.0.5"),
        ({}, {"extra": [1]}, "extra: [1] is a list"),
        ({}, {"heap": 1800, "memory_max": "2G"}, "memory_max: 2G leaves no room beside a heap"),
        ({}, {"heap": 1024, "memory_max": "2G"}, ""),
    ],
)
def test_who_reaches_kibana_reaches_everything(
    settings: dict[str, Any], options: dict[str, Any], words: str
) -> None:
    if words:
        assert words in "; ".join(faults(kibana_config, settings, **options))
    else:
        assert kibana_config(settings, **options) is not None


HOME = {"app": ["/home/deploy/log/*.log"], "other": ["/var/log/other.log"]}


@pytest.mark.parametrize(
    ("logs", "unit", "words"),
    [
        (HOME, {}, "/home/deploy/log/*.log lies where the unit sees nothing (ProtectHome)"),
        (HOME, {"Service": {"ProtectHome": "read-only"}}, ""),
        ({"app": ["/tmp/app.log"]}, {}, "(PrivateTmp)"),
        ({"app": ["/tmp/app.log"]}, {"Service": {"PrivateTmp": False}}, ""),
        ({"app": ["/homes/app.log"]}, None, ""),
    ],
)
def test_logs_that_the_sandbox_hides_are_told(logs: Any, unit: Any, words: str) -> None:
    if words:
        assert words in "; ".join(faults(filebeat_inputs, logs, unit=unit))
    else:
        assert filebeat_inputs(logs, unit=unit)


def test_a_guess_costs_as_much_by_the_salt_as_by_the_hash() -> None:
    salt = base64.b64decode(pbkdf2("password-of-somebody", "ada").split("$")[1])
    known = (b"password-of-somebody", b"barehost ada", 10_000, 32)
    assert salt == hashlib.pbkdf2_hmac("sha512", *known)
