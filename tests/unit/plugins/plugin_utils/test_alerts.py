# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the way from alert data to a rule file."""

from __future__ import annotations

import time
from typing import Any

import pytest
from ansible_collections.barehost.monitoring.plugins.plugin_utils._alerts import alert_rules
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import InputError

UP: dict[str, Any] = {"expr": "up == 0", "summary": "x"}
RATIO: dict[str, Any] = {"expr": "a / b", "threshold": 0.9, "summary": "x"}


def rules(entry: Any, **options: Any) -> list[dict[str, Any]]:
    """Make the alerts of one entry."""
    groups = alert_rules({"A": entry}, **options)["groups"]
    return [rule for group in groups for rule in group["rules"] if "alert" in rule]


def fault_of(*given: Any, **options: Any) -> str:
    """Give the text with which the input is refused."""
    with pytest.raises(InputError) as caught:
        alert_rules(*given, **options)
    return str(caught.value)


def test_an_entry_becomes_a_rule_in_prometheus_order() -> None:
    found = rules(
        {
            "expr": "1 - node_memory_MemAvailable_bytes\n  / node_memory_MemTotal_bytes",
            "threshold": 0.9,
            "op": ">=",
            "for": "15m",
            "keep_firing_for": "5m",
            "severity": "critical",
            "labels": {"team": "ops"},
            "summary": "Memory of <instance>",
            "description": "<value:percent> is over <threshold:percent> for <for> (<severity>)",
            "annotations": {"dashboard": "https://g.example.com/d/x?host=<host>"},
            "runbook_url": "https://r.example.com/<alertname>",
        }
    )
    expected = {
        "alert": "A",
        "expr": "1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes >= 0.9",
        "for": "15m",
        "keep_firing_for": "5m",
        "labels": {"severity": "critical", "team": "ops"},
        "annotations": {
            "summary": "Memory of {{ $labels.instance }}",
            "description": "{{ $value | humanizePercentage }} is over 90% for 15m (critical)",
            "runbook_url": "https://r.example.com/A",
            "dashboard": "https://g.example.com/d/x?host={{ $labels.host }}",
        },
    }
    assert found == [expected]
    assert list(found[0]) == list(expected)


def test_a_ladder_becomes_rules_from_mild_to_severe() -> None:
    entry = RATIO | {
        "threshold": {"critical": 0.9, "warning": 0.1 + 0.2},
        "for": {"warning": "1h", "critical": "5m"},
    }
    found = [(r["expr"], r["for"], r["labels"]["severity"]) for r in rules(entry)]
    assert found == [("a / b > 0.3", "1h", "warning"), ("a / b > 0.9", "5m", "critical")]


@pytest.mark.parametrize(
    ("expr", "guard", "done"),
    [
        ("a and b", "", "(a and b) > 0.9"),
        ("(a and b)", "", "(a and b) > 0.9"),
        ("a > bool b", "", None),
        ("a + b", "c > 1", "(a + b > 0.9) and (c > 1)"),
    ],
)
def test_threshold_and_guard_are_put_behind_the_expression(
    expr: str, guard: str, done: str | None
) -> None:
    entry = RATIO | {"expr": expr} | ({"guard": guard} if guard else {})
    if done is None:
        assert "ends in a comparison already" in fault_of({"A": entry})
    else:
        assert rules(entry)[0]["expr"] == done


def test_a_job_that_is_not_scraped_leaves_its_alert_out() -> None:
    entry = {"expr": 'x{job="<job>"} > 1', "job": "redis", "summary": "x"}
    assert rules(entry, known_jobs=["node"]) == []
    assert rules(entry, known_jobs=["redis"])[0]["expr"] == 'x{job="redis"} > 1'
    assert rules(entry)[0]["expr"] == 'x{job="redis"} > 1'


def test_each_job_has_its_rule_which_carries_its_name() -> None:
    entry = {"expr": 'absent(up{job="<job>"})', "each_job": True, "summary": "<job> is gone"}
    found = rules(entry, known_jobs=["b", "a", "b"])
    assert [rule["expr"] for rule in found] == ['absent(up{job="b"})', 'absent(up{job="a"})']
    assert found[0]["labels"] == {"severity": "warning", "job": "b"}
    assert found[0]["annotations"] == {"summary": "{{ $labels.job }} is gone"}


def test_the_window_stands_in_the_expression_the_guard_and_the_texts() -> None:
    entry = {
        "expr": "rate(x[<window>]) / rate(y[<window>])",
        "guard": "rate(y[<window>]) > 1",
        "threshold": 0.5,
        "window": "10m",
        "for": "1h",
        "summary": "within <window>, that is <window:words>, for <for:words>",
    }
    (rule,) = rules(entry, overrides={"A": {"window": "1h30m"}})
    quotient = "rate(x[1h30m]) / rate(y[1h30m])"
    assert rule["expr"] == f"({quotient} > 0.5) and (rate(y[1h30m]) > 1)"
    told = rule["annotations"]["summary"]
    assert told == "within 1h30m, that is 1 hour 30 minutes, for 1 hour"


