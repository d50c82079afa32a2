# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prometheus is asked for everything, and each fault is seen."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.barehost.monitoring.plugins.module_utils.verify import _prometheus
from ansible_collections.barehost.monitoring.plugins.module_utils.verify._prometheus import Wanted
from ansible_collections.barehost.monitoring.tests.unit.plugins.module_utils.verify.answers import (
    Answers,
    client,
    faults,
)

WANTED = Wanted(
    unit="prometheus",
    version="3.5.3",
    jobs=["node"],
    targets={"node": ["web1:9100"]},
    rules={"alerts": ["Watchdog", "HostDown"]},
    alertmanagers=["127.0.0.1:9093"],
    files=[],
    patience=0,
)
METRICS = """prometheus_config_last_reload_successful 1
prometheus_config_last_reload_success_timestamp_seconds 1.7e9
"""


def target(health: str = "up", address: str = "web1:9100", error: str = "") -> dict[str, Any]:
    return {
        "scrapePool": "node",
        "discoveredLabels": {"__address__": address},
        "scrapeUrl": f"http://{address}/metrics",
        "health": health,
        "lastError": error,
    }


def rule(name: str, health: str = "ok", error: str = "") -> dict[str, str]:
    return {"name": name, "health": health, "lastError": error}


def data(found: Any) -> dict[str, Any]:
    return {"status": "success", "data": found}


def well() -> Answers:
    rules = [rule("Watchdog"), rule("HostDown")]
    group = {"name": "alerts", "interval": 15, "evaluationTime": 0.1, "rules": rules}
    watchdog = {"state": "firing", "labels": {"alertname": "Watchdog"}}
    skew = {"metric": {"instance": "web1:9100"}, "value": [0, "-0.5"]}
    return {
        "/metrics": METRICS,
        "/api/v1/status/config": data(
            {"yaml": "scrape_configs:\n- job_name: node\n  scheme: http\n"}
        ),
        "/api/v1/status/buildinfo": data({"version": "3.5.3+ds1"}),
        "/api/v1/targets": data({"activeTargets": [target()], "droppedTargets": []}),
        "/api/v1/rules": data({"groups": [group]}),
        "/api/v1/alerts": data({"alerts": [watchdog]}),
        "/api/v1/alertmanagers": data(
            {"activeAlertmanagers": [{"url": "http://127.0.0.1:9093/api/v2/alerts"}]}
        ),
        "/api/v1/query": data({"result": [skew]}),
    }


def test_one_that_is_well(monkeypatch: pytest.MonkeyPatch) -> None:
    verdict = _prometheus.verify(client(monkeypatch, well())[0], WANTED)
    assert faults(verdict) == []
    assert verdict.seen["targets"] == "1/1 up"
    assert verdict.seen["clock_skew"] == 0.5


def _at(answers: Answers, path: str) -> Any:
    return answers[f"/api/v1/{path}"]["data"]


