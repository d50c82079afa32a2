# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of service level objectives: what is recorded, what fires, what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.barehost.monitoring.plugins.plugin_utils._alerts import alert_rules
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import InputError

SHOP: dict[str, Any] = {
    "objective": 99.5,
    "job": "shop",
    "total": 'requests_total{job="<job>"}',
    "errors": 'requests_total{job="<job>",code=~"5.."}',
}
SLOW: dict[str, Any] = {"objective": 95, "histogram": "request_seconds", "bucket": 1}
BURN = {"each_slo": True, "expr": "<burn>", "summary": "<slo> of <job> misses <objective>"}


def rules(slo: Any, alerts: Any = None, **options: Any) -> list[dict[str, Any]]:
    """Make the rules of one objective."""
    found: list[dict[str, Any]] = alert_rules(alerts or {}, slos={"S": slo}, **options)["groups"]
    return [rule for group in found for rule in group["rules"]]


def recorded(slo: Any, **options: Any) -> dict[str, str]:
    """Give the recorded expressions by name."""
    return {rule["record"]: rule["expr"] for rule in rules(slo, **options)}


def burning(slo: Any, **options: Any) -> dict[str, str]:
    """Give the conditions by severity."""
    found = rules(slo, {"Burn": BURN}, **options)
    return {rule["labels"]["severity"]: rule["expr"] for rule in found if "alert" in rule}


def test_shares_are_recorded_over_seven_ranges() -> None:
    found = recorded(SHOP)
    names = [name.removeprefix("slo:error:ratio_rate") for name in found if "ratio_rate" in name]
    assert names == ["5m", "30m", "1h", "2h", "6h", "1d", "3d"]
    failed, requests = 'slo:errors:rate5m{slo="S"}', 'slo:requests:rate5m{slo="S"}'
    assert found["slo:error:ratio_rate5m"] == f"{failed} / {requests}"
    over = f"sum_over_time({failed}[3d]) / sum_over_time({requests}[3d])"
    assert found["slo:error:ratio_rate3d"] == over


def test_where_nothing_ever_failed_the_rate_of_failures_is_zero() -> None:
    found = recorded(SHOP)
    total = 'sum(rate(requests_total{job="shop"}[5m]))'
    assert found["slo:requests:rate5m"] == total
    failed = 'sum(rate(requests_total{job="shop",code=~"5.."}[5m]))'
    assert found["slo:errors:rate5m"] == f"{failed} or 0 * {total}"


@pytest.mark.parametrize(
    ("bucket", "matcher"), [(1, 'le=~"1(\\\\.0)?"'), (2.5, 'le="2.5"'), (10.0, 'le=~"10(\\\\.0)?"')]
)
def test_a_boundary_is_found_on_prometheus_2_and_3(bucket: float, matcher: str) -> None:
    found = recorded(SLOW | {"bucket": bucket})["slo:errors:rate5m"]
    assert f"request_seconds_bucket{{{matcher}}}" in found
    assert found.startswith("sum(rate(request_seconds_count[5m])) - ")


@pytest.mark.parametrize("name", ["request_seconds", "request_seconds_bucket"])
def test_a_histogram_keeps_its_matchers_and_may_be_named_by_a_part(name: str) -> None:
    found = recorded(SLOW | {"histogram": f'{name}{{a="b",}}'})["slo:errors:rate5m"]
    assert 'request_seconds_bucket{a="b",le=~"1(\\\\.0)?"}' in found


def test_labels_of_per_have_a_budget_each() -> None:
    found = recorded(SHOP | {"per": ["region"]})
    assert found["slo:requests:rate5m"].startswith("sum by (region) (rate(")


def test_the_budget_is_that_of_the_period_or_of_what_is_kept() -> None:
    def window(**defaults: str) -> str:
        found = rules(SHOP, defaults=defaults)[-1]
        assert found["record"] == "slo:error_budget:remaining"
        assert f"[{found['labels']['window']}]" in found["expr"]
        return str(found["labels"]["window"])

    assert (window(), window(retention="200h"), window(retention="90d")) == ("30d", "200h", "30d")


def test_the_budget_has_a_group_with_an_interval_of_its_own() -> None:
    groups = alert_rules({}, slos={"S": SHOP})["groups"]
    assert [(g["name"], g.get("interval")) for g in groups] == [("slo", None), ("slo_budget", "2m")]