def test_a_selector_is_shared_by_expressions() -> None:
    options = {"defaults": {"selectors": {"disks": 'device=~"sd.*"', "more": 'a="b"'}}}
    entry = UP | {"expr": "x{<disks>,<more>} > 1", "guard": 'y{job="z",<disks>} > 2'}
    (rule,) = rules(entry, **options)
    disks = 'device=~"sd.*"'
    assert rule["expr"] == f'(x{{{disks},a="b"}} > 1) and (y{{job="z",{disks}}} > 2)'


def test_a_comparison_without_blanks_is_no_placeholder() -> None:
    assert rules(UP | {"expr": "a<b>c"})[0]["expr"] == "a<b>c"


@pytest.mark.parametrize(
    ("job", "options", "made"),
    [
        ("backup", {"known_jobs": ["node"], "other_jobs": ["backup"]}, True),
        ("backup", {"known_jobs": ["node"], "declared_jobs": ["node", "backup"]}, False),
        ("nod", {"known_jobs": ["node"], "declared_jobs": ["node", "nod"]}, False),
        ("backup", {"known_jobs": ["node"]}, False),
        ("backup", {"known_jobs": ["node"], "declared_jobs": ["node"]}, False),
        ("node", {"known_jobs": ["node"], "declared_jobs": []}, True),
        ("backup", {"declared_jobs": [], "other_jobs": ["backup"]}, True),
    ],
)
def test_a_rule_is_made_where_its_job_has_series(
    job: str, options: dict[str, Any], made: bool
) -> None:
    entry = {"expr": 'x{job="<job>"} > 1', "job": job, "summary": "x"}
    assert bool(rules(entry, **options)) is made


def test_another_job_is_known_in_expressions_and_left_out_of_each_job() -> None:
    options = {"known_jobs": ["node"], "other_jobs": ["backup"]}
    assert rules(UP | {"expr": 'x{job="backup"} > 1'}, **options)
    entry = {"expr": 'absent(up{job="<job>"})', "each_job": True, "summary": "x"}
    assert [rule["labels"]["job"] for rule in rules(entry, **options)] == ["node"]


def test_a_range_is_held_against_the_scrape_interval_of_its_job() -> None:
    entry = UP | {"expr": 'rate(x{job="fast"}[20s]) > 1'}
    assert rules(entry, scrape_intervals={"fast": "5s"})


def test_a_switched_off_alert_is_left_out_but_checked() -> None:
    assert rules(UP | {"enabled": False}) == []
    assert "unknown key" in fault_of({"A": UP | {"enabled": False, "sumary": "x"}})


def test_overrides_change_single_keys_and_merge_labels() -> None:
    entry = RATIO | {"labels": {"a": "1", "b": "2"}}
    override = {"A": {"threshold": 0.5, "labels": {"b": "3"}}}
    (found,) = rules(entry, overrides=override)
    assert found["expr"] == "a / b > 0.5"
    assert found["labels"] == {"severity": "warning", "a": "1", "b": "3"}
    assert entry["labels"] == {"a": "1", "b": "2"}, "the input was changed"


@pytest.mark.parametrize(
    ("entry", "change", "wanted"),
    [
        (
            {"severity": "info"},
            {"threshold": {"warning": 1, "critical": 2}},
            ["warning", "critical"],
        ),
        (
            {"threshold": {"warning": 1, "critical": 2}},
            {"threshold": 1, "severity": "critical"},
            ["critical"],
        ),
        (
            {"threshold": {"warning": 1, "critical": 2}},
            {"threshold": {"critical": 3}},
            ["warning", "critical"],
        ),
        (
            {"threshold": {"warning": 1, "critical": 2}},
            {"threshold": {"warning": None}},
            ["critical"],
        ),
        ({"severity": "info"}, {"severity": None}, ["warning"]),
        ({"guard": "c > 1"}, {"guard": None}, "a / b > 0.9"),
        ({}, {"guard": None}, "a / b > 0.9"),
        ({"for": "5m"}, {"for": None}, None),
        (
            {"labels": {"a": "1", "b": "2"}},
            {"labels": {"a": None}},
            {"severity": "warning", "b": "2"},
        ),
        ({"labels": {"a": "1"}}, {"labels": None}, {"severity": "warning"}),
    ],
)
def test_an_override_takes_away_what_it_sets_to_null(
    entry: dict[str, Any], change: dict[str, Any], wanted: Any
) -> None:
    found = rules(RATIO | entry, overrides={"A": change})
    seen = [
        [rule["labels"]["severity"] for rule in found],
        found[0]["expr"],
        found[0].get("for"),
        found[0]["labels"],
    ]
    assert wanted in seen


