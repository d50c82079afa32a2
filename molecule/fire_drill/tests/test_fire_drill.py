# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scheduled drills: their timer, their sandbox, their result as a metric, their password."""

from __future__ import annotations

from typing import Any

import pytest

METRICS = "http://127.0.0.1:9100/metrics"


def test_the_timer_waits_for_its_time(host: Any) -> None:
    shown = host.check_output(
        "systemctl show fire_drill.timer --property=ActiveState,SubState,NextElapseUSecRealtime"
    )
    values = dict(line.split("=", 1) for line in shown.splitlines())
    assert (values["ActiveState"], values["SubState"]) == ("active", "waiting")
    assert " 10:00:00 " in values["NextElapseUSecRealtime"]


def test_when_one_is_overdue_is_a_metric(ask: Any) -> None:
    assert ask.metrics(METRICS)["barehost_fire_drill_overdue_after_seconds"] == 518400


@pytest.fixture(scope="module")
def journal(host: Any) -> str:
    """Let a drill run; nobody is there whom it could ask."""
    assert host.run("systemctl start fire_drill").rc == 1
    return str(host.check_output("journalctl --unit=fire_drill --output=cat --no-pager"))


def test_a_drill_says_what_is_wrong_and_what_to_do(host: Any, journal: str) -> None:
    name = host.check_output("hostname")
    assert f" on {name} FAILED" in journal
    assert "FAILED: http://127.0.0.1:9090: Connection refused" in journal
    assert "what to do: systemctl status prometheus" in journal


def test_its_result_is_a_metric(ask: Any, eventually: Any, journal: str) -> None:
    assert eventually(lambda: ask.metrics(METRICS).get("barehost_fire_drill_success") == 0)
    assert "barehost_fire_drill_last_success_timestamp_seconds" not in ask.metrics(METRICS)


def test_the_sandbox_is_strict(host: Any) -> None:
    line = host.check_output("systemd-analyze security --no-pager fire_drill.service | tail -n 1")
    assert float(line.split(":")[1].split()[0]) <= 2.0


def test_the_password_is_seen_nowhere(host: Any, journal: str) -> None:
    assert "planted-drill" not in journal
    assert "planted-drill" not in host.check_output("systemctl show fire_drill.service")
    readable = "find /etc /run /var/lib -xdev -type f -perm -o+r -exec grep -l planted-drill {} +"
    assert host.run(readable).stdout == ""
    found = host.check_output("grep -rl planted-drill /etc/fire_drill")
    assert found == "/etc/fire_drill/credentials/url_password"
