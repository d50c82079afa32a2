# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The way of an alert: from a fault to Prometheus, to Alertmanager, to a mailbox and to Slack, and back."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from demo.faults import Fault
from demo.stack import Stack
from receivers.server.store import Message

HOPS = ("firing", "mail", "slack", "quiet", "resolved mail", "resolved slack")
PATIENCE = 120.0  # seconds for all alerts to arrive, and again for all to resolve
Tell = Callable[[str], None]


@dataclass
class Passage:
    """How far an alert has come, in seconds since its fault began (or ended, once it is over)."""

    alert: str
    hops: dict[str, float] = field(default_factory=dict)
    messages: dict[str, Message] = field(default_factory=dict)

    def lacks(self, hops: Sequence[str]) -> list[str]:
        """Return the hops that it has not made."""
        return [hop for hop in hops if hop not in self.hops]


def title(message: Message) -> str:
    """Return the title line of a mail or of a Slack message."""
    if message["kind"] == "mail":
        return str(message["subject"])
    return str(message["body"]["attachments"][0]["title"])


def follow(stack: Stack, faults: Sequence[Fault], tell: Tell = lambda line: None) -> list[Passage]:
    """Cause all faults at once, wait until each was told, end them, wait until each was called over.

    Returns what has happened until then or until patience ended; `lacks` tells what has not.
    """
    passages = [Passage(fault.alert) for fault in faults]
    begin = time.time()
    try:
        for fault in faults:
            fault.cause(stack.app)
        _watch(stack, passages, begin, HOPS[:3], "FIRING", tell)
        for fault in faults:
            if not fault.lasts(stack.app):
                tell(f"{fault.alert}: its fault ended early: {fault.words(stack.app)}")
    finally:
        for fault in faults:
            fault.end(stack.app)
    _watch(stack, passages, time.time(), HOPS[3:], "RESOLVED", tell)
    return passages


def _watch(
    stack: Stack,
    passages: Sequence[Passage],
    since: float,
    hops: Sequence[str],
    status: str,
    tell: Tell,
) -> None:
    """Note each hop when it is made, until all are or patience ends."""
    in_prometheus, by_mail, by_slack = hops
    while any(passage.lacks(hops) for passage in passages) and time.time() < since + PATIENCE:
        firing = stack.prometheus.firing()
        messages = stack.receivers.received(since=since)
        for passage in passages:
            if (passage.alert in firing) == (status == "FIRING"):
                _note(passage, in_prometheus, time.time() - since, tell)
            for message in messages:
                hop = {"mail": by_mail, "slack": by_slack}.get(message["kind"])
                if hop and passage.alert in title(message) and status in title(message):
                    passage.messages.setdefault(hop, message)
                    _note(passage, hop, message["at"] - since, tell)
        time.sleep(1)


def _note(passage: Passage, hop: str, seconds: float, tell: Tell) -> None:
    if hop not in passage.hops:
        passage.hops[hop] = seconds
        shown = f": {title(passage.messages[hop])}" if hop in passage.messages else ""
        tell(f"{seconds:5.1f} s  {passage.alert:<22}{hop}{shown}")