def test_a_page_and_a_ticket_ask_two_pairs_of_ranges_each() -> None:
    def pair(long: str, short: str, limit: str) -> str:
        series = '{slo="S"}'
        return (
            f"(slo:error:ratio_rate{long}{series} > {limit} "
            f"and slo:error:ratio_rate{short}{series} > {limit} "
            f"and sum_over_time(slo:errors:rate5m{series}[{long}]) * 15 >= 10)"
        )

    assert burning(SHOP) == {
        "warning": f"{pair('1d', '2h', '0.015')} or {pair('3d', '6h', '0.005')}",
        "critical": f"{pair('1h', '5m', '0.072')} or {pair('6h', '30m', '0.03')}",
    }


@pytest.mark.parametrize(
    ("defaults", "seconds"),
    [
        ({"evaluation_interval": "1m"}, "60"),
        ({"evaluation_interval": "1m", "groups": {"slo": {"interval": "500ms"}}}, "0.5"),
    ],
)
def test_a_recorded_rate_counts_for_an_interval(defaults: dict[str, Any], seconds: str) -> None:
    assert (
        f"[1h]) * {seconds} >= 10"
        in burning(SHOP, defaults=defaults, overrides={"Burn": {"group": "slo"}})["critical"]
    )


@pytest.mark.parametrize(
    ("change", "severity", "limits"),
    [
        ({}, "critical", [0.072, 0.072, 0.03, 0.03]),
        ({}, "warning", [0.015, 0.015, 0.005, 0.005]),
        # A week: the same parts of a smaller budget; but never a burn that leaves some of it over.
        ({"period": "7d"}, "critical", [0.0168, 0.0168, 0.007, 0.007]),
        ({"period": "7d"}, "warning", [0.005] * 4),
        # More than every request can not fail: 14.4 times a tenth.
        ({"objective": 90}, "critical", [0.6, 0.6]),
    ],
)
def test_limits_follow_from_objective_and_period(
    change: dict[str, Any], severity: str, limits: list[float]
) -> None:
    words = burning(SHOP | change)[severity].replace(")", " ").split()
    found = [float(words[i + 1]) for i, word in enumerate(words) if word == ">"]
    assert found == pytest.approx(limits)


def test_an_objective_without_any_possible_page_has_none() -> None:
    assert list(burning(SHOP | {"objective": 50})) == ["warning"]


def test_severities_can_be_others_or_left_out() -> None:
    assert list(burning(SHOP | {"severity": {"ticket": "info"}})) == ["info", "critical"]
    assert list(burning(SHOP | {"severity": {"page": None}})) == ["warning"]


def test_alerts_carry_the_objective_and_its_labels() -> None:
    found = rules(SHOP | {"labels": {"team": "web"}}, {"Burn": BURN})
    alert = next(rule for rule in found if rule.get("alert") == "Burn")
    assert alert["labels"] == {"severity": "warning", "slo": "S", "team": "web"}
    assert alert["annotations"]["summary"] == "S of shop misses 99.5%"


def test_any_alert_can_be_made_for_each_objective() -> None:
    entry = {"each_slo": True, "summary": "x"}
    entry["expr"] = 'absent(slo:requests:rate5m{slo="<slo>",job="<job>"})'
    found = next(rule for rule in rules(SHOP, {"A": entry}) if "alert" in rule)
    assert found["expr"] == 'absent(slo:requests:rate5m{slo="S",job="shop"})'


def test_an_objective_is_left_out_where_its_job_has_no_targets() -> None:
    assert rules(SHOP, {"Burn": BURN}, known_jobs=["other"]) == []
    assert rules(SHOP, {"Burn": BURN}, known_jobs=["shop"])


def test_an_alert_about_objectives_is_checked_where_there_is_none() -> None:
    with pytest.raises(InputError, match="alerts.A.sumary: unknown key"):
        alert_rules({"A": BURN | {"sumary": "x"}})


