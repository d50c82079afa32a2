# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report counts, and says what to do."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.barehost.monitoring.plugins.plugin_utils import _this_run, _verify_report


def daemon(*warnings: bool, **seen: Any) -> dict[str, Any]:
    findings = [
        {"check": "state", "fault": "it is wrong", "remedy": "mend it", "warning": warning}
        for warning in warnings
    ]
    return _this_run.marked({"findings": findings, "seen": {"active": "active", **seen}})


@pytest.mark.parametrize(
    ("daemons", "verdicts", "summary"),
    [
        ({"a": daemon()}, ["ok"], "1 daemon on 1 host: all as described, and well"),
        ({"a": daemon(True)}, ["warning"], "1 daemon on 1 host: 0 faults, 1 warning"),
        (
            {"a": daemon(True, False), "b": daemon()},
            ["FAULT", "ok"],
            "2 daemons on 1 host: 1 fault, 1 warning",
        ),
        # On a host that can not be reached the fault is told once.
        (
            {"a": daemon(False, active="unknown"), "b": daemon(active="unknown")},
            ["FAULT", "unknown"],
            "2 daemons on 1 host: 1 fault, 0 warnings, 1 unknown",
        ),
    ],
)
def test_verdicts(daemons: dict[str, Any], verdicts: list[str], summary: str) -> None:
    facts = {
        "web1": {f"barehost_verified_{name}": found for name, found in daemons.items()},
        "web2": {"other": 1},
    }
    made = _verify_report.report(facts)
    lines = _verify_report.table(made).splitlines()
    assert [line.split()[2] for line in lines[1 : 1 + len(daemons)]] == verdicts
    assert lines[-1] == summary == _verify_report.summary(made)
    assert set(made["hosts"]) == {"web1"}
    assert [found["verdict"] for found in made["hosts"]["web1"].values()] == verdicts


def test_a_line_says_what_was_seen() -> None:
    seen = {
        "listens": ["[::]:9090", "127.0.0.1:1"],
        "exposure": 1.10,
        "disk_free": 0.161,
        "clock_skew": 0.2,
    }
    made = _verify_report.report({"m": {"barehost_verified_p": daemon(version="3.5.3", **seen)}})
    shown = "3.5.3, [::]:9090 127.0.0.1:1, sandbox 1.1, disk 16% free, clock skew 0.2"
    assert _verify_report.table(made).splitlines()[1].endswith(shown)


def test_each_finding_names_host_daemon_and_remedy() -> None:
    made = _verify_report.report({"m": {"barehost_verified_p": daemon(False)}})
    assert "FAULT: m: p: state: it is wrong\n    mend it" in _verify_report.table(made)
