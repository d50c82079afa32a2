# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The seam between Ansible and the cores: what arrives, what leaves, and only one kind of error."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from ansible.errors import AnsibleTemplatePluginError
from ansible_collections.barehost.monitoring.plugins.filter import (
    alert_rule_tests,
    alert_rules,
    alert_runbooks,
    alert_thresholds,
    file_references,
    scrape_targets,
    slo_rule_tests,
)

ALERT = {"expr": "up == 0", "for": "5m", "summary": "x"}
RULES = alert_rules.alert_rules({"A": ALERT})
FILTERS: dict[str, Callable[..., Any]] = {
    "alert_rules": alert_rules.alert_rules,
    "overrides": lambda junk: alert_rules.alert_rules({"A": ALERT}, overrides={"A": junk}),
    "extra": lambda junk: alert_rules.alert_rules({"A": ALERT}, extra=junk),
    "entry": lambda junk: alert_rules.alert_rules({"A": ALERT | _dictionary(junk)}),
    "defaults": lambda junk: alert_rules.alert_rules({"A": ALERT}, defaults=junk),
    "recording": lambda junk: alert_rules.alert_rules({"A": ALERT}, recording_rules=junk),
    "record": lambda junk: alert_rules.alert_rules({}, recording_rules=[{"record": junk}]),
    "groups": lambda junk: alert_rules.alert_rules({"A": ALERT}, groups=junk),
    "rules": lambda junk: alert_rules.alert_rules([{"name": "g", "rules": [junk]}]),
    "rule": lambda junk: alert_rules.alert_rules(
        [{"name": "g", "rules": [{"alert": "A", "expr": "up == 0"} | _dictionary(junk)]}]
    ),
    "expr": lambda junk: alert_rules.alert_rules({"A": ALERT | {"expr": junk}}),
    "version": lambda junk: alert_rules.alert_rules({"A": ALERT}, target_version=junk),
    "jobs": lambda junk: alert_rules.alert_rules({"A": ALERT}, known_jobs=junk),
    "others": lambda junk: alert_rules.alert_rules({"A": ALERT}, other_jobs=junk),
    "declared": lambda junk: alert_rules.alert_rules({"A": ALERT}, declared_jobs=junk),
    "intervals": lambda junk: alert_rules.alert_rules({"A": ALERT}, scrape_intervals=junk),
    "slos": lambda junk: alert_rules.alert_rules({"A": ALERT}, slos=junk),
    "slo": lambda junk: alert_rules.alert_rules(
        {"A": ALERT}, slos={"S": {"objective": 99, "total": "a", "errors": "b"} | _dictionary(junk)}
    ),
    "thresholds": lambda junk: alert_rules.alert_rules({"A": ALERT}, thresholds=junk),
    "threshold": lambda junk: alert_rules.alert_rules({"A": ALERT}, thresholds={"a": {"A": junk}}),
    "tests": lambda junk: alert_rule_tests.alert_rule_tests(RULES, junk),
    "test": lambda junk: alert_rule_tests.alert_rule_tests(RULES, {"A": [junk]}),
    "tested": lambda junk: alert_rule_tests.alert_rule_tests(junk, {"A": []}),
    "short test": lambda junk: alert_rule_tests.alert_rule_tests(
        RULES, {"A": [{"series": {"up": 0}, "fires": {"labels": {}}} | _dictionary(junk)]}
    ),
    "runbook": lambda junk: alert_runbooks.alert_runbooks(junk, {}),
    "entries": lambda junk: alert_runbooks.alert_runbooks(RULES, junk),
    "page": lambda junk: alert_runbooks.alert_runbooks(RULES, {"A": junk}),
    "slo rules": lambda junk: slo_rule_tests.slo_rule_tests(junk, {}),
    "slo test": lambda junk: slo_rule_tests.slo_rule_tests(RULES, {"S": junk}),
    "slo groups": lambda junk: slo_rule_tests.slo_rule_tests({"groups": [junk]}, {}),
    "slo interval": lambda junk: slo_rule_tests.slo_rule_tests(RULES, {}, evaluation_interval=junk),
    "slo jobs": lambda junk: slo_rule_tests.slo_rule_tests(RULES, {}, known_jobs=junk),
    "targets": lambda junk: alert_thresholds.alert_thresholds(junk, {"a": {}}),
    "variables": lambda junk: alert_thresholds.alert_thresholds({}, junk),
    "hosts": lambda junk: scrape_targets.scrape_targets(junk, {"a": {}}, port=1),
    "hostvars": lambda junk: scrape_targets.scrape_targets(["a"], junk, port=1),
    "host": lambda junk: scrape_targets.scrape_targets(["a"], {"a": junk}, port=1),
    "port": lambda junk: scrape_targets.scrape_targets(["a"], {"a": {}}, port=junk),
    "labels": lambda junk: scrape_targets.scrape_targets(["a"], {"a": {}}, port=1, labels=junk),
    "scraper": lambda junk: scrape_targets.scrape_targets(["a"], {"a": {}}, port=1, scraper=junk),
    "files": file_references.file_references,
    "ignore": lambda junk: file_references.file_references({}, ignore=junk),
}
WORDS = [
    *["expr", "for", "labels", "threshold", "op", "severity", "summary", "guard", "job", "groups"],
    *["name", "rules", "alert", "record", "annotations", "interval", "at", "series", "each_job"],
    *["ansible_host", "barehost_labels", "group", "per", "unit", "always", "ca_file", "A", "up"],
]
SCRAPS = [
    *["up == 0", "rate(x[5m]) > 1", "sum by (a) (x", "x{a='b", "((((", "[5m]", "by (", "\x00", "ä"],
    *["5m", "5 m", "<value>", "<a:b>", "{{ $x", "}}", "{{ . | x }}", "{{ $a := 1 }}{{ $a }}", ""],
]