ONE_MISTAKE: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"overrides": {"A": {"window": 10}}}, {}),
    ({"overrides": {"A": {"threshold": "90%"}}}, {}),
    ({}, {"severty": "info"}),
    ({}, {"selectors": {"disks": "{a='b'}"}}),
]


@pytest.mark.parametrize(("options", "defaults"), ONE_MISTAKE, ids=lambda value: str(value)[:40])
def test_one_mistake_is_told_once(options: dict[str, Any], defaults: dict[str, Any]) -> None:
    """What depends on a wrong value is not wrong as well."""
    entry = UP | {"expr": "rate(x{<disks>}[<window>])", "threshold": 1, "window": "5m"}
    entry["description"] = "more than <threshold:percent> in <window:words>"
    text = fault_of(
        {"A": entry}, **options, defaults={"selectors": {"disks": 'device=~"sd.*"'}, **defaults}
    )
    assert len(text.splitlines()) == 1, text


def test_defaults_fill_what_entries_leave_out() -> None:
    defaults = {
        "group": "node",
        "severity": "info",
        "for": "5m",
        "keep_firing_for": "1m",
        "labels": {"team": "ops"},
        "annotations": {"note": "n"},
        "runbook_url": "https://r.example.com/<alertname>.html",
        "groups": {"node": {"interval": "30s", "limit": 10}},
    }
    (group,) = alert_rules({"A": UP}, defaults=defaults)["groups"]
    assert {key: group[key] for key in ("name", "interval", "limit")} == {
        "name": "node",
        "interval": "30s",
        "limit": 10,
    }
    rule = group["rules"][0]
    assert (rule["for"], rule["keep_firing_for"]) == ("5m", "1m")
    assert rule["labels"] == {"severity": "info", "team": "ops"}
    assert rule["annotations"]["runbook_url"] == "https://r.example.com/A.html"


def test_groups_stand_in_the_order_of_the_data_with_recordings_first() -> None:
    found = alert_rules(
        {"A": UP | {"group": "z"}, "B": UP | {"group": "a"}, "C": UP | {"group": "z"}},
        recording_rules=[{"record": "job:x:rate5m", "expr": "rate(x[5m])", "group": "a"}],
        groups=[{"name": "raw", "rules": [{"record": "y", "expr": "sum(\n  x)"}]}],
    )
    names = [
        (group["name"], [rule.get("alert") or rule["record"] for rule in group["rules"]])
        for group in found["groups"]
    ]
    assert names == [("a", ["job:x:rate5m", "B"]), ("z", ["A", "C"]), ("raw", ["y"])]
    assert found["groups"][2]["rules"][0]["expr"] == "sum( x)"


RAW: dict[str, Any] = {
    "name": "g",
    "interval": "1m",
    "rules": [
        {
            "alert": "A",
            "expr": "up == 0",
            "for": "5m",
            "labels": {"severity": "warning"},
            "annotations": {"summary": "{{ $labels.instance }} is down"},
        },
        {"alert": "Watchdog", "expr": "vector(1)", "labels": {"severity": "none"}},
        {"record": "a:b", "expr": "sum(x)"},
    ],
}


@pytest.mark.parametrize("given", [{"groups": [RAW]}, [RAW]])
def test_groups_in_prometheus_own_form_pass_as_they_are(given: Any) -> None:
    assert alert_rules(given) == {"groups": [RAW]}


def test_the_result_is_the_same_each_time_and_made_anew() -> None:
    given = {"A": UP | {"labels": {"a": "1"}}, "B": RATIO}
    first, second = alert_rules(given), alert_rules(given)
    assert repr(first) == repr(second)
    first["groups"][0]["rules"][0]["labels"]["a"] = "2"
    assert given["A"]["labels"] == {"a": "1"}


