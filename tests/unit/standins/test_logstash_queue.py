# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The queue on disk: what was pushed survives a kill; what was acknowledged does not come again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from elastic.common import Refused
from elastic.logstash.event import Event
from elastic.logstash.queue import Persisted

MB = 1 << 20
# Pushes numbers and says which are stored; takes and acknowledges ten of twenty.
CHILD = """
import sys
from pathlib import Path
from elastic.logstash.event import Event
from elastic.logstash.queue import Persisted
queue = Persisted(Path(sys.argv[1]), 4096, 1 << 20)
number = 0
while True:
    queue.push([Event({"n": number + i}) for i in range(20)], lambda: False)
    number += 20
    queue.acknowledge(queue.take(10, 1))
    print(number, flush=True)
"""


def _queue(folder: Path, page: int = MB, most: int = MB) -> Persisted:
    return Persisted(folder / "queue", page, most)


def _numbers(queue: Persisted) -> list[int]:
    return [event.data["n"] for event in queue.take(1 << 20, 0)]


def _push(queue: Persisted, *numbers: int) -> bool:
    return queue.push([Event({"n": number}) for number in numbers], lambda: True)


def test_what_was_not_acknowledged_comes_again(tmp_path: Path) -> None:
    queue = _queue(tmp_path, page=100)  # about one event a page
    for number in range(6):
        _push(queue, number)
    queue.acknowledge(queue.take(2, 0))
    assert _numbers(queue) == [2, 3, 4, 5]
    assert queue.empty
    queue.close()
    again = _queue(tmp_path, page=100)
    assert _numbers(again) == [2, 3, 4, 5]
    again.close()


def test_pages_go_when_their_events_are_acknowledged(tmp_path: Path) -> None:
    queue = _queue(tmp_path, page=100)
    _push(queue, *range(5))
    _push(queue, *range(5))
    queue.acknowledge(queue.take(10, 0))
    assert not list((tmp_path / "queue").glob("page.*"))
    _push(queue, 7)
    assert _numbers(queue) == [7]
    queue.close()


def test_a_full_queue_takes_nothing(tmp_path: Path) -> None:
    queue = _queue(tmp_path, page=100, most=200)
    while _push(queue, 1):
        assert queue.size < 1000
    queue.acknowledge(queue.take(100, 0))
    assert _push(queue, 2)
    queue.close()


def test_a_torn_end_is_cut_off(tmp_path: Path) -> None:
    queue = _queue(tmp_path)
    _push(queue, 1, 2)
    queue.close()
    page = tmp_path / "queue" / "page.0"
    page.write_bytes(page.read_bytes()[:-3])
    again = _queue(tmp_path)
    _push(again, 3)
    assert _numbers(again) == [1, 3]
    again.close()


def test_two_processes_do_not_share_it(tmp_path: Path) -> None:
    queue = _queue(tmp_path)
    with pytest.raises(Refused, match="Lock held"):
        _queue(tmp_path)
    queue.close()


@pytest.mark.parametrize("rounds", [1, 5, 23])
def test_a_kill_loses_nothing(tmp_path: Path, rounds: int) -> None:
    folder = Path(__file__).resolve().parents[2] / "standins"
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    command = [sys.executable, "-c", CHILD, str(tmp_path / "queue")]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    assert child.stdout
    stored = [int(child.stdout.readline()) for _count in range(rounds)][-1]
    child.send_signal(signal.SIGKILL)
    child.wait()
    queue = _queue(tmp_path, page=4096)
    found = _numbers(queue)
    queue.close()
    assert found == list(range(found[0], found[-1] + 1))
    assert found[0] <= stored + 10  # no more was forgotten than was acknowledged
    assert found[-1] >= stored - 1
