# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real fault becomes an alert, a mail and a Slack message, and all of them are taken back."""

from __future__ import annotations

from typing import Any

import pytest

from demo.passage import HOPS, title
from receivers.control import USER

ALERTS = (
    "HighErrorRate",
    "HighResponseTime",
    "HighMemoryUsage",
    "DiskSpaceLow",
    "ToolExecutionFailure",
)
CRITICAL = {"HighErrorRate", "DiskSpaceLow"}


@pytest.mark.parametrize("alert", ALERTS)
def test_a_documented_alert_arrives_and_resolves(passages: Any, alert: str) -> None:
    passage = passages[alert]
    assert passage.lacks(HOPS) == [], passage


@pytest.mark.parametrize("alert", ALERTS)
def test_the_mail_says_what_is_wrong_and_what_to_do(passages: Any, alert: str) -> None:
    mail = passages[alert].messages["mail"]
    assert mail["login"] == USER
    assert mail["tls"], mail
    severity = "critical" if alert in CRITICAL else "warning"
    assert severity in title(mail)
    assert f"/runbooks/{alert}" in mail["text"]


@pytest.mark.parametrize("alert", ALERTS)
def test_slack_gets_the_same_in_the_colour_of_its_state(passages: Any, alert: str) -> None:
    messages = passages[alert].messages
    firing, resolved = messages["slack"]["body"], messages["resolved slack"]["body"]
    assert firing["channel"] == "#alerts"
    wanted = "danger" if alert in CRITICAL else "warning"
    assert firing["attachments"][0]["color"] == wanted
    assert resolved["attachments"][0]["color"] == "good"


def test_the_threshold_of_one_group_of_hosts_is_obeyed_by_its_hosts_alone(
    passages: Any, stack: Any
) -> None:
    mail = passages["HighMemoryUsage"].messages["mail"]
    assert f"on {stack.app_name}" in title(mail)
    own = f'alert:threshold{{alert="HighMemoryUsage",host="{stack.app_name}"}}'
    assert stack.prometheus.value(own) < stack.prometheus.value(
        'alert:threshold{alert="HighMemoryUsage",host=""}'
    )
    watched = 'max_over_time(ALERTS{alertname="HighMemoryUsage",host="%s"}[5m])'
    assert stack.prometheus.query(watched % stack.monitor_name) == []