E_ = "alerts.A.expr: "
ENTRY_FAULTS: list[tuple[dict[str, Any], str]] = [
    ({"for": "5 m"}, 'alerts.A.for: "5 m" is not a Prometheus duration (examples: 5m, 1h30m)'),
    ({"for": None}, "alerts.A.for: is null; leave the key out or give a duration"),
    ({"for": 5}, "alerts.A.for: 5 is not a Prometheus duration (examples: 5m, 1h30m)"),
    ({"for": "5s"}, 'alerts.A.for: "5s" is shorter than the evaluation interval 15s'),
    ({"for": {"page": "5m"}}, 'alerts.A.for: "page" is no step of this alert (steps: warning)'),
    ({"keep_firing_for": "1M"}, 'alerts.A.keep_firing_for: "1M" is not a Prometheus duration'),
    ({"severity": "critcal"}, 'none, info, warning, critical; did you mean "critical"?'),
    ({"severity": ["critical"]}, 'alerts.A.severity: ["critical"] is a list, not a string'),
    ({"sumary": "x"}, 'alerts.A.sumary: unknown key; did you mean "summary"?'),
    ({"labels": {"a-b": "x"}}, 'alerts.A.labels: "a-b" is no valid name'),
    ({"labels": {"a": True}}, "alerts.A.labels: a: true is a boolean, not a string"),
    ({"labels": {"a": 1.1}}, "alerts.A.labels: a: 1.1 is a number, not a string"),
    ({"labels": {"alertname": "x"}}, "alerts.A.labels: alertname: is reserved"),
    ({"labels": {"__name__": "x"}}, "alerts.A.labels: __name__: is reserved"),
    ({"labels": {"v": "<value>"}}, "alerts.A.labels.v: must not hold the value"),
    ({"labels": {"v": "{{ .Value }}"}}, "alerts.A.labels.v: must not hold the value"),
    ({"labels": {"instance": "x"}}, "alerts.A.labels.instance: overwrites a label"),
    ({"labels": {"severity": "page"}}, 'alerts.A.labels.severity: use the key "severity"'),
    ({"summary": "{{ $value"}, 'alerts.A.summary: "{{" is not closed'),
    ({"summary": "<value:procent>"}, 'alerts.A.summary: unknown format in "<value:procent>"'),
    ({"summary": "$value }}"}, 'alerts.A.summary: "}}" has no "{{" before it'),
    ({"summary": "{{ $labels.severity }}"}, "which the rule sets: $labels has not got it"),
    ({"summary": "<alertname>"}, "which the rule sets: $labels has not got it"),
    ({"summary": ""}, "alerts.A.summary: is empty"),
    ({"summary": 5}, "alerts.A.summary: 5 is a number, not a string; put it in quotes"),
    ({"description": "{{ $labels.a | humanizePercentage }}"}, "alerts.A.description: a label is"),
    ({"enabled": "no"}, 'alerts.A.enabled: "no" is a string, not true or false'),
    ({"expr": "up ="}, E_ + "is no valid PromQL"),
    ({"expr": "up"}, E_ + "has no comparison that decides, so the alert always fires"),
    ({"expr": "vector(1)"}, E_ + "has no comparison that decides, so the alert always fires"),
    ({"expr": "up == bool 0"}, E_ + "has no comparison that decides"),
    ({"expr": "up[5m]"}, E_ + "yields a range vector, so the alert never fires"),
    ({"expr": "'x'"}, E_ + "yields a string, so the alert never fires"),
    ({"expr": "1 > bool 2"}, E_ + "yields a number, so the alert always fires"),
    ({"expr": 'up{job="<job>"} == 0'}, E_ + '"<job>" needs the key "job" or "each_job"'),
    ({"expr": "rate(x[<window>]) > 1"}, E_ + '"<window>" needs the key "window" (example: 5m)'),
    ({"expr": "x{<disk>} > 1"}, E_ + '"<disk>" is no placeholder (placeholders: <job>, <window>)'),
    ({"guard": "x{<disk>} > 1"}, 'alerts.A.guard: "<disk>" is no placeholder'),
    ({"window": "5m"}, 'alerts.A.window: neither "expr" nor "guard" has a <window>'),
    ({"window": "5 m"}, 'alerts.A.window: "5 m" is not a Prometheus duration'),
    ({"window": "20s", "expr": "rate(x[<window>]) > 1"}, E_ + "a range of 20s holds fewer than"),
    ({"summary": "<window>"}, 'alerts.A.summary: "<window>" is no placeholder here'),
    ({"commands": "ls"}, 'alerts.A.commands: "ls" is a string, not a list'),
    ({"expr": "rate(x[20s]) > 1"}, E_ + "a range of 20s holds fewer than 2 samples"),
    ({"expr": "sum by (job) (x) > 1", "summary": "<mount>"}, "(it keeps: job)"),
    ({"expr": "sum(x) > 1", "summary": "<instance>"}, "(it keeps: none)"),
    ({"expr": "sum without (a) (x) > 1", "summary": "<a>"}, "the expression aggregates away"),
    ({"expr": "rate(x[5m]) > 1", "summary": "<value:percent>"}, "shows a rate per second as a"),
    (
        {"expr": "sum by (a) (x) > 1", "per": ["b"]},
        'alerts.A.per: the expression does not keep "b"',
    ),
    ({"expr": "sum by (a) (x) > 1", "labels": {"a": "x"}}, "alerts.A.labels.a: overwrites a label"),
    (
        {"expr": "sum by (a) (x) > 1", "labels": {"b": "<c>"}},
        'alerts.A.labels.b: reads the label "c"',
    ),
    ({"guard": "x"}, "alerts.A.guard: has no comparison, so it guards nothing"),
    ({"guard": "x >"}, "alerts.A.guard: is no valid PromQL"),
    ({"expr": "sum(x) > 1", "guard": "sum by (a) (x) > 1"}, 'alerts.A.guard: "and" never matches'),
    ({"op": ">"}, 'alerts.A.op: needs "threshold" (example: 0.9)'),
    ({"op": "=>"}, 'alerts.A.op: "=>" is none of >, >=, <, <=, ==, !='),
    ({"threshold": 1}, E_ + "ends in a comparison already"),
    (
        {"expr": "up", "threshold": "0.9"},
        'alerts.A.threshold: "0.9" is a string, not a finite number',
    ),
    (
        {"expr": "up", "threshold": float("nan")},
        "alerts.A.threshold: NaN is a number, not a finite",
    ),
    ({"expr": "up", "threshold": {}}, "alerts.A.threshold: is empty"),
    ({"expr": "up", "threshold": {"page": 1}}, 'alerts.A.threshold: "page" is none of none, info'),
    ({"expr": "up", "threshold": {"warning": 2, "critical": 1}}, "must be larger than warning (2)"),
    ({"expr": "up", "threshold": {"warning": 1, "critical": 1}}, "must be larger than warning (1)"),
    (
        {"expr": "up", "op": "<", "threshold": {"warning": 1, "critical": 2}},
        "alerts.A.threshold: with < the step critical (2) must be smaller than warning (1)",
    ),
    (
        {"expr": "up", "op": "==", "threshold": {"warning": 1, "critical": 2}},
        'alerts.A.op: a ladder needs >, >=, < or <=, not "=="',
    ),
    (
        {"expr": "up", "threshold": {"warning": 1, "critical": 2}, "severity": "info"},
        "alerts.A.severity: the ladder in threshold names the severities already",
    ),
    ({"expr": "up", "threshold": 90, "unit": "ratio"}, "90 is no ratio from 0 to 1; write 0.9"),
    ({"expr": "up", "threshold": 90, "summary": "<value:percent>"}, "is shown as 9000%; write 0.9"),
    ({"expr": "rate(x[5m])", "threshold": 0.1, "unit": "ratio"}, "is a rate per second, no ratio"),
    ({"each_job": True}, "alerts.A.each_job: needs known_jobs"),
]


