# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The receiver: what arrives, what does not count, and who has the address."""

from __future__ import annotations

import json
import socket
import time
import urllib.error
import urllib.request
from typing import Any

import pytest
from ansible_collections.barehost.monitoring.plugins.module_utils.fire_drill._inbox import (
    Busy,
    Inbox,
    listening,
)

HERE = ("127.0.0.1", 0)


def message(status: str, drill: str = "d1") -> dict[str, Any]:
    return {"status": status, "alerts": [{"status": status, "labels": {"drill": drill}}]}


def post(port: int, body: bytes) -> int:
    request = urllib.request.Request(f"http://127.0.0.1:{port}/any", body)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as exc:
        return exc.code


def test_what_arrives_is_remembered_with_its_first_time() -> None:
    ticks = iter([10.0, 20.0, 30.0])
    inbox = Inbox("d1", lambda: next(ticks))
    with listening(HERE, inbox, 0) as port:
        codes = [
            post(port, json.dumps(message(status)).encode())
            for status in ("firing", "firing", "resolved")
        ]
    assert codes == [200, 200, 200]
    assert inbox.seen["firing"] == 10.0
    assert set(inbox.seen) == {"firing", "resolved"}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (json.dumps(message("resolved", "an earlier one")).encode(), 200),
        (b'{"alerts": []}', 200),
        (b"[]", 200),
        (b"not json", 400),
        (b"", 400),
    ],
)
def test_what_is_not_about_this_drill_does_not_count(body: bytes, status: int) -> None:
    inbox = Inbox("d1")
    with listening(HERE, inbox, 0) as port:
        assert post(port, body) == status
    assert inbox.seen == {}


def test_without_a_name_every_drill_counts() -> None:
    inbox = Inbox()
    inbox.take(message("resolved", "any"))
    assert set(inbox.seen) == {"resolved"}


def test_one_drill_at_a_time_and_the_next_one_waits() -> None:
    with listening(HERE, Inbox(), 0) as port:
        taken = pytest.raises(Busy, match=f"127.0.0.1:{port} is taken: another drill runs")
        with taken, listening(("127.0.0.1", port), Inbox(), 0):
            pass
    begin = time.monotonic()
    with listening(("127.0.0.1", port), Inbox(), 5):
        assert time.monotonic() - begin < 0.4, "the address was not free again"


def test_it_waits_for_another_one() -> None:
    with socket.socket() as other:
        other.bind(HERE)
        other.listen()
        with pytest.raises(Busy):
            begin = time.monotonic()
            with listening(("127.0.0.1", other.getsockname()[1]), Inbox(), 0.6):
                pass
        assert time.monotonic() - begin >= 0.6


def test_an_address_of_another_host_is_refused_at_once() -> None:
    refused = pytest.raises(Busy, match="cannot listen on 192.0.2.1:9195: ")
    with refused, listening(("192.0.2.1", 9195), Inbox(), 60):
        pass
