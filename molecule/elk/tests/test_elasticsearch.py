# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A running Elasticsearch: who gets in, what it keeps of a bad document, what it may use."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

URL = "http://127.0.0.1:9200"
ADA, WRITER = "ada:planted-ada-$x-{PBKDF2}", "barehost_logstash:planted-logstash-012345678"
READER = "barehost_reader:planted-reader-0123456789"
STREAM = f"{URL}/logs-test_molecule-default"


@pytest.fixture(scope="module")
def secured(host: Any) -> bool:
    """Whether this is the host with passwords."""
    return "trixie" in host.check_output("hostname")


@pytest.fixture(scope="module")
def admin(secured: bool) -> str:
    return ADA if secured else ""


@pytest.fixture(scope="module")
def writer(secured: bool) -> str:
    return WRITER if secured else ""


def test_it_is_the_wanted_release_and_runs_on_its_own_java(ask: Any, admin: str, host: Any) -> None:
    (node,) = ask.json(f"{URL}/_nodes/_local", user=admin)["nodes"].values()
    link = host.check_output("readlink /opt/elasticsearch/current")
    assert node["version"] == link
    assert node["jvm"]["using_bundled_jdk"] is True
    assert node["jvm"]["mem"]["heap_max_in_bytes"] == 512 << 20
    assert ask.json(f"{URL}/_cluster/health", user=admin)["status"] == "green"


def test_it_may_open_as_many_files_as_it_needs(ask: Any, admin: str) -> None:
    (node,) = ask.json(f"{URL}/_nodes/_local/stats/process", user=admin)["nodes"].values()
    assert node["process"]["max_file_descriptors"] >= 20_000


def test_nobody_outside_reaches_it(host: Any) -> None:
    listening = host.check_output("ss -Hltn")
    for port in (9200, 9300):
        places = {line.split()[3] for line in listening.splitlines() if f":{port} " in line}
        assert places and all("127.0.0.1" in place for place in places), places


def test_who_has_no_password_stays_outside(ask: Any, secured: bool) -> None:
    expected = 401 if secured else 200
    assert ask.answer(f"{URL}/_cluster/health")[0] == expected
    assert ask.answer(f"{URL}/_cluster/health", user="ada:wrong")[0] == expected


def test_elastic_has_the_password_that_the_host_made(ask: Any, host: Any, secured: bool) -> None:
    if not secured:
        pytest.skip("without security there are no users")
    password = host.check_output("cat /etc/elasticsearch/secrets/elastic_password")
    assert len(password) == 32
    assert ask.answer(f"{URL}/_cluster/health", user=f"elastic:{password}")[0] == 200


def send(ask: Any, writer: str, documents: list[Any]) -> Any:
    """Send what Logstash would, one at a time: a stream takes nothing else than new documents."""
    return [ask.answer(f"{STREAM}/_doc", body=document, user=writer) for document in documents]


def test_one_bad_document_breaks_nothing(ask: Any, admin: str, writer: str) -> None:
    run, now = str(time.time_ns()), time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    common = {"@timestamp": now, "trace": {"id": run}}
    documents: list[dict[str, Any]] = [
        {**common, "message": "plain", "log": {"level": "info"}, "structlog": {"n": 1}},
        {**common, "message": "clash", "structlog": {"n": {"deep": [1, "a", None]}}},
        {**common, "message": "clash", "structlog": {"n": "x" * 40_000}},
        {**common, "message": "unmapped", "whatever": 5},
        {**common, "message": "unmapped", "whatever": {"is": "an object"}},
        {
            **common,
            "message": "unmapped",
            "whatever": "2026-01-01",
            "event": {"original": "x" * 90_000},
        },
    ]
    answers = send(ask, writer, documents)
    assert [status for status, _text in answers] == [201] * len(documents), answers
    assert ask.answer(f"{STREAM}/_refresh", user=admin)[0] == 200
    found = ask.json(f"{STREAM}/_search?size=100&q=trace.id:{run}", user=admin)["hits"]
    assert found["total"]["value"] == len(documents)
    level = ask.json(f"{STREAM}/_search?q=trace.id:{run}%20AND%20log.level:info", user=admin)
    assert level["hits"]["total"]["value"] == 1
    for word in ("structlog.n:1", "structlog.n.deep:a"):
        hits = ask.json(f"{STREAM}/_search?q=trace.id:{run}%20AND%20{word}", user=admin)["hits"]
        assert hits["total"]["value"] == 1


def test_the_writer_writes_logs_and_nothing_else(ask: Any, secured: bool) -> None:
    if not secured:
        pytest.skip("without security there are no users")
    body = {"@timestamp": "2026-01-01T00:00:00Z", "message": "x"}
    assert ask.answer(f"{URL}/other/_doc", body=body, user=WRITER)[0] == 403
    assert ask.answer(f"{STREAM}/_search", user=WRITER)[0] == 403
    template = {"index_patterns": ["logs-*"]}
    assert ask.answer(f"{URL}/_index_template/mine", body=template, user=WRITER)[0] == 403


def test_the_reader_reads_logs_and_nothing_else(
    ask: Any, admin: str, writer: str, secured: bool
) -> None:
    if not secured:
        pytest.skip("without security there are no users")
    send(ask, writer, [{"@timestamp": "2026-01-01T00:00:00Z", "message": "readable"}])
    assert ask.answer(f"{STREAM}/_refresh", user=admin)[0] == 200
    found = ask.json(f"{STREAM}/_search?q=message:readable", user=READER)
    assert found["hits"]["hits"]
    body = {"@timestamp": "2026-01-01T00:00:00Z", "message": "x"}
    assert ask.answer(f"{STREAM}/_doc", body=body, user=READER)[0] == 403
    assert ask.answer(f"{URL}/.kibana/_search", user=READER)[0] == 403


def test_the_template_is_the_one_for_the_logs(ask: Any, admin: str) -> None:
    answer = ask.json(f"{URL}/_index_template/barehost-logs", user=admin)
    (template,) = answer["index_templates"]
    assert template["index_template"]["index_patterns"] == ["logs-*-default"]
    assert template["index_template"]["priority"] == 150


def test_the_unit_is_sandboxed_and_limited(host: Any, exposure: Callable[[str], float]) -> None:
    assert exposure("elasticsearch.service") <= 2.0
    shown = host.check_output(
        "systemctl show elasticsearch -p MemoryMax -p LimitNOFILE -p NRestarts"
    )
    assert f"MemoryMax={2 << 30}" in shown
    assert "NRestarts=0" in shown


def test_no_secret_is_readable(readable: Callable[..., list[str]]) -> None:
    assert readable("elasticsearch.service") == []


def test_its_directories_are_its_own(host: Any) -> None:
    for path in ("/var/lib/elasticsearch", "/var/log/elasticsearch"):
        found = host.file(path)
        assert (found.user, found.group, found.mode) == ("elasticsearch", "elasticsearch", 0o750)
    assert host.file("/var/log/elasticsearch/gc.log").exists
    keystore = host.file("/etc/elasticsearch/elasticsearch.keystore")
    assert (keystore.user, keystore.group, keystore.mode) == ("root", "elasticsearch", 0o660)


def test_the_journal_has_its_words(host: Any) -> None:
    lines = host.check_output("journalctl -u elasticsearch --no-pager -o cat")
    assert "publish_address {127.0.0.1:9200}" in lines
    assert "unable to install syscall filter" not in lines
