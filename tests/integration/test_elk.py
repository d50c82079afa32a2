# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role elk on a host: what is refused, what is taken back, what becomes of data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from integration.support.elk import REQUEST, URL, Elk
from integration.support.host import booted, poll
from mirror import elasticsearch


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
        {"elk_elasticsearch_heap": "30g", "elk_elasticsearch_memory_max": "50G"},
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
    assert deployed.number("kept") == 3


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
    assert deployed.number("kept") == 3


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
    assert deployed.number("kept") == 3


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
    assert deployed.number("kept") == 3


def test_a_newer_version_keeps_the_data_and_an_older_one_is_refused(deployed: Elk) -> None:
    """The last test: there is no way back."""
    later = {"elk_elasticsearch_version": elasticsearch.LATER, "elk_version": elasticsearch.LATER}
    text = " ".join(deployed.refuse(**later, elk_elasticsearch_config={"no.such": 1}).split())
    assert "unknown setting [no.such]" in text
    assert deployed.number("kept") == 3
    assert deployed.apply(**later)
    assert (
        f'"{elasticsearch.LATER}"' in deployed.ask("/_nodes/_local?filter_path=nodes.*.version")[1]
    )
    assert deployed.number("kept") == 3
    assert not deployed.apply(**later)
    before = deployed.state()
    text = " ".join(deployed.refuse().split())
    assert f"elasticsearch {elasticsearch.LATER} is on this host" in text
    assert deployed.state() == before
    assert deployed.number("kept") == 3
