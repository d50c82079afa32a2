# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a drill has found: how long each hop took, or which one failed, why, and what to do. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

# Each hop: what has happened once it is made, and what to look at when it is not.
HOPS: Mapping[str, tuple[str, str]] = {
    "armed": (
        "a harmless sample of this host is in Prometheus",
        "look at this host's target node-exporter on Prometheus' targets page, and at: "
        "systemctl status node_exporter",
    ),
    "scraped": (
        "the fault is in Prometheus",
        "look at this host's target node-exporter on Prometheus' targets page",
    ),
    "rule": (
        "its rule fires",
        "promtool check rules /etc/prometheus/rules/alerts.yml; deploy with site.yml",
    ),
    "alertmanager": (
        "every Alertmanager has the alert",
        "systemctl status alertmanager; look at prometheus_alertmanagers, and on Prometheus' host "
        "at: journalctl --unit=prometheus --grep=Alertmanager",
    ),
    "receiver": (
        "the notification is at the receiver",
        "journalctl --unit=alertmanager --grep=Notify; its receiver fire-drill "
        "(alertmanager_fire_drill) has to lead to where the drill listens (fire_drill_listen)",
    ),
    "ended": (
        "the fault is gone, and the rule has stopped",
        "look at this host's target node-exporter on Prometheus' targets page",
    ),
    "resolved": (
        "the message that it is over is at the receiver",
        "journalctl --unit=alertmanager --grep=Notify; send_resolved of alertmanager_fire_drill "
        "has to be true, and the group_interval of its route shorter than fire_drill_patience",
    ),
}
CAUSED = ("scraped", "rule", "alertmanager", "receiver")  # after the fault begins
OVER = ("ended", "resolved")  # after it ends


class Broken(Exception):
    """The chain is broken at a hop."""

    def __init__(self, hop: str, fault: str, remedy: str = "") -> None:
        super().__init__(fault)
        self.hop = hop
        self.remedy = remedy or HOPS[hop][1]


class Strayed(Broken):
    """The alert is where it must not go: the fault ends at once."""


@dataclass
class Report:
    """One drill. Times are in seconds."""

    drill: str
    host: str
    started: float  # since the epoch
    page: bool = False
    inspected: bool = False  # nothing was fired
    receivers: list[str] = field(default_factory=list)  # what Alertmanager said it would tell
    hops: dict[str, float] = field(default_factory=dict)  # how long each took
    seconds: float = 0
    failed_hop: str = ""
    fault: str = ""
    remedy: str = ""

    @property
    def passed(self) -> bool:
        """Whether every hop was made."""
        return not self.fault

    def as_dict(self) -> dict[str, Any]:
        """The report for machines."""
        shown = ("drill", "host", "page", "inspected", "receivers", "failed_hop", "fault", "remedy")
        return {
            "passed": self.passed,
            **{name: getattr(self, name) for name in shown},
            "started": round(self.started, 3),
            "seconds": round(self.seconds, 2),
            "hops": [
                {"hop": hop, "seconds": round(self.hops[hop], 2), "what": HOPS[hop][0]}
                for hop in HOPS
                if hop in self.hops
            ],
        }


def latencies(hops: Sequence[str], begin: float, seen: Mapping[str, float]) -> dict[str, float]:
    """How long each hop took since the one before; begin: when the first one could start.

    A hop that was looked for later than the next one arrived was made by then: what comes later
    proves what comes before it.
    """
    times: dict[str, float] = {}
    latest = float("inf")
    for hop in reversed([hop for hop in hops if hop in seen]):
        latest = max(begin, min(latest, seen[hop]))
        times[hop] = latest
    found, before = {}, begin
    for hop in hops:
        if hop in times:
            found[hop] = times[hop] - before
            before = times[hop]
    return found


def table(report: Mapping[str, Any]) -> list[str]:
    """The report for people, of what as_dict has made."""
    good = "could run, nothing was fired" if report["inspected"] else "passed"
    how = good if report["passed"] else "FAILED"
    title = f"Fire drill {report['drill']} on {report['host']} {how} ({report['seconds']:.1f} s)"
    lines = [title]
    if report["hops"] or not report["passed"]:
        lines.append(f"{'hop':<14}{'seconds':>8}  what has happened")
    lines += [f"{one['hop']:<14}{one['seconds']:>8.2f}  {one['what']}" for one in report["hops"]]
    if report["receivers"]:
        lines.append(f"{'told':<24}{', '.join(report['receivers'])}")
    if not report["passed"]:
        lines.append(f"{report['failed_hop']:<14}{'-':>8}  FAILED: {report['fault']}")
        lines.append(f"what to do: {report['remedy']}")
    return lines
