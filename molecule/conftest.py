# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of all scenarios ask the running services with."""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Callable
from typing import Any

import pytest

# Runs on the host, where neither curl nor anything else than Python is to be expected.
_REQUEST = """
import sys, urllib.error, urllib.request
url, body, authorization = sys.argv[1:]
headers = {"Content-Type": "application/json"} if body else {}
if authorization:
    headers["Authorization"] = authorization
request = urllib.request.Request(url, body.encode() or None, headers)
try:
    answer = urllib.request.urlopen(request, timeout=10)
except urllib.error.HTTPError as error:
    answer = error
sys.stdout.write(f"{answer.status}\\n{answer.read().decode()}")
"""


class Asker:
    """Asks services on one host over HTTP."""

    def __init__(self, host: Any) -> None:
        self.host = host

    def answer(self, url: str, body: Any = None, user: str = "") -> tuple[int, str]:
        """Return status and text; user is name:password."""
        data = "" if body is None else json.dumps(body)
        login = f"Basic {base64.b64encode(user.encode()).decode()}" if user else ""
        text = self.host.check_output("python3 -c %s %s %s %s", _REQUEST, url, data, login)
        status, _newline, content = text.partition("\n")
        return int(status), content

    def text(self, url: str, user: str = "") -> str:
        """Return the text of an answer that must be good."""
        status, content = self.answer(url, user=user)
        assert status == 200, content
        return content

    def json(self, url: str, user: str = "") -> Any:
        """Return the data of an answer that must be good; for Prometheus, what it wraps."""
        data = json.loads(self.text(url, user))
        return data["data"] if isinstance(data, dict) and "data" in data else data

    def metrics(self, url: str, user: str = "") -> dict[str, float]:
        """Return series and values of a page of metrics."""
        lines = [line for line in self.text(url, user).splitlines() if not line.startswith("#")]
        return {series: float(value) for series, value in (line.rsplit(" ", 1) for line in lines)}


@pytest.fixture(scope="module")
def ask(host: Any) -> Asker:
    """Ask services on the host."""
    return Asker(host)


@pytest.fixture
def exposure(host: Any) -> Callable[[str], float]:
    """Measure how exposed a unit is: 0 is a sealed one, 10 an open one."""

    def measure(unit: str) -> float:
        text = host.check_output("systemd-analyze --no-pager security %s", unit)
        found = re.search(r"Overall exposure level for \S+: ([\d.]+)", text)
        assert found, text
        return float(found[1])

    return measure


# Where others could read a secret. Planted ones hold the word "planted"; it is spelt here so that
# the search does not find itself.
_PLACES = """
(cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ
systemctl show "$1"; systemctl cat "$1"; journalctl --no-pager; cat /var/lib/barehost/*/*.json
find / -xdev -type f -perm -o=r -size -9M -newer /etc/machine-id \\
  -not -path '/proc/*' -not -path '/sys/*' -exec cat {} +) 2>/dev/null | tr '\\0' '\\n' | grep -aE "$2"
"""


@pytest.fixture
def readable(host: Any) -> Callable[..., list[str]]:
    """Find what everybody on the host can read about a unit, or root can where no secret belongs."""

    def find(unit: str, pattern: str = "[p]lanted") -> list[str]:
        text = host.run("sh -c %s sh %s %s", _PLACES, unit, pattern).stdout
        return [line for line in text.splitlines() if "grep" not in line]

    return find


def eventually(holds: Callable[[], bool], seconds: float = 30) -> bool:
    """Wait until something holds that needs a scrape or two."""
    limit = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > limit:
            return False
        time.sleep(1)
    return True


@pytest.fixture(scope="session", name="eventually")
def _eventually() -> Callable[..., bool]:
    return eventually
