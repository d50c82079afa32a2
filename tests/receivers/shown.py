# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A message in one line, for people."""

from __future__ import annotations

import time

from receivers.server.store import Message


def line(message: Message) -> str:
    """Tell when a message came, by which way, and what it is about."""
    moment = time.strftime("%H:%M:%S", time.localtime(message["at"]))
    return f"{moment}  {message['kind']:<8} {_about(message)}"


def _about(message: Message) -> str:
    if message["kind"] == "mail":
        way = f"{message['tls'] or 'no TLS'}, login {message['login']}"
        return f"{message['subject']}  (to {', '.join(message['to'])}; {way})"
    if message["kind"] == "slack":
        found = [part.get("title", "") for part in message["body"].get("attachments", [])]
        return f"{' / '.join(found)}  (to {message['body'].get('channel')})"
    if message["kind"] == "webhook":
        alerts = message["body"].get("alerts", [])
        names = {alert["labels"]["alertname"]: None for alert in alerts}
        return f"{', '.join(names)} {message['body'].get('status', '')}".strip()
    return str(message.get("login", ""))
