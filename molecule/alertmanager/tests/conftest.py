# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Alerts that are posted as Prometheus would, and what the test receivers got of them."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Callable
from typing import Any

import pytest

URL = "http://127.0.0.1:9093"
RECEIVERS = "http://127.0.0.1:2580"
Message = dict[str, Any]


class Alerts:
    """Posts alerts about a host that no earlier run has told of."""

    def __init__(self, ask: Any) -> None:
        self.ask, self.name = ask, f"app1-{uuid.uuid4().hex[:6]}"
        self.instance = f"{self.name}:9100"
        self.begin = datetime.datetime.now(datetime.UTC) - datetime.timedelta(minutes=90)

    def post(self, *labels: dict[str, str], over: bool = False, **annotations: str) -> None:
        """Post alerts that fire since 90 minutes; over: that have done so until now."""
        now = datetime.datetime.now(datetime.UTC)
        alerts = [
            {
                "labels": {"host": self.name, "instance": self.instance, **one},
                "annotations": annotations,
                "startsAt": self.begin.isoformat(),
                "endsAt": (now if over else now + datetime.timedelta(minutes=5)).isoformat(),
                "generatorURL": "http://monitor:9090/graph?g0.expr=x",
            }
            for one in labels
        ]
        status, text = self.ask.answer(f"{URL}/api/v2/alerts", body=alerts)
        assert status == 200, text

    def received(self, kind: str) -> list[Message]:
        """Return the messages of a kind that name the host, oldest first."""
        found: list[Message] = self.ask.json(f"{RECEIVERS}/received?kind={kind}")
        return [message for message in found if self.name in str(message)]


@pytest.fixture(scope="module")
def alerts(ask: Any) -> Alerts:
    """Post alerts, and read what arrived."""
    return Alerts(ask)


@pytest.fixture(scope="module")
def failed(alerts: Alerts, eventually: Callable[..., bool]) -> dict[str, float]:
    """Tell the night shift, which cannot be reached; return what was counted before."""

    def counted() -> dict[str, float]:
        found = alerts.ask.metrics(f"{URL}/metrics").items()
        return {
            way: sum(
                value
                for name, value in found
                if name.startswith("alertmanager_notifications_failed_total{") and way in name
            )
            for way in ('integration="email"', 'integration="webhook"')
        }

    before = counted()
    alerts.post({"alertname": "Night", "severity": "critical", "team": "night"})
    assert eventually(lambda: all(counted()[way] > before[way] for way in before)), counted()
    return before
