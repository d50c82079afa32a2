# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the pages about alerts."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.barehost.monitoring.plugins.plugin_utils._alerts import alert_rules
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import InputError
from ansible_collections.barehost.monitoring.plugins.plugin_utils._runbooks import runbooks

DISK: dict[str, Any] = {
    "expr": 'min by (job, instance, host, device) (free{job="<job>"} / size{job="<job>"})',
    "op": "<",
    "job": "node",
    "threshold": {"warning": 0.2, "critical": 0.1},
    "for": {"warning": "5m"},
    "summary": "<instance> is full",
    "description": "<value:percent> of <device> are free",
    "meaning": "Writing fails soon.",
    "runbook": "Find what grew.",
    "commands": ["df -h", "du -x /"],
}


def page(entry: dict[str, Any], **options: Any) -> str:
    """Write the page of one alert."""
    found = runbooks(alert_rules({"A": entry}, **options), {"A": entry})
    assert list(found) == ["A"]
    return found["A"]


@pytest.mark.parametrize(
    "part",
    [
        "# A\n",
        "\n*instance* is full.\n",
        "\nWriting fails soon.\n",
        "\n*value* of *device* are free.\n",
        '`warning`, after it was true for 5m:\n\n```promql\nmin by (job, instance, host, device) (free{job="node"}',
        "`critical`, at once:\n",
        "left out where the job `node` has no targets.",
        "prometheus_alert_overrides:\n  A: {threshold: {warning: 0.2, critical: 0.1}}\n",
        "barehost_alert_thresholds:\n  A: {warning: 0.2, critical: 0.1}\n",
        '`alert:threshold{alert="A"}`',
        "\nFind what grew.\n\n```sh\ndf -h\ndu -x /\n```\n",
        "--comment='<why>' alertname=A device=<device> instance=<instance>\n```\n",
    ],
)
def test_a_page_says_what_is_to_be_known(part: str) -> None:
    assert part in page(DISK)


def test_a_page_fills_in_what_holds_for_the_alert() -> None:
    entry = {"expr": "rate(x[<window>])", "window": "5m", "threshold": 0.5, "summary": "x"}
    text = page(entry | {"description": "<value> in <window:words>, over <threshold:percent>"})
    assert "\n*value* in 5 minutes, over 50%.\n" in text


def test_an_alert_about_several_hosts_has_one_threshold() -> None:
    text = page({"expr": "sum(x)", "threshold": 1, "summary": "x"})
    assert "barehost_alert_thresholds" not in text
    assert "looks at several hosts at once" in text


def test_an_alert_without_a_threshold_says_nothing_of_one() -> None:
    text = page({"expr": "up == 0", "summary": "x"})
    assert "threshold" not in text
    assert "What to do first" not in text
    assert "alertname=A instance=<instance>" in text


def test_a_silence_hides_one_of_many_things_on_a_host() -> None:
    text = page({"expr": 'state{name!=""} == 1', "per": ["instance", "name"], "summary": "x"})
    assert "alertname=A instance=<instance> name=<name>\n" in text


def test_an_alert_of_objectives_is_shown_once_and_silenced_by_the_objective() -> None:
    slos = {name: {"objective": 99, "total": "a", "errors": "b"} for name in ("S", "T")}
    text = page({"each_slo": True, "expr": "<burn>", "summary": "<slo>"}, slos=slos)
    assert text.count("```promql") == 2
    assert "prometheus_slos" in text
    assert "alertname=A slo=<slo>" in text


def test_a_long_query_is_broken_before_its_operators_and_not_in_strings() -> None:
    long = f'x{{a="b and c"}} / {"y" * 90} > 1'
    assert f'x{{a="b and c"}}\n/ {"y" * 90} > 1' in page({"expr": long, "summary": "x"})


def test_rules_of_prometheus_own_form_have_pages_too() -> None:
    rule = {
        "alert": "A",
        "expr": "up == 0",
        "labels": {"severity": "warning"},
        "annotations": {"summary": "{{ $labels.instance }} is down"},
    }
    found = runbooks({"groups": [{"name": "g", "rules": [rule, {"record": "a", "expr": "b"}]}]}, {})
    assert "\n*…* is down.\n" in found["A"]


def test_what_is_no_rule_file_is_refused() -> None:
    with pytest.raises(InputError, match="wants what alert_rules returns"):
        runbooks([], [])
