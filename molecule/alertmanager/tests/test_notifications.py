# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Notifications that arrive: mail by STARTTLS and login, Slack, the heartbeat, and those that do not."""

from __future__ import annotations

from typing import Any

import pytest

DISK = {
    "alertname": "DiskSpaceLow",
    "job": "node-exporter",
    "severity": "critical",
}
DISKS = (DISK | {"device": "/dev/vda"}, DISK | {"device": "/dev/vdb"})
TEXTS = {
    "summary": "Low disk space on app1",
    "description": "4% of <the disk> is available & shrinks",
    "runbook_url": "https://runbooks.example.com/DiskSpaceLow",
}
FIRING = "[AI Assistant Alert] FIRING:2 critical DiskSpaceLow on "
OVER = "[AI Assistant Alert] RESOLVED:2 critical DiskSpaceLow on "


def titled(alerts: Any, kind: str, title: str) -> list[dict[str, Any]]:
    """Return the mails, or the parts of Slack messages, with a title that ends in the host's name."""
    found = alerts.received(kind)
    if kind == "slack":
        found = [part | message for message in found for part in message["body"]["attachments"]]
    return [one for one in found if one.get("subject", one.get("title")) == title + alerts.name]


@pytest.fixture(scope="module")
def told(alerts: Any, eventually: Any) -> Any:
    """Let two disks of one host fill, and wait until that is known."""
    alerts.post(*DISKS, **TEXTS)
    assert eventually(lambda: all(titled(alerts, kind, FIRING) for kind in ("mail", "slack")))
    return alerts


@pytest.fixture(scope="module")
def over(told: Any, eventually: Any) -> Any:
    """Let both disks have room again, and wait until that is known."""
    told.post(*DISKS, over=True, **TEXTS)
    assert eventually(lambda: all(titled(told, kind, OVER) for kind in ("mail", "slack")))
    return told


def since(alerts: Any) -> str:
    """Write the begin of an alert as a notification does."""
    return f"{alerts.begin:%a} {alerts.begin.day} {alerts.begin:%b %H:%M} UTC"


def silence(alerts: Any) -> str:
    """Write the fragment of the form that silences what both disks have in common."""
    labels = sorted((DISK | {"host": alerts.name, "instance": alerts.instance}).items())
    pairs = [f"{name}%3D%22{value.replace(':', '%3A')}%22" for name, value in labels]
    return f"/#/silences/new?filter=%7B{'%2C%20'.join(pairs)}%7D"


def test_one_mail_arrives_after_starttls_and_login(told: Any) -> None:
    [mail] = titled(told, "mail", FIRING)
    assert (mail["tls"], mail["login"]) == ("TLSv1.3", "alerts")
    assert (mail["sender"], mail["to"]) == ("alerts@example.com", ["admin@example.com"])
    assert mail["html"] is None  # the text is what one reads


def test_the_mail_says_what_one_needs_at_night(told: Any, host: Any) -> None:
    [mail] = titled(told, "mail", FIRING)
    name = host.check_output("hostname")
    blocks = [
        f"Alert: {TEXTS['summary']}\n"
        f"Description: {TEXTS['description']}\n"
        f"Status: firing, critical, since {since(told)}\n"
        f"Runbook: {TEXTS['runbook_url']}\n"
        f"Labels: device={device}, host={told.name}, instance={told.instance}, job=node-exporter\n"
        "Source: http://monitor:9090/graph?g0.expr=x\n"
        for device in ("/dev/vda", "/dev/vdb")
    ]
    links = (
        f"Silence: http://{name}:9093{silence(told)}\n"
        f"All alerts: http://{name}:9093/#/alerts?receiver=operators\n"
    )
    assert sorted(mail["text"].split("\n\n")[:2]) == [block.rstrip("\n") for block in blocks]
    assert mail["text"].rstrip() + "\n" == "\n".join(
        [*(f"{block}\n" for block in mail["text"].split("\n\n")[:2]), links]
    )


def test_slack_gets_the_same_in_its_own_form(told: Any, host: Any) -> None:
    [message] = titled(told, "slack", FIRING)
    name = host.check_output("hostname")
    assert message["path"] == "/slack/planted-slack"
    assert message["body"]["channel"] == "#alerts"
    assert (message["fallback"], message["color"]) == (message["title"], "danger")
    assert message["title_link"] == f"http://{name}:9093/#/alerts?receiver=operators"
    lines = (
        "*Low disk space on app1*\n"
        "4% of &lt;the disk&gt; is available &amp; shrinks\n"
        f"firing, critical, since {since(told)} · <{TEXTS['runbook_url']}|Runbook>"
        " · <http://monitor:9090/graph?g0.expr=x|Source>\n"
    )
    assert message["text"] == f"{lines}{lines}<http://{name}:9093{silence(told)}|Silence>"


def test_the_end_is_told_by_both_ways(over: Any) -> None:
    [mail], [slack] = titled(over, "mail", OVER), titled(over, "slack", OVER)
    assert mail["text"].count(f"Status: resolved, critical, since {since(over)}, until ") == 2
    assert "(1h30m" in mail["text"]
    assert "Silence:" not in mail["text"]
    assert slack["color"] == "good"
    assert "|Silence>" not in slack["text"]


@pytest.mark.parametrize(
    ("severity", "color"), [("warning", "warning"), ("critical", "danger"), ("info", "#439fe0")]
)
def test_the_color_is_that_of_the_severity(
    alerts: Any, eventually: Any, severity: str, color: str
) -> None:
    name = f"Color{severity}"
    alerts.post({"alertname": name, "severity": severity})

    def colors() -> list[str]:
        parts = [m["body"]["attachments"][0] for m in alerts.received("slack")]
        return [part["color"] for part in parts if name in part["title"]]

    assert eventually(lambda: colors() == [color]), colors()


def test_a_dead_mans_switch_gets_the_heartbeat_and_nobody_else(
    alerts: Any, eventually: Any
) -> None:
    alerts.post({"alertname": "Watchdog", "severity": "none"}, summary="Alerting works")
    assert eventually(lambda: alerts.received("webhook"))
    [beat] = alerts.received("webhook")
    assert beat["path"] == "/webhook/planted-heartbeat"
    assert (beat["body"]["receiver"], beat["body"]["status"]) == ("dead-mans-switch", "firing")
    [alert] = beat["body"]["alerts"]
    assert alert["labels"]["alertname"] == "Watchdog"
    others = [*alerts.received("mail"), *alerts.received("slack")]
    assert not [message for message in others if "Watchdog" in str(message)]


def test_what_does_not_arrive_is_counted_and_named(failed: Any, alerts: Any, host: Any) -> None:
    """The fixture sees the counters rise; the mail server refused the login."""
    journal = host.check_output("journalctl --unit=alertmanager --no-pager")
    assert "535" in journal and "night-shift" in journal
    assert {
        m["login"] for m in alerts.ask.json("http://127.0.0.1:2580/received?kind=refused%20login")
    } == {"alerts"}
    assert not [mail for mail in alerts.received("mail") if mail["to"] == ["night@example.com"]]
    assert not [mail for mail in alerts.received("mail") if "Night" in mail["subject"]]