def _dictionary(junk: Any) -> dict[Any, Any]:
    return junk if isinstance(junk, dict) else {"expr": junk}


def junk(chance: random.Random, depth: int = 0) -> Any:
    """Make nested nonsense, some of it nearly right."""
    kind = chance.randrange(9 if depth < 4 else 6)
    if kind < 3:
        return chance.choice(WORDS + SCRAPS)
    if kind == 3:
        return "".join(chance.choice("abx01 {}[]()<>=!~\"'\\,.$|/-#\n") for _turn in range(12))
    if kind == 4:
        return chance.choice([0, -1, 10**400, 0.1, float("nan"), float("-inf"), True, None, b"x"])
    if kind == 5:
        return chance.choice([date(2024, 1, 1), {1, 2}, object(), 1j, range(2), (1,), Ellipsis])
    if kind == 6:
        return [junk(chance, depth + 1) for _turn in range(chance.randrange(4))]
    keys = [
        chance.choice([*WORDS, *SCRAPS, 1, None, True, 0.5]) for _turn in range(chance.randrange(5))
    ]
    return {key: junk(chance, depth + 1) for key in keys}


@pytest.mark.parametrize("name", FILTERS)
def test_whatever_comes_in_only_one_kind_of_error_goes_out(name: str) -> None:
    chance = random.Random(name)
    for _turn in range(1000):
        given = junk(chance)
        try:
            FILTERS[name](given)
        except AnsibleTemplatePluginError as error:
            assert "Traceback" not in str(error)
        except Exception as error:
            pytest.fail(f"{type(error).__name__}: {error} from {given!r}")


def test_a_role_that_asks_several_times_pays_once(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"Once": ALERT}
    first = alert_rules.alert_rules(given, known_jobs=["a"])
    first["groups"].clear()
    monkeypatch.setattr(alert_rules.core, "entries", None)
    assert alert_rules.alert_rules(given, known_jobs=["a"])["groups"]


def test_an_endless_input_is_refused() -> None:
    given: dict[str, Any] = {}
    given["A"] = given
    with pytest.raises(AnsibleTemplatePluginError, match="levels deep"):
        alert_rules.alert_rules(given)


def test_an_unknown_option_is_refused_by_name() -> None:
    with pytest.raises(
        AnsibleTemplatePluginError, match=r"unknown option 'overide' \(options: decl"
    ):
        alert_rules.alert_rules({}, overide={})


def test_each_file_offers_its_filter() -> None:
    for module in (alert_rules, alert_rule_tests, scrape_targets, file_references):
        name = module.__name__.rsplit(".", 1)[1]
        assert list(module.FilterModule().filters()) == [name]


def test_hostvars_must_be_a_mapping() -> None:
    with pytest.raises(AnsibleTemplatePluginError, match="needs hostvars, got list"):
        scrape_targets.scrape_targets(["a"], [], port=1)