@pytest.mark.parametrize(("change", "fault"), ENTRY_FAULTS, ids=lambda value: str(value)[:40])
def test_a_faulty_entry_is_refused_with_its_path(change: dict[str, Any], fault: str) -> None:
    assert fault in fault_of({"A": UP | change})


RULE: dict[str, Any] = RAW["rules"][0]
OTHER_FAULTS: list[tuple[Any, dict[str, Any], str]] = [
    (5, {}, "alerts: 5 is a number, not a dictionary"),
    ({"a b": UP}, {}, 'alerts: "a b" is no alert name (example: DiskSpaceLow)'),
    ({1: UP}, {}, "alerts: 1 is no alert name"),
    ({"A": "up == 0"}, {}, 'alerts.A: "up == 0" is a string, not a dictionary'),
    ({"A": {"summary": "x"}}, {}, "alerts.A.expr: is missing"),
    ({"A": {"expr": "up == 0"}}, {}, "alerts.A.summary: is missing"),
    ({"A": UP}, {"extra": {"A": UP}}, "extra.A: is in alerts already; change it by overrides"),
    ({"DiskLow": UP}, {"overrides": {"DiskLo": {}}}, 'no such alert; did you mean "DiskLow"?'),
    ({"A": UP}, {"overrides": {"A": {"for": "1 h"}}}, 'overrides.A.for: "1 h" is not a Prometheus'),
    ({"A": UP}, {"overrides": {"A": {"gaurd": None}}}, "overrides.A.gaurd: unknown key; did you"),
    ({"A": UP}, {"overrides": {"A": {"expr": None}}}, "overrides.A.expr: is missing"),
    (
        {"A": RATIO},
        {"overrides": {"A": {"threshold": {"info": 0.5}, "severity": "info"}}},
        "overrides.A.severity: the ladder",
    ),
    (
        {"A": RATIO | {"threshold": {"warning": 0.5, "critical": 0.9}}},
        {"overrides": {"A": {"threshold": 0.8}}},
        "overrides.A.threshold: the alert has several steps; say which (steps: warning, critical)",
    ),
    (
        {"A": UP | {"expr": "rate(x[<window>]) > 1", "window": "5m"}},
        {"overrides": {"A": {"window": "10s"}}},
        "overrides.A.window: a range of 10s holds fewer than 2 samples",
    ),
    (
        {"A": UP | {"expr": "x > 1", "guard": "rate(x[<window>]) > 1", "window": "5m"}},
        {"overrides": {"A": {"window": "30d"}}, "defaults": {"retention": "200h"}},
        "overrides.A.window: looks back 4w2d, longer than the retention of 200h",
    ),
    (
        {"A": UP | {"expr": "x{<disks>} > 1"}},
        {"defaults": {"selectors": {"disks": "a="}}},
        "defaults.selectors.disks: is no valid PromQL: 'a=' is no label matcher",
    ),
    ({"A": UP}, {"overrides": {"A": 5}}, "overrides.A: 5 is a number, not a dictionary"),
    ({"A": UP}, {"overrides": [5]}, "overrides: [5] is a list, not a dictionary"),
    ({"A": UP}, {"defaults": {"severity": "page"}}, 'defaults.severity: "page" is none of'),
    (
        {"A": UP | {"expr": "x{<disk>} > 1"}},
        {"defaults": {"selectors": {"disks": 'a="b"'}}},
        '"<disk>" is no placeholder; did you mean "disks"? (placeholders: <disks>, <job>',
    ),
    ({"A": UP}, {"defaults": {"selectors": {"job": "x"}}}, "<job> is what the alert itself says"),
    ({"A": UP}, {"defaults": {"selectors": ["x"]}}, 'defaults.selectors: ["x"] is a list'),
    ({"A": UP}, {"defaults": {"group": ""}}, "defaults.group: is empty"),
    ({"A": UP}, {"defaults": {"intervall": "1m"}}, "defaults.intervall: unknown key"),
    ({"A": UP}, {"defaults": [1]}, "defaults: [1] is a list, not a dictionary"),
    ({"A": UP}, {"defaults": {"groups": {"a": {"interval": "0"}}}}, "must be longer than 0"),
    ({"A": UP}, {"defaults": {"groups": {"a": {"limit": -1}}}}, "not a whole number from 0 on"),
    ({"A": UP}, {"target_version": 3.5}, 'target_version: 3.5 is no version (example: "3.5.3")'),
    ({"A": UP}, {"known_jobs": "node"}, 'known_jobs: "node" is a string, not a list'),
    (
        {"A": UP | {"expr": 'up{job="nod"} == 0'}},
        {"known_jobs": ["node"]},
        'no job "nod" is scraped; did you mean "node"? (known jobs: node)',
    ),
    (
        {"A": UP | {"job": "nod-exporter"}},
        {"known_jobs": ["node-exporter"]},
        "alerts.A.job: no job",
    ),
    (
        {"A": UP | {"expr": 'up{job="backup"} == 0'}},
        {"known_jobs": ["node"]},
        "(known jobs: node); name it in other_jobs if its series come from elsewhere",
    ),
    (
        {},
        {"known_jobs": ["node"], "declared_jobs": ["node", "postgres"]}
        | {"extra": {"A": UP | {"job": "postgress"}}},
        'extra.A.job: no job "postgress" is configured; did you mean "postgres"? '
        "(configured jobs: node, postgres); name it in other_jobs if its series",
    ),
    (
        {"A": UP | {"job": "postgress"}},
        {"known_jobs": ["node"], "declared_jobs": ["node", "postgres"]},
        'alerts.A.job: no job "postgress" is configured; did you mean "postgres"?',
    ),
    (
        {"A": UP},
        {"overrides": {"A": {"job": "x"}}, "declared_jobs": []},
        'overrides.A.job: no job "x" is configured (configured jobs: none); name it in other_jobs',
    ),
    (
        {"A": UP | {"expr": 'up{job="redis"} == 0'}},
        {"known_jobs": ["node"], "declared_jobs": ["node", "redis"]},
        'the job "redis" has no targets, so there is nothing to look at; an alert with the key job',
    ),
    ({"A": UP}, {"other_jobs": "x"}, 'other_jobs: "x" is a string, not a list'),
    ({"A": UP}, {"declared_jobs": [1]}, "declared_jobs: [0]: 1 is a number, not a string"),
    ({"A": UP}, {"scrape_intervals": []}, "scrape_intervals: [] is a list, not a dictionary"),
    ({"A": UP}, {"scrape_intervals": {"a": "5"}}, 'scrape_intervals.a: "5" is not a Prometheus'),
    (
        {"A": UP | {"expr": 'rate(x{job="slow"}[1m]) > 1'}},
        {"scrape_intervals": {"slow": "1m"}},
        "a range of 1m holds fewer than 2 samples at a scrape interval of 1m",
    ),
    (
        {"A": UP | {"expr": "rate(x[5m] offset 30d) > 1"}},
        {"defaults": {"retention": "200h"}},
        "looks back 4w2d5m, longer than the retention of 200h",
    ),
    (
        {"A": UP | {"expr": "increase(x[30d]) > 1"}},
        {"defaults": {"retention": "200h"}},
        "looks back 4w2d, longer than the retention of 200h",
    ),
    ({"A": UP}, {"recording_rules": {}}, "recording_rules: {} is a dictionary, not a list"),
    ({"A": UP}, {"recording_rules": [{"expr": "x"}]}, "recording_rules[0].record: is missing"),
    ({"A": UP}, {"recording_rules": [{"record": "a-b", "expr": "x"}]}, '"a-b" is no metric name'),
    ({"A": UP}, {"recording_rules": [{"record": "a", "expr": "x[5m]"}]}, "cannot be recorded"),
    ({"A": UP}, {"recording_rules": [{"record": "a", "expr": "x", "for": "5m"}]}, "unknown key"),
    (
        {},
        {"recording_rules": [{"record": "r", "expr": "sum by (a) (x)", "labels": {"a": "b"}}]},
        "recording_rules[0].labels.a: overwrites a label that tells the series apart",
    ),
    (
        {},
        {"recording_rules": [{"record": "r", "expr": "x", "labels": {"a": "{{ $labels.b }}"}}]},
        "recording_rules[0].labels.a: is written as it stands; only alerts have templates",
    ),
    ({"groups": None}, {}, "alerts.groups: null holds no rule group"),
    ({"groups": []}, {}, "alerts.groups: [] holds no rule group"),
    ({"groups": 5}, {}, "alerts.groups: 5 is a number, not a list of groups"),
    ({"groups": [RAW], "A": UP}, {}, "alerts.groups: stands beside alerts; give it as the option"),
    (
        {"A": UP | {"group": "node"}},
        {"defaults": {"groups": {"nod": {"interval": "1m"}}}},
        'defaults.groups.nod: no alert is in this group; did you mean "node"?',
    ),
    (
        {"A": UP},
        {"groups": [{"name": "g", "rules": [{"record": "x", "expr": "y"}]}]}
        | {"defaults": {"groups": {"g": {"interval": "1m"}}}},
        "defaults.groups.g: is given in Prometheus' own form; set it there",
    ),
    ({"A": UP}, {"defaults": {"zzz": 1}}, "defaults.zzz: unknown key (known keys: always, annot"),
    ({"A": UP | {"zzz": 1}}, {}, "alerts.A.zzz: unknown key (known keys: always, annotations, "),
    ({"A": UP}, {"target_version": "9" * 5000 + ".1"}, 'target_version: "9999'),
    ({"groups": [5]}, {}, "alerts.groups[0]: 5 is a number, not a group"),
    ([{"name": "g"}], {}, "alerts[0].rules: is missing"),
    ([{"name": "g", "rules": []}], {}, "alerts[0].rules: [] is no list of rules"),
    ([RAW | {"rules": [{"expr": "x"}]}], {}, 'alerts[0].rules[0]: needs either "alert" or'),
    ([RAW | {"rules": [RULE | {"record": "x"}]}], {}, 'needs either "alert" or "record"'),
    ([RAW | {"rules": [RULE | {"for": None}]}], {}, "alerts[0].rules[0].for: is null"),
    ([RAW | {"rules": [RULE | {"for": "30s"}]}], {}, "is shorter than the group's interval"),
    ([RAW | {"rules": [RULE | {"labels": {}}]}], {}, "rules[0].labels.severity: is missing"),
    ([RAW | {"rules": [RULE | {"expr": "up"}]}], {}, "alerts[0].rules[0].expr: has no comparison"),
    (
        [RAW | {"rules": [RULE | {"expr": "up"}]}],
        {},
        "so the alert always fires; compare; if it is meant, put its name in defaults.always",
    ),
    ([RAW | {"interval": "0s"}], {}, "alerts[0].interval: must be longer than 0"),
    ([RAW | {"limit": -1}], {}, "alerts[0].limit: -1 is not a whole number"),
    ([RAW | {"labels": {"a": "b"}}], {"target_version": "2.53.3"}, "needs Prometheus 3.0 or later"),
    ([RAW, RAW], {}, "group g: there are several groups of this name"),
    ([RAW, RAW | {"name": "h"}], {}, "group h, A: the same name and labels are in group g already"),
    (
        {"A": UP},
        {"groups": [RAW]},
        "group g, A: the same name and labels are in group alerts already",
    ),
    (
        {"A": UP | {"severity": "critical"}},
        {"groups": [RAW]},
        "group g, A: an alert of this name is in group alerts already",
    ),
]


