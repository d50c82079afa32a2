# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""elasticsearch_exporter beside a real Elasticsearch: what it tells, and as whom it asks."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

ELASTICSEARCH = "http://127.0.0.1:9200"
URL = "http://127.0.0.1:9114"
METRICS = f"{URL}/metrics"
CHECKOUT = Path(__file__).parents[3]
VARS = yaml.safe_load((Path(__file__).parents[1] / "converge.yml").read_text())[0]["vars"]
PASSWORDS = VARS["elk_passwords"]
WATCHER = f"barehost_exporter:{PASSWORDS['exporter']}"
ALERTS = CHECKOUT / "roles/prometheus/defaults/main/alerts_elasticsearch.yml"


@pytest.fixture(scope="module")
def secured(host: Any) -> bool:
    """Whether this is the host with passwords."""
    return "trixie" in host.check_output("hostname")


@pytest.fixture(scope="module")
def writer(secured: bool) -> str:
    return f"barehost_logstash:{PASSWORDS['logstash']}" if secured else ""


@pytest.fixture(scope="module")
def watcher(secured: bool) -> str:
    return WATCHER if secured else ""


def pid(host: Any) -> str:
    """Return the number of the exporter's process."""
    return str(host.check_output("systemctl show -P MainPID elasticsearch_exporter"))


def nodes(host: Any) -> str:
    """Return the series that counts the nodes of the cluster, which bears the host's name."""
    name = host.check_output("hostname")
    return f'elasticsearch_cluster_health_number_of_nodes{{cluster="{name}"}}'


def taken(ask: Any, dataset: str) -> int:
    """Count what the indices of a data set have taken."""
    name = (
        r'elasticsearch_index_stats_indexing_index_total\{cluster="[^"]+",index="[.]ds-logs-%s-.*'
    )
    found = ask.metrics(METRICS)
    series = [one for one in found if re.fullmatch(name % re.escape(dataset), one)]
    return int(sum(found[one] for one in series))


def test_elasticsearch_answers(ask: Any, host: Any) -> None:
    metrics, name = ask.metrics(METRICS), host.check_output("hostname")
    assert metrics[f'elasticsearch_clusterinfo_up{{url="{ELASTICSEARCH}"}}'] == 1
    color = f'elasticsearch_cluster_health_status{{cluster="{name}",color="green"}}'
    assert metrics[color] == 1
    assert metrics[nodes(host)] == 1
    assert metrics['elasticsearch_scrape_success{collector="cluster-info"}'] == 1


def test_each_error_is_counted_once(host: Any, ask: Any, eventually: Any) -> None:
    """Levels as loggers write them, a line that comes twice, and one that is no error."""
    run = time.time_ns()
    levels = ["ERROR", "critical", "Fatal", "error", "info", "warning", "errors"]
    lines = [
        {"message": f"{run} {number}", "level": level, "event_id": f"{run}-{number}"}
        for number, level in enumerate(levels)
    ]
    errors, others = taken(ask, "molecule.errors"), taken(ask, "molecule")
    text = "".join(f"{json.dumps(line)}\n" for line in [*lines, lines[0], lines[4]])
    host.check_output("mkdir -p /var/log/molecule")
    host.check_output("printf %%s %s >> /var/log/molecule/%s.log", text, str(run))
    wanted = (errors + 4, others + 3)
    assert eventually(lambda: (taken(ask, "molecule.errors"), taken(ask, "molecule")) == wanted, 60)
    time.sleep(3)
    assert (taken(ask, "molecule.errors"), taken(ask, "molecule")) == wanted


def test_an_error_is_found_by_the_data_set_that_it_is_in(
    host: Any, ask: Any, secured: bool, eventually: Any
) -> None:
    elastic = host.check_output("cat /etc/elasticsearch/secrets/elastic_password")
    login = f"elastic:{elastic}" if secured else ""
    search = f"{ELASTICSEARCH}/logs-molecule.errors-default/_search?size=1000"
    assert eventually(lambda: len(ask.json(search, user=login)["hits"]["hits"]) >= 4)
    for hit in ask.json(search, user=login)["hits"]["hits"]:
        assert hit["_source"]["data_stream"]["dataset"] == "molecule.errors"
        assert hit["_source"]["log"]["level"] in ("error", "critical", "fatal")


def test_a_refused_line_is_counted(ask: Any, writer: str, eventually: Any) -> None:
    """As the pipeline of what was refused writes it."""
    before = taken(ask, "dead_letters")
    line = {"@timestamp": "2026-11-26T10:11:12Z", "message": "refused by Elasticsearch"}
    url = f"{ELASTICSEARCH}/logs-dead_letters-default/_doc"
    assert ask.answer(url, body=line, user=writer)[0] == 201
    assert eventually(lambda: taken(ask, "dead_letters") == before + 1)