CASES: list[tuple[str, Callable[[Answers], Any], tuple[str, str, bool]]] = [
    (
        "reload",
        lambda a: a.update({"/metrics": METRICS.replace("successful 1", "successful 0")}),
        ("configuration", "the last reload has failed", False),
    ),
    (
        "job",
        lambda a: _at(a, "status/config").update(yaml="- job_name: node\n- job_name: other\n"),
        ("configuration", "the job other is loaded, but not described", False),
    ),
    (
        "no-job",
        lambda a: _at(a, "status/config").update(yaml=""),
        ("configuration", "the job node is not loaded", False),
    ),
    (
        "version",
        lambda a: _at(a, "status/buildinfo").update(version="3.5.31"),
        ("version", "answers as version 3.5.31, deployed is 3.5.3", False),
    ),
    (
        "down",
        lambda a: _at(a, "targets").update(
            activeTargets=[target("down", error="connection refused")]
        ),
        ("targets", "node at http://web1:9100/metrics is down: connection refused", False),
    ),
    (
        "young",
        lambda a: _at(a, "targets").update(activeTargets=[target("unknown")]),
        ("targets", "node at http://web1:9100/metrics was not scraped yet", True),
    ),
    (
        "missing",
        lambda a: _at(a, "targets").update(activeTargets=[]),
        ("targets", "node at web1:9100 is in the inventory, but no target of Prometheus", False),
    ),
    (
        "superfluous",
        lambda a: _at(a, "targets")["activeTargets"].append(target(address="web2:9100")),
        ("targets", "node at web2:9100 is scraped, but not in the inventory", False),
    ),
    (
        "rule",
        lambda a: _at(a, "rules")["groups"][0]["rules"].append(
            rule("HostDown", "err", "many-to-many")
        ),
        ("rules", "HostDown in the group alerts is err: many-to-many", False),
    ),
    (
        "rule-missing",
        lambda a: _at(a, "rules")["groups"][0]["rules"].pop(),
        ("rules", "HostDown of the group alerts is not loaded", False),
    ),
    (
        "rule-superfluous",
        lambda a: _at(a, "rules")["groups"][0]["rules"].append(rule("Old")),
        ("rules", "Old of the group alerts is loaded, but not described", False),
    ),
    (
        "slow",
        lambda a: _at(a, "rules")["groups"][0].update(evaluationTime=20),
        ("rules", "the group alerts takes 20.0 s, longer than its 15 s", True),
    ),
    (
        "watchdog",
        lambda a: _at(a, "alerts").update(alerts=[]),
        ("alerts", "Watchdog does not fire, so no alert would", False),
    ),
    (
        "firing",
        lambda a: _at(a, "alerts")["alerts"].append(
            {"state": "firing", "labels": {"alertname": "HostDown"}}
        ),
        ("alerts", "HostDown fires", True),
    ),
    (
        "clock",
        lambda a: _at(a, "query")["result"][0].update(value=[0, "90"]),
        ("clocks", "the clock of web1:9100 is 90.0 s ahead of that of Prometheus", False),
    ),
    (
        "silent",
        lambda a: a.pop("/api/v1/query"),
        ("clocks", "http://service/api/v1/query: connection refused", False),
    ),
    (
        "no-json",
        lambda a: a.update({"/api/v1/query": "<html>"}),
        ("clocks", "http://service/api/v1/query answers with no JSON: '<html>'", False),
    ),
    (
        "refused",
        lambda a: a.update({"/api/v1/alerts": (401, "Unauthorized")}),
        ("alerts", "http://service/api/v1/alerts answers 401: Unauthorized", False),
    ),
]


@pytest.mark.parametrize(("change", "found"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_each_fault_is_seen_and_hides_no_other(
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[Answers], Any],
    found: tuple[str, str, bool],
) -> None:
    answers = copy.deepcopy(well())
    change(answers)
    assert faults(_prometheus.verify(client(monkeypatch, answers)[0], WANTED)) == [found]


def test_no_alertmanager_is_told_twice_over(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = well()
    answers["/api/v1/alertmanagers"] = data({"activeAlertmanagers": []})
    assert faults(_prometheus.verify(client(monkeypatch, answers)[0], WANTED)) == [
        ("alertmanagers", "does not know the Alertmanager at 127.0.0.1:9093", False),
        ("alertmanagers", "knows no Alertmanager: its alerts reach nobody", False),
    ]


def test_a_target_that_relabelling_drops_is_not_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = well()
    _at(answers, "targets").update(activeTargets=[], droppedTargets=[target()])
    assert faults(_prometheus.verify(client(monkeypatch, answers)[0], WANTED)) == []


def test_a_file_that_was_not_loaded(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    late = tmp_path / "rules.yml"
    late.write_text("groups: []")
    wanted = Wanted(**{**vars(WANTED), "files": [str(late), str(tmp_path / "missing.yml")]})
    assert faults(_prometheus.verify(client(monkeypatch, well())[0], wanted)) == [
        ("configuration", f"{late} was written after the last reload", False)
    ]


def test_an_agent_is_asked_for_what_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = Wanted(**{**vars(WANTED), "agent": True, "rules": {}})
    asking, service = client(monkeypatch, well())
    assert faults(_prometheus.verify(asking, wanted)) == []
    assert not any("rules" in url or "query" in url for url, _body in service.asked)