@pytest.mark.parametrize(("given", "options", "fault"), OTHER_FAULTS, ids=lambda v: str(v)[:30])
def test_other_faults_are_refused_with_their_path(
    given: Any, options: dict[str, Any], fault: str
) -> None:
    assert fault in fault_of(given, **options)


@pytest.mark.parametrize("left_out", [{"enabled": False}, {"job": "away"}])
def test_a_group_whose_alerts_are_all_left_out_may_have_its_interval(
    left_out: dict[str, Any],
) -> None:
    defaults = {"groups": {"node": {"interval": "1m"}}}
    entry = UP | {"group": "node"} | left_out
    assert rules(entry, defaults=defaults, known_jobs=["other"]) == []


def test_a_recorded_label_may_be_one_that_a_matcher_fixes() -> None:
    record = {"record": "r", "expr": "sum by (a) (x{a='1'})", "labels": {"a": "b", "c": "d"}}
    assert alert_rules({}, recording_rules=[record])["groups"][0]["rules"] == [record]


RECORD = {"record": "x:ratio", "job": "shop", "expr": "sum(x{job='<job>'}) / sum(y{job='<job>'})"}


def test_a_recording_rule_is_about_its_job() -> None:
    made = alert_rules({}, recording_rules=[RECORD], known_jobs=["shop"])
    expr = "sum(x{job='shop'}) / sum(y{job='shop'})"
    assert made["groups"][0]["rules"] == [{"record": "x:ratio", "expr": expr}]


