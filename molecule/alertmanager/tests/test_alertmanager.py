# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Alertmanager, asked over HTTP: whom it tells, what it holds back, what it keeps to itself."""

from __future__ import annotations

import datetime
import hashlib
from typing import Any

import pytest
import yaml

URL = "http://127.0.0.1:9093"


def alert(name: str, severity: str, **labels: str) -> dict[str, Any]:
    """Make an alert that fires for five minutes."""
    end = datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=5)
    labels |= {"alertname": name, "severity": severity}
    return {"labels": labels, "annotations": {"summary": name}, "endsAt": end.isoformat()}


DISK = {"job": "node-exporter", "instance": "a:9100", "device": "/dev/vda"}
OTHER_DISK = DISK | {"device": "/dev/vdb"}
REDIS = {"job": "redis", "instance": "b:9121"}
SEARCH = {"job": "ai-assistant", "tool_name": "search"}
MAIL = {"job": "ai-assistant", "tool_name": "mail"}

# What is posted, whether it is held back, and who is told.
CASES = {
    "the graver step": (alert("Disk", "critical", **DISK), "active", "operators"),
    "the lesser step of the same": (alert("Disk", "warning", **DISK), "suppressed", "operators"),
    "another device": (alert("Disk", "warning", **OTHER_DISK), "active", "operators"),
    "another alert there": (alert("Memory", "warning", **DISK), "active", "operators"),
    "a tool": (alert("ToolFails", "critical", **SEARCH), "active", "operators"),
    "the lesser step of it": (alert("ToolFails", "warning", **SEARCH), "suppressed", "operators"),
    "another tool": (alert("ToolFails", "warning", **MAIL), "active", "operators"),
    "a dead target": (alert("TargetDown", "critical", **REDIS), "active", "operators"),
    "a warning of it": (alert("RedisSlow", "warning", **REDIS), "suppressed", "operators"),
    "a warning without instance": (alert("Slow", "warning", job="redis"), "active", "operators"),
    "a critical one of it": (alert("RedisGone", "critical", **REDIS), "active", "operators"),
    "the heartbeat": (alert("Watchdog", "none"), "active", "dead-mans-switch"),
    "a drill": (alert("FireDrill", "none", drill="x"), "active", "fire-drill"),
}


@pytest.fixture
def posted(ask: Any) -> list[dict[str, Any]]:
    """Post all alerts and return them with what Alertmanager says about them."""
    status, text = ask.answer(f"{URL}/api/v2/alerts", body=[case[0] for case in CASES.values()])
    assert status == 200, text
    found: list[dict[str, Any]] = ask.json(f"{URL}/api/v2/alerts")
    return found


def test_who_is_told_and_what_is_held_back(posted: list[dict[str, Any]]) -> None:
    said = {
        case: (a["status"]["state"], [receiver["name"] for receiver in a["receivers"]])
        for case, (sent, _state, _name) in CASES.items()
        for a in posted
        if a["labels"] == sent["labels"]
    }
    assert said == {case: (state, [name]) for case, (_sent, state, name) in CASES.items()}


def test_it_runs_the_file_on_the_host(host: Any, ask: Any) -> None:
    content = host.file("/etc/alertmanager/alertmanager.yml").content
    digest = int.from_bytes(hashlib.md5(content).digest()[:6], "little")
    assert ask.metrics(f"{URL}/metrics")["alertmanager_config_hash"] == digest


def test_the_receivers_are_loaded(ask: Any) -> None:
    config = yaml.safe_load(ask.json(f"{URL}/api/v2/status")["config"]["original"])
    receivers = {r["name"]: r for r in config["receivers"]}
    assert set(receivers) == {"operators", "dead-mans-switch", "fire-drill", "night-shift"}
    assert receivers["operators"]["email_configs"][0]["to"] == "admin@example.com"
    assert receivers["operators"]["email_configs"][0]["send_resolved"] is True
    assert "html" not in receivers["operators"]["email_configs"][0]  # the text is what one reads
    assert receivers["operators"]["slack_configs"][0]["channel"] == "#alerts"
    assert config["route"]["group_by"] == ["alertname", "job", "instance"]


def test_it_is_alone_and_on_loopback(host: Any, ask: Any) -> None:
    assert ask.json(f"{URL}/api/v2/status")["cluster"]["status"] == "disabled"
    assert "9094" not in host.check_output("ss -Hltn")


def test_the_unit_is_sealed(exposure: Any) -> None:
    assert exposure("alertmanager") <= 2.0