def test_it_has_what_the_alerts_ask_for(ask: Any) -> None:
    """What is about indices is there since they are, thanks to the lines above."""
    data = yaml.safe_load(ALERTS.read_text())
    rules = [
        *data["prometheus_alerts_elasticsearch"].values(),
        *data["prometheus_recording_rules_elasticsearch"],
    ]
    asked = {one for rule in rules for one in re.findall(r"elasticsearch_\w+(?=\{)", rule["expr"])}
    there = {series.partition("{")[0] for series in ask.metrics(METRICS)}
    assert len(asked) >= 9
    assert asked - there == set()


def test_the_watcher_reads_statistics_and_nothing_else(ask: Any, secured: bool) -> None:
    if not secured:
        pytest.skip("without security there are no users")
    for path in ("", "_cluster/health", "_nodes/_local/stats", "_all/_stats", "_cat/shards"):
        assert ask.answer(f"{ELASTICSEARCH}/{path}", user=WATCHER)[0] == 200, path
    line = {"@timestamp": "2026-01-01T00:00:00Z", "message": "x"}
    stream = f"{ELASTICSEARCH}/logs-molecule-default"
    assert ask.answer(f"{stream}/_search", user=WATCHER)[0] == 403
    assert ask.answer(f"{stream}/_doc", body=line, user=WATCHER)[0] == 403
    assert ask.answer(f"{ELASTICSEARCH}/_security/user", user=WATCHER)[0] == 403
    template = {"index_patterns": ["logs-*"]}
    url = f"{ELASTICSEARCH}/_index_template/mine"
    assert ask.answer(url, body=template, user=WATCHER)[0] == 403
    assert ask.answer(f"{ELASTICSEARCH}/_cluster/reroute", body={}, user=WATCHER)[0] == 403


def test_the_password_is_found_nowhere(readable: Any) -> None:
    assert readable("elasticsearch_exporter") == []


def test_the_search_for_the_password_finds_what_is_there(readable: Any, secured: bool) -> None:
    found = readable("elasticsearch_exporter", "^@/run/credentials|^--es.uri=|BAREHOST_STATE=")
    given = "@/run/credentials/elasticsearch_exporter.service/arguments"
    assert (given in found) is secured
    assert (f"--es.uri={ELASTICSEARCH}" in found) is not secured
    assert any(line.startswith("BAREHOST_STATE=") for line in found)


def test_its_own_page_of_the_command_line_shows_no_password(ask: Any) -> None:
    status, text = ask.answer(f"{URL}/debug/pprof/cmdline")
    assert status == 404 or "planted" not in text


def test_an_elasticsearch_that_is_down_is_told(host: Any, ask: Any, eventually: Any) -> None:
    before, known = pid(host), nodes(host)
    host.check_output("systemctl stop elasticsearch")
    try:
        assert known not in ask.metrics(METRICS)
        assert ask.metrics(METRICS)['elasticsearch_scrape_success{collector="cluster-info"}'] == 0
        assert ask.text(f"{URL}/healthz").strip() == "OK"
    finally:
        host.check_output("systemctl start elasticsearch")
    assert eventually(lambda: ask.metrics(METRICS).get(known) == 1, 120)
    assert pid(host) == before
    assert "planted" not in host.check_output("journalctl -u elasticsearch_exporter --no-pager")


def test_another_password_is_told_and_not_shown(host: Any, ask: Any, secured: bool) -> None:
    """Elasticsearch reads its users again within five seconds."""
    if not secured:
        pytest.skip("without security there are no users")
    known = nodes(host)
    host.check_output("cp -a /etc/elasticsearch/users /root/users")
    host.check_output("sed -i /^barehost_exporter:/d /etc/elasticsearch/users")
    try:
        time.sleep(8)
        assert known not in ask.metrics(METRICS)
    finally:
        host.check_output("cp -a /root/users /etc/elasticsearch/users; rm /root/users")
    time.sleep(8)
    assert ask.metrics(METRICS)[known] == 1
    assert "planted" not in host.check_output("journalctl -u elasticsearch_exporter --no-pager")


def test_it_runs_unprivileged(host: Any) -> None:
    status = host.file(f"/proc/{pid(host)}/status").content_string
    assert re.search(r"^CapEff:\s+0+$", status, re.MULTILINE)
    assert host.file(f"/proc/{pid(host)}").user == "elasticsearch_exporter"


def test_the_unit_is_sealed(exposure: Any) -> None:
    assert exposure("elasticsearch_exporter") <= 1.1