def test_a_recording_rule_is_left_out_where_its_job_has_no_targets() -> None:
    for declared in (["shop", "other"], ["other"]):
        jobs = {"known_jobs": ["other"], "declared_jobs": declared}
        assert alert_rules({}, recording_rules=[RECORD], **jobs) == {"groups": []}


@pytest.mark.parametrize(
    ("job", "words"),
    [
        ("ai-asistant", 'no job "ai-asistant" is configured; did you mean "ai-assistant"?'),
        (7, "7 is a number"),
    ],
)
def test_a_misspelt_job_of_a_recording_rule_is_refused(job: Any, words: str) -> None:
    jobs = {"known_jobs": ["ai-assistant"], "declared_jobs": ["ai-assistant"]}
    text = fault_of({}, recording_rules=[RECORD | {"job": job}], **jobs)
    assert text.startswith("recording_rules[0].job: ")
    assert words in text


def test_all_faults_come_in_one_error() -> None:
    text = fault_of(
        {"A": UP | {"for": "5 m", "severity": "hm"}, "B": {"expr": "up"}},
        overrides={"C": {}},
        recording_rules=[{"record": "x", "expr": "("}],
    )
    assert text.splitlines()[0] == "6 faults"
    assert [line.split(": ")[0] for line in text.splitlines()[1:]] == [
        *["recording_rules[0].expr", "alerts.A.for", "alerts.A.severity"],
        *["alerts.B.expr", "alerts.B.summary", "overrides.C"],
    ]


