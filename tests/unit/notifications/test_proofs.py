# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pairs and near misses are made for every inhibition rule, so that none goes unproved."""

from __future__ import annotations

from typing import Any

import pytest

from integration.support.alertmanager import proofs

LADDER = {
    "source_matchers": ['severity="critical"'],
    "target_matchers": ['severity=~"warning|info"', 'device!=""'],
    "equal": ["alertname", "device"],
}


def test_every_shipped_rule_has_a_pair_and_near_misses(config: dict[str, Any]) -> None:
    found = proofs(config["inhibit_rules"])
    assert len(found) == len(config["inhibit_rules"]) >= 4
    for proof, rule in zip(found, config["inhibit_rules"], strict=True):
        assert [case.what for case in proof.cases if case.held_back] == ["the pair"]
        missed = {case.what for case in proof.cases if not case.held_back}
        assert missed >= {f"another {label}" for label in rule["equal"]}
        assert missed >= {f"no {label}" for label in rule["equal"] if label != "alertname"}


def test_a_pair_has_what_the_matchers_want_and_equal_labels() -> None:
    [proof] = proofs([LADDER])
    shared = {"alertname": "rule0-alertname", "device": "rule0-device"}
    assert proof.source == {**shared, "severity": "critical"}
    assert proof.bare == {"alertname": "rule0-alertname", "severity": "critical"}
    assert {case.what: (case.labels, case.held_back) for case in proof.cases} == {
        "the pair": ({**shared, "severity": "warning"}, True),
        "another alertname": (
            {**shared, "severity": "warning", "alertname": "another"},
            False,
        ),
        "another device": ({**shared, "severity": "warning", "device": "another"}, False),
        "no device": ({"alertname": "rule0-alertname", "severity": "warning"}, False),
        "nothing in common": ({"alertname": "rule0-stranger", "severity": "warning"}, False),
        "severity is none of the rule's": ({**shared, "severity": "unlike"}, False),
    }


@pytest.mark.parametrize("matcher", ['a!="b"', 'a!~"b"', "a=b"])
def test_a_matcher_without_a_proof_is_an_error(matcher: str) -> None:
    with pytest.raises(AssertionError, match=r"extend this|no matcher"):
        proofs([LADDER | {"source_matchers": [matcher]}])
