# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever is logged, a line is valid JSON."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.barehost.monitoring.tests.unit.examples.support import EXAMPLE

from ai_assistant.instrumentation.logs import LONGEST, LONGEST_LINE, to_json

PROGRAM = """
import logging, threading, warnings
import structlog
from ai_assistant.instrumentation.logs import configure_logging

configure_logging("INFO", service="test")
log = structlog.stdlib.get_logger("mine")
structlog.contextvars.bind_contextvars(request_id="r1")
log.info("structured", size=3, at=float("nan"))
log.debug("unseen")
logging.getLogger("library").warning("standard %s", "text", extra={"extra_field": 1})
try:
    1 / 0
except ZeroDivisionError:
    log.exception("caught")
warnings.warn("deprecated")
thread = threading.Thread(target=lambda: {}["missing"])
thread.start()
thread.join()
raise SystemError("uncaught\\nwith two lines")
"""


@pytest.fixture(scope="module")
def lines() -> list[dict[str, Any]]:
    """Run the program and read what it prints."""
    environment = {"PYTHONPATH": str(EXAMPLE / "src"), "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr == ""
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_every_source_has_its_line(lines: list[dict[str, Any]]) -> None:
    assert [(line["logger"], line["level"]) for line in lines] == [
        ("mine", "info"),
        ("library", "warning"),
        ("mine", "error"),
        ("py.warnings", "warning"),
        ("process", "critical"),
        ("process", "critical"),
    ]
    assert {line["service"] for line in lines} == {"test"}
    assert {line["request_id"] for line in lines[:4]} == {"r1"}


def test_fields_and_texts_arrive(lines: list[dict[str, Any]]) -> None:
    structured, library, caught, warning, thread, uncaught = lines
    assert (structured["message"], structured["size"], structured["at"]) == ("structured", 3, "nan")
    assert (library["message"], library["extra_field"]) == ("standard text", 1)
    assert caught["exception"].endswith("ZeroDivisionError: division by zero")
    assert "deprecated" in warning["message"]
    assert "KeyError: 'missing'" in thread["exception"]
    assert uncaught["exception"].endswith("SystemError: uncaught\nwith two lines")


def test_time_is_utc_with_zone(lines: list[dict[str, Any]]) -> None:
    when = datetime.fromisoformat(lines[0]["@timestamp"])
    assert when.utcoffset() is not None
    assert abs((datetime.now(UTC) - when).total_seconds()) < 600


class Unknown:
    """Something that does not even know how to be printed."""

    def __str__(self) -> str:
        raise RuntimeError


CIRCLE: list[Any] = []
CIRCLE.append(CIRCLE)


class Odd:
    """Something that only knows how to be printed."""

    def __str__(self) -> str:
        return "odd"


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (float("inf"), "inf"),
        (Odd(), "odd"),
        (Path("/tmp"), "/tmp"),
        (b"\xff", "b'\\xff'"),
        (Unknown(), "<Unknown: RuntimeError>"),
        pytest.param(10**5000, "<int: ValueError>", id="huge"),
        pytest.param(CIRCLE, [[[[[[[["[[...]]"]]]]]]]], id="circle"),
        ({1: {2}, (1, 2): None}, {"1": [2], "(1, 2)": None}),
        ([True, 1.5, ("a",)], [True, 1.5, ["a"]]),
        ("\udcff\x00\n", "\udcff\x00\n"),
        ("x" * (LONGEST + 1), "x" * (LONGEST // 2) + " ... " + "x" * (LONGEST // 2)),
    ],
)
def test_odd_values_make_valid_json(value: object, found: object) -> None:
    line = to_json({"field": value})
    assert json.loads(line, parse_constant=pytest.fail) == {"field": found}
    assert line.isascii()
    assert "\n" not in line


@pytest.mark.parametrize(
    "event",
    [
        {"path": "\u00e4" * 20_000},  # six bytes each
        {"path": "\x00" * 20_000, "exception": "\U0001f525" * 20_000},  # twelve bytes each
        {"event": ["x" * 1000] * 1000},
        {f"field{number}": "\U0001f525" * 1000 for number in range(100)},
    ],
)
def test_no_line_is_so_long_that_the_journal_cuts_it(event: dict[str, Any]) -> None:
    line = to_json(event)
    assert len(line) <= LONGEST_LINE < 48 * 1024
    assert json.loads(line).keys() == event.keys()


INTO_A_FILE = """
import os, sys
from pathlib import Path
import structlog
from ai_assistant.instrumentation.logs import configure_logging

path = Path(sys.argv[1])
configure_logging("INFO", path, service="test")
log = structlog.stdlib.get_logger("mine")
log.info("before")
path.rename(f"{path}.1")
log.info("after", text="\u00e4")
"""


def test_a_file_gets_every_line_and_may_be_renamed(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    done = subprocess.run(
        [sys.executable, "-c", INTO_A_FILE, str(path)],
        env={"PYTHONPATH": str(EXAMPLE / "src")},
        capture_output=True,
        text=True,
        check=True,
    )
    files = [Path(f"{path}.1"), path]
    assert [json.loads(file.read_text())["message"] for file in files] == ["before", "after"]
    assert "".join(file.read_text() for file in files) == done.stdout


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    place = tmp_path / "missing" / "app.log"
    done = subprocess.run(
        [sys.executable, "-m", "ai_assistant", "serve"],
        env={"PYTHONPATH": str(EXAMPLE / "src"), "AI_ASSISTANT_LOG_FILE": str(place)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (2, "")
    (told,) = [json.loads(line) for line in done.stdout.splitlines()]
    assert told["level"] == "critical"
    assert str(place) in told["error"]
