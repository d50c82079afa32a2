# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a service on a test host did not answer."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from integration.support.fake import Fake

# Asks without end, and tells when its input ends; on the host, so that nothing else is measured.
_WATCH = """
import http.client, json, select, sys, time
port, longest, good = int(sys.argv[1]), 0.0, None
print("watching", flush=True)
while not select.select([sys.stdin], [], [], 0.01)[0]:
    asked = time.monotonic()
    try:
        link = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
        link.request("GET", "/-/ready")
        well = link.getresponse().status == 200
    except (OSError, http.client.HTTPException):  # it may die in the middle of an answer
        well = False
    if well:
        longest, good = max(longest, asked - (asked if good is None else good)), time.monotonic()
if good is not None:
    longest = max(longest, time.monotonic() - good)
print(json.dumps(longest))
"""


class Outage:
    """The longest time without an answer, in seconds; known once the watch is over."""

    seconds = -1.0


@contextmanager
def watched(fake: Fake) -> Iterator[Outage]:
    """Watch a daemon that serves; from its first answer to the end of the watch."""
    process = fake.host.start("/usr/bin/python3", "-u", "-c", _WATCH, str(fake.port))
    outage = Outage()
    assert process.stdout is not None
    assert process.stdout.readline() == b"watching\n"
    try:
        yield outage
    finally:
        outage.seconds = _end(process)


def _end(process: subprocess.Popen[bytes]) -> float:
    out, err = process.communicate(timeout=10)
    assert process.returncode == 0, err.decode()
    return float(json.loads(out.decode().splitlines()[-1]))


def of_a_restart(fake: Fake) -> float:
    """Measure how long the daemon does not answer when systemd restarts it."""
    with watched(fake) as outage:
        fake.host.run("systemctl", "restart", fake.unit)
        fake.host.sh(
            f"until systemctl is-active --quiet {fake.unit}; do sleep 0.01; done; sleep 0.3"
        )
    return outage.seconds