RATE = (
    'sum by (job, instance) (rate(http_requests_total{job="j@",status_code=~"5..",env="prod"}[5m]))'
)
ALL = RATE.replace('status_code=~"5..",', "")
COMMON = {"for": "5m", "summary": "High on <job>", "description": "<value:percent> of @"}
KINDS: dict[str, list[dict[str, Any]]] = {
    "mixed": [
        {"expr": 'up{job="j@"} == 0'},
        {"expr": '1 - free_bytes{job="j@"} / size_bytes{job="j@"}', "threshold": 0.9},
        {
            "expr": f"{RATE} / {ALL}",
            "unit": "ratio",
            "threshold": {"warning": 0.1, "critical": 0.2},
        },
    ],
    "long": [
        {
            "expr": f"{RATE} / {ALL}",
            "threshold": 0.1,
            "unit": "ratio",
            "guard": f"{ALL} > 0.05",
            "labels": {"team": "t@"},
        }
    ],
}


def many(kinds: list[dict[str, Any]], count: int, start: int) -> dict[str, Any]:
    """Make alerts of these kinds, all different."""
    found: dict[str, Any] = {}
    for number in range(start, start + count):
        entry = COMMON | kinds[number % len(kinds)]
        texts = ("expr", "guard", "description")
        filled = {key: entry[key].replace("@", str(number)) for key in texts if key in entry}
        found[f"Alert{number}"] = entry | filled
    return found


def seconds(kind: str, count: int, start: int) -> float:
    """Measure the processor time for so many alerts that were never seen before."""
    alerts, begin = many(KINDS[kind], count, start), time.process_time()
    alert_rules(alerts)
    return time.process_time() - begin


@pytest.mark.parametrize("kind", KINDS)
def test_ten_thousand_alerts_take_a_second_at_most_and_time_grows_linearly(kind: str) -> None:
    small = min(seconds(kind, 2500, 100_000 * turn) for turn in (1, 2, 3))
    large = min(seconds(kind, 10_000, 100_000 * turn) for turn in (4, 5, 6))
    assert large <= 1.0
    assert large / small <= 7


def test_ten_thousand_faults_are_told_in_seconds() -> None:
    alerts = {
        name: entry | {"sumary": 1} for name, entry in many(KINDS["mixed"], 10_000, 0).items()
    }
    begin = time.process_time()
    text = fault_of(alerts, overrides=dict.fromkeys((f"Alrt{i}" for i in range(10_000)), {}))
    assert time.process_time() - begin < 10
    assert text.startswith("20000 faults")