FAULTS: list[tuple[Any, str]] = [
    (5, "slos.S: 5 is a number, not a dictionary (example: {shop: {objective: 99.9,"),
    ({"total": "a", "errors": "b"}, "slos.S.objective: is missing"),
    (SHOP | {"objective": 100}, "slos.S.objective: 100 is no percentage above 0 and below 100"),
    (SHOP | {"objective": 0}, "slos.S.objective: 0 is no percentage above 0 and below 100"),
    (SHOP | {"objective": 0.995}, "slos.S.objective: 0.995 is less than one percent; write 99.5"),
    (SHOP | {"objective": "99"}, 'slos.S.objective: "99" is a string, not a finite number'),
    (SHOP | {"objektive": 1}, 'slos.S.objektive: unknown key; did you mean "objective"?'),
    (SHOP | {"period": "1d"}, 'slos.S.period: "1d" is shorter than 3d, the longest range of its'),
    (SHOP | {"period": "30 days"}, 'slos.S.period: "30 days" is not a Prometheus duration'),
    (SHOP | {"severity": {"pager": "x"}}, 'slos.S.severity: "pager" is none of page, ticket; did'),
    (SHOP | {"severity": {"page": "hot"}}, 'slos.S.severity: page: "hot" is none of none, info'),
    (SHOP | {"severity": {"page": "warning"}}, "slos.S.severity: page and ticket need two sever"),
    (SHOP | {"severity": 5}, "slos.S.severity: 5 is a number, not a dictionary"),
    (SHOP | {"min_errors": -1}, "slos.S.min_errors: -1 is not a whole number from 0 on"),
    ({"objective": 99, "total": "a"}, "slos.S.errors: is missing; an objective has total and err"),
    ({"objective": 99}, "or histogram and bucket (example: {histogram: request_seconds, bucket: 0"),
    ({"objective": 99, "bucket": 1}, "slos.S.histogram: is missing"),
    (SLOW | {"bucket": "1"}, 'slos.S.bucket: "1" is a string, not a finite number'),
    (SLOW | {"bucket": 0}, "slos.S.bucket: 0 is no boundary in seconds (example: 0.5)"),
    (SLOW | {"total": "a"}, "slos.S.histogram: cannot stand beside total and errors"),
    (SHOP | {"total": "rate(a[5m])"}, "slos.S.total: wants a metric and its matchers alone"),
    (SHOP | {"total": "a[5m]"}, "slos.S.total: wants a metric and its matchers alone"),
    (SHOP | {"total": "{__name__='a'}"}, "slos.S.total: wants the name of the metric before"),
    (SHOP | {"errors": "a{"}, "slos.S.errors: is no valid PromQL"),
    (SHOP | {"errors": "a{<jobs>}"}, 'slos.S.errors: "<jobs>" is no placeholder; did you mean'),
    (SHOP | {"per": "region"}, 'slos.S.per: "region" is a string, not a list'),
    (SHOP | {"errors": SHOP["total"]}, "slos.S.errors: counts what total counts, so that every"),
    (SHOP | {"labels": {"slo": "x"}}, "slos.S.labels: slo: is the name of the objective"),
    (SHOP | {"labels": {"job": "x"}}, 'slos.S.labels: job: use the key "job" of the objective'),
    (SHOP | {"labels": {"severity": "x"}}, 'slos.S.labels: severity: use the key "severity" of'),
    (SHOP | {"labels": {"a": 1}}, "slos.S.labels: a: 1 is a number, not a string"),
]


@pytest.mark.parametrize(("slo", "fault"), FAULTS, ids=lambda value: str(value)[:50])
def test_a_wrong_objective_is_refused_with_its_path(slo: Any, fault: str) -> None:
    with pytest.raises(InputError) as caught:
        rules(slo, {"Burn": BURN})
    assert fault in str(caught.value)


OPTION_FAULTS: list[tuple[dict[str, Any], str]] = [
    ({"slos": [5]}, "slos: [5] is a list, not a dictionary"),
    ({"slos": {"a b": SHOP}}, 'slos: "a b" is no name (letters, digits, _ . -; example: shop)'),
    (
        {"defaults": {"retention": "48h"}},
        "slos.S: its alerts look back 3d, longer than the retention of 48h; keep 3d or more",
    ),
    ({"defaults": {"scrape_interval": "3m"}}, "slos.S.total: a range of 5m holds fewer than 2"),
    (
        {"known_jobs": ["shops"], "declared_jobs": ["shops"]},
        'slos.S.job: no job "shop" is configured; did you mean "shops"?',
    ),
]


@pytest.mark.parametrize(("options", "fault"), OPTION_FAULTS, ids=lambda v: str(v)[:50])
def test_what_does_not_fit_an_objective_is_refused(options: dict[str, Any], fault: str) -> None:
    with pytest.raises(InputError) as caught:
        alert_rules({}, **({"slos": {"S": SHOP}} | options))
    assert fault in str(caught.value)


def test_the_severity_of_a_burn_is_not_changed_where_nobody_asks_for_it() -> None:
    with pytest.raises(InputError, match="overrides.Burn.severity: has no effect here; the obj"):
        rules(SHOP, {"Burn": BURN}, overrides={"Burn": {"severity": "info"}})


@pytest.mark.parametrize(("key", "value"), [("threshold", 1), ("job", "x"), ("each_job", True)])
def test_an_alert_for_each_objective_takes_its_job_and_limit_from_it(key: str, value: Any) -> None:
    with pytest.raises(InputError, match=f"alerts.Burn.{key}: cannot stand beside each_slo"):
        rules(SHOP, {"Burn": BURN | {key: value}})
