# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Thresholds of single hosts on real promtools: each host is held against its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from ansible_collections.barehost.monitoring.plugins.plugin_utils._alerts import alert_rules
from ansible_collections.barehost.monitoring.plugins.plugin_utils._rule_tests import rule_tests

TEXT = "<value:percent> of <host>, more than <threshold:percent>, <threshold>, <threshold:duration>"
ALERT = {
    "expr": "used / size",
    "threshold": {"warning": 0.8, "critical": 0.9},
    "guard": "size > 1",
    "summary": TEXT,
}
HOSTS = {
    "low": {"A": {"warning": 0.5, "critical": 0.6}},
    "high": {"A": {"critical": 0.95}},
    "same": {"A": {"warning": 0.8}},
    "away": {"A": {"warning": 0.1}},
}
# What is used of 100, and how each severity tells its threshold; "" where it stays silent.
SEEN = {
    ("low", 49): ("", ""),
    ("low", 55): ("50%, 0.5, 500ms", ""),
    ("low", 61): ("50%, 0.5, 500ms", "60%, 0.6, 600ms"),
    ("high", 94): ("80%, 0.8, 800ms", ""),
    ("high", 96): ("80%, 0.8, 800ms", "95%, 0.95, 950ms"),
    ("same", 79): ("", ""),
    ("same", 91): ("80%, 0.8, 800ms", "90%, 0.9, 900ms"),
    ("none", 79): ("", ""),
    ("none", 81): ("80%, 0.8, 800ms", ""),
    ("none", 91): ("80%, 0.8, 800ms", "90%, 0.9, 900ms"),
}


def fired(host: str, used: int) -> list[dict[str, Any]]:
    """Write down the alerts that are expected of a host."""
    told = zip(("warning", "critical"), SEEN[host, used], strict=True)
    return [
        {
            "labels": {"severity": severity, "host": host, "instance": f"{host}:1"},
            "summary": f"{used}% of {host}, more than {text}",
        }
        for severity, text in told
        if text
    ]


def series(host: str, used: int) -> dict[str, str]:
    """Write down what is measured."""
    labels = f'{{host="{host}",instance="{host}:1"}}'
    return {f"used{labels}": f"{used}x5", f"size{labels}": "100x5"}


def tried(promtool: Any, version: str, folder: Path, cases: list[dict[str, Any]]) -> str:
    """Run the tests and give the complaints."""
    rules = alert_rules({"A": ALERT}, thresholds=HOSTS)
    document = rule_tests(rules, {"A": cases}, rule_files=["rules.yml"])
    (folder / "rules.yml").write_text(yaml.safe_dump(rules), encoding="utf-8")
    (folder / "tests.yml").write_text(yaml.safe_dump(document), encoding="utf-8")
    lint = promtool(version, "check", "rules", "--lint=all", "--lint-fatal", folder / "rules.yml")
    assert lint.returncode == 0, lint.stdout + lint.stderr
    done = promtool(version, "test", "rules", folder / "tests.yml")
    return "" if done.returncode == 0 else str(done.stdout + done.stderr)


def test_each_host_is_held_against_its_own_threshold(
    version: str, promtool: Any, tmp_path: Path
) -> None:
    cases = [
        {"name": f"{host} {used}", "series": series(host, used), "at": {"0m": fired(host, used)}}
        for host, used in SEEN
    ]
    assert tried(promtool, version, tmp_path, cases) == ""


def test_hosts_side_by_side_do_not_disturb_each_other(
    version: str, promtool: Any, tmp_path: Path
) -> None:
    seen = {"low": 61, "high": 94, "same": 91, "none": 79}
    both = {
        name: values for host, used in seen.items() for name, values in series(host, used).items()
    }
    alerts = [alert for host, used in seen.items() for alert in fired(host, used)]
    case = {"name": "all", "series": both, "at": {"0m": alerts, "5m": alerts}}
    assert tried(promtool, version, tmp_path, [case]) == ""
