# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shipped alerts on real promtools: they fire, stay silent, wait, and say what they should."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.barehost.monitoring.plugins.plugin_utils._alerts import alert_rules
from ansible_collections.barehost.monitoring.plugins.plugin_utils._promql_checks import analyse

from alerts import pages
from alerts.documents import document
from alerts.shipped import cases

ROLES = Path(__file__).parents[3] / "roles"

DOCUMENTED = {
    "HighErrorRate": "critical",
    "HighResponseTime": "warning",
    "HighMemoryUsage": "warning",
    "DiskSpaceLow": "critical",
    "ToolExecutionFailure": "warning",
}


def test_the_alert_does_what_its_tests_say(
    alert: str, version: str, rules: dict[str, Any], try_rules: Any
) -> None:
    done = try_rules(version, alert, rules)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_alert_is_seen_firing_and_silent(alert: str, rules: dict[str, Any]) -> None:
    tests = document(alert, rules)["tests"]
    looks = [look["exp_alerts"] for test in tests for look in test.get("alert_rule_test", [])]
    assert any(looks), "no test sees it fire"
    assert alert == "Watchdog" or not all(looks), "no test sees it silent"


def test_no_test_is_left_without_its_alert(shipped: dict[str, Any]) -> None:
    assert set(cases()) <= set(shipped["prometheus_alerts"])


def test_promtool_finds_nothing_to_say(
    version: str, rules: dict[str, Any], promtool: Any, tmp_path: Path
) -> None:
    (tmp_path / "rules.yml").write_text(yaml.safe_dump(rules), encoding="utf-8")
    done = promtool(version, "check", "rules", "--lint=all", "--lint-fatal", tmp_path / "rules.yml")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", DOCUMENTED)
def test_a_documented_alert_keeps_its_name_and_severity(name: str, rules: dict[str, Any]) -> None:
    found = [
        rule for group in rules["groups"] for rule in group["rules"] if rule.get("alert") == name
    ]
    assert DOCUMENTED[name] in {rule["labels"]["severity"] for rule in found}


def test_every_alert_has_a_runbook(alert: str, shipped: dict[str, Any]) -> None:
    assert shipped["prometheus_alerts"][alert]["runbook"]


def test_the_address_on_every_alert_leads_to_a_page_of_this_project(rules: dict[str, Any]) -> None:
    repository = yaml.safe_load((ROLES.parent / "galaxy.yml").read_text("utf-8"))["repository"]
    alerts = [rule for group in rules["groups"] for rule in group["rules"] if "alert" in rule]
    for rule in alerts:
        address = rule["annotations"]["runbook_url"]
        assert address.startswith(f"{repository}/blob/main/docs/")
        assert (ROLES.parent / address.removeprefix(f"{repository}/blob/main/")).is_file()


def test_the_pages_are_those_of_the_alerts_and_fresh() -> None:
    wanted = pages.runbook_pages()
    found = {path: path.read_text("utf-8") for path in pages.RUNBOOKS.iterdir()}
    assert found.keys() == wanted.keys(), "run `make docs`"
    assert found == wanted, "run `make docs`"


def test_a_step_of_severity_holds_back_only_the_same_thing(rules: dict[str, Any]) -> None:
    """An identifying label that `equal` lacks would let one disk or tool silence all others."""
    defaults = yaml.safe_load((ROLES / "alertmanager/defaults/main/main.yml").read_text("utf-8"))
    equal = set(defaults["alertmanager_inhibit_rules"][0]["equal"])
    shapes = {
        rule["alert"]: analyse(rule["expr"]).shape
        for group in rules["groups"]
        for rule in group["rules"]
        if "alert" in rule
    }
    assert any(shape.labels for shape in shapes.values())
    missing = {name: set(shape.labels) - equal for name, shape in shapes.items() if not shape.open}
    assert not any(missing.values()), missing


def test_alerts_of_jobs_that_are_not_scraped_are_left_out(shipped: dict[str, Any]) -> None:
    found = alert_rules(
        shipped["prometheus_alerts"],
        defaults=shipped["prometheus_alert_defaults"],
        known_jobs=["node-exporter"],
    )
    rules = [rule for group in found["groups"] for rule in group["rules"]]
    names = {rule["alert"] for rule in rules if "alert" in rule}
    jobs = {shipped["prometheus_alerts"][name].get("job") for name in names}
    assert jobs == {"node-exporter", None}
    assert {"HighMemoryUsage", "TargetDown", "JobAbsent"} <= names


@pytest.mark.parametrize("up", [0, 1])
def test_an_objective_without_a_job_is_missed_whatever_is_up(
    version: str, up: int, shipped: dict[str, Any], promtool: Any, tmp_path: Path
) -> None:
    entry = shipped["prometheus_alerts"]["ErrorBudgetUnknown"]
    slo = {"objective": 99, "total": "a", "errors": "b"}
    rules = alert_rules({"ErrorBudgetUnknown": entry}, slos={"S": slo})
    (tmp_path / "rules.yml").write_text(yaml.safe_dump(rules), encoding="utf-8")
    test = {
        "interval": "1m",
        "input_series": [{"series": 'up{job="x"}', "values": f"{up}x30"}],
        "promql_expr_test": [
            {
                "expr": 'count(ALERTS{alertstate="firing",slo="S"})',
                "eval_time": "20m",
                "exp_samples": [{"labels": "{}", "value": 1}],
            }
        ],
    }
    text = yaml.safe_dump({"rule_files": ["rules.yml"], "tests": [test]})
    (tmp_path / "tests.yml").write_text(text, encoding="utf-8")
    done = promtool(version, "test", "rules", tmp_path / "tests.yml")
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_override_reaches_rule_and_text(shipped: dict[str, Any]) -> None:
    found = alert_rules(
        shipped["prometheus_alerts"],
        defaults=shipped["prometheus_alert_defaults"],
        overrides={"HighMemoryUsage": {"threshold": 0.95, "for": "30m"}},
        known_jobs=["node-exporter"],
    )
    recorded, rule = found["groups"][0]["rules"][:2]
    assert (recorded["record"], recorded["expr"]) == ("alert:threshold", "vector(0.95)")
    assert (rule["for"], rule["expr"][-6:]) == ("30m", "> 0.95")
    assert rule["annotations"]["description"].endswith("more than 95%")
