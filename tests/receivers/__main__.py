# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Command line: python3 -m receivers start HOST [ADDRESS] | show HOST | stop HOST."""

from __future__ import annotations

import sys

from hosts.container import Host
from hosts.shell import say
from receivers.control import USER, Receivers
from receivers.places import OnHost
from receivers.shown import line


def start(name: str, listen: str = "127.0.0.1") -> None:
    """Start receivers on a test host, empty, and tell how to reach them."""
    receivers = Receivers.start(OnHost(Host(name)), listen, name="" if _loopback(listen) else name)
    say(f"{name}: test receivers, they deliver nothing")
    say(f"  mail      {receivers.smarthost}, STARTTLS (CA {receivers.ca_file}), login {USER}")
    say(f"  Slack     {receivers.slack_url}")
    say(f"  webhooks  {receivers.webhook_url}")


def show(name: str) -> None:
    """Show what has arrived."""
    for message in Receivers.on(Host(name)).received():
        say(line(message))


def stop(name: str) -> None:
    """End the receivers of a test host."""
    Receivers.on(Host(name)).stop()


def _loopback(address: str) -> bool:
    return address in ("127.0.0.1", "localhost")


if __name__ == "__main__":
    {"start": start, "show": show, "stop": stop}[sys.argv[1]](*sys.argv[2:])
