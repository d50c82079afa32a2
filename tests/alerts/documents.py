# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The test file of each shipped alert: written by hand, in the short form, or made of objectives."""

from __future__ import annotations

from typing import Any

from ansible_collections.barehost.monitoring.plugins.plugin_utils import _slo_tests
from ansible_collections.barehost.monitoring.plugins.plugin_utils._rule_tests import rule_tests

from alerts import shipped

BURN = _slo_tests.ALERT


def document(alert: str, rules: dict[str, Any]) -> dict[str, Any]:
    """Make the test file of an alert."""
    if alert == BURN:
        slos = shipped.variables()["prometheus_slos"]
        return _slo_tests.slo_test_file(
            rules,
            slos,
            known_jobs=shipped.JOBS,
            selectors=None,
            rule_files=["rules.yml"],
            evaluation_interval=shipped.defaults()["evaluation_interval"],
        )
    entry = shipped.variables()["prometheus_alerts"][alert]
    tests = [*entry.get("tests", []), *shipped.cases().get(alert, [])]
    return rule_tests(rules, {alert: tests}, rule_files=["rules.yml"])
