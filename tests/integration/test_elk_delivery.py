# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is logged while services stop, start, die and are deployed anew is found, and found once."""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest

from integration.support.chain import milliseconds
from integration.support.elk import Elk
from integration.support.host import poll

LINES, SECONDS = 10_000, 32
PATIENCE = 240  # seconds until the last line is found; the real Logstash takes its time to start
# On the host: writes lines at a steady rate, and renames the file in the middle when it is told to.
WRITER = """
import json, os, sys, time
name, lines, seconds, ids, rotate = sys.argv[1], *map(int, sys.argv[2:])
path = f"/var/log/delivery/{name}.log"
file, begin = open(path, "a"), time.time()
for number in range(lines):
    now = time.time()
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1e6):06d}Z"
    line = {"event": f"line {number}", "level": "info", "logger": "writer", "timestamp": stamp}
    if ids:
        line["event_id"] = f"{name}-{number}"
    file.write(json.dumps(line) + chr(10))
    file.flush()
    if rotate and number == lines // 2:
        file.close()
        os.rename(path, path + ".1")
        file = open(path, "a")
    time.sleep(max(0.0, begin + seconds * number / lines - time.time()))
"""


@dataclass(frozen=True)
class Writer:
    """A data set, and how it is written."""

    name: str
    lines: int
    ids: bool
    rotate: bool


# A line with an id of the application's own is found once whatever happens to its file.
WRITERS = (
    Writer("with_ids", LINES, ids=True, rotate=True),
    Writer("by_place", LINES // 5, ids=False, rotate=False),
)


def write(elk: Elk, writer: Writer, seconds: float) -> None:
    """Begin to write."""
    given = [writer.name, writer.lines, int(seconds), int(writer.ids), int(writer.rotate)]
    unit = f"writer-{writer.name}"
    elk.host.run("systemd-run", "--quiet", "--collect", f"--unit={unit}", "python3", "-c", WRITER,
                 *map(str, given))  # fmt: skip


def sleep_until(begin: float, second: float) -> None:
    """Wait until so many seconds have passed."""
    time.sleep(max(0.0, begin + second - time.time()))


def disturb(elk: Elk, begin: float) -> None:
    """Stop and kill everything once while lines are written."""
    sleep_until(begin, 2)
    elk.host.run("systemctl", "stop", "elasticsearch")
    sleep_until(begin, 8)
    elk.host.run("systemctl", "kill", "--signal=KILL", "logstash")
    elk.host.run("systemctl", "start", "--no-block", "elasticsearch")
    sleep_until(begin, 14)
    elk.host.run("systemctl", "kill", "--signal=KILL", "filebeat")
    sleep_until(begin, 18)
    elk.host.run("systemctl", "kill", "--signal=KILL", "elasticsearch")
    sleep_until(begin, 24)
    elk.host.run("systemctl", "stop", "logstash")
    sleep_until(begin, 28)
    elk.host.run("systemctl", "start", "--no-block", "logstash")


@pytest.fixture(scope="module")
def delivered(chain: Elk) -> dict[str, list[dict[str, Any]]]:
    """Write all lines under disturbance; return what is found in the end."""
    begin = time.time()
    for writer in WRITERS:
        write(chain, writer, SECONDS)
    disturb(chain, begin)
    for writer in WRITERS:
        poll(
            lambda writer=writer: chain.number(writer.name) >= writer.lines,
            PATIENCE,
            f"{writer.lines} lines of {writer.name}",
        )
    time.sleep(3)  # for what would come twice
    return {
        writer.name: chain.found(
            writer.name, "message", "log.level", "log.logger", "@timestamp", "event", "structlog"
        )
        for writer in WRITERS
    }


@pytest.mark.parametrize("writer", WRITERS, ids=lambda writer: writer.name)
def test_every_line_is_found_once(
    chain: Elk, delivered: dict[str, list[dict[str, Any]]], writer: Writer
) -> None:
    assert chain.number(writer.name) == writer.lines
    times = Counter(line["message"] for line in delivered[writer.name])
    assert times == Counter(f"line {number}" for number in range(writer.lines))


@pytest.mark.parametrize("writer", WRITERS, ids=lambda writer: writer.name)
def test_each_line_has_its_fields_and_its_time(
    delivered: dict[str, list[dict[str, Any]]], writer: Writer
) -> None:
    lines = delivered[writer.name]
    for line in lines:
        written = json.loads(line["event"]["original"])
        assert line["message"] == written["event"]
        assert (line["log"]["level"], line["log"]["logger"]) == ("info", "writer")
        assert datetime.fromisoformat(line["@timestamp"]) == milliseconds(written["timestamp"])
    ids = {value for line in lines if (value := line.get("structlog", {}).get("event_id"))}
    assert len(ids) == (writer.lines if writer.ids else 0)


def test_nothing_was_refused(chain: Elk, delivered: dict[str, list[dict[str, Any]]]) -> None:
    assert chain.number("dead_letters") in (-1, 0)


def test_a_new_pipeline_while_lines_are_written_loses_none(chain: Elk) -> None:
    writer = Writer("changed", 2_000, ids=True, rotate=False)
    write(chain, writer, 10)
    own = 'mutate { add_field => { "[labels][pipeline]" => "second" } }'
    assert chain.apply(elk_components=["logstash"], elk_logstash_filters=own)
    poll(lambda: chain.number("changed") >= writer.lines, PATIENCE, "all lines")
    found = chain.found("changed", "message", "labels")
    times = Counter(line["message"] for line in found)
    assert times == Counter(f"line {number}" for number in range(writer.lines))
    assert chain.apply(elk_components=["logstash"])
