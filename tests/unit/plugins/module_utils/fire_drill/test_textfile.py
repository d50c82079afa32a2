# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of metrics: the fault, the result, and nothing left behind."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.barehost.monitoring.plugins.module_utils.fire_drill import _textfile

LAST = "barehost_fire_drill_last_success_timestamp_seconds"


def values(text: str) -> dict[str, float]:
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return {series: float(value) for series, value in (line.rsplit(" ", 1) for line in lines)}


@pytest.mark.parametrize(
    ("page", "series"),
    [
        (False, 'barehost_fire_drill_until_seconds{drill="d1"}'),
        (True, 'barehost_fire_drill_until_seconds{drill="d1",page="yes"}'),
    ],
)
def test_the_fault_says_until_when(page: bool, series: str) -> None:
    assert values(_textfile.fault("d1", page, 1_700_000_000.6)) == {series: 1_700_000_001}


def test_a_drill_that_passed_is_the_last_success() -> None:
    found = values(_textfile.result(True, 50, {"rule": 1.23456}, ""))
    assert found == {
        "barehost_fire_drill_success": 1,
        "barehost_fire_drill_last_run_timestamp_seconds": 50,
        LAST: 50,
        'barehost_fire_drill_hop_seconds{hop="rule"}': 1.235,
    }


def test_a_drill_that_failed_keeps_the_last_success() -> None:
    before = _textfile.result(True, 50, {}, "")
    failed = _textfile.result(False, 60, {}, before)
    again = _textfile.result(False, 70, {}, failed)
    for text, at in ((failed, 60), (again, 70)):
        assert values(text) == {
            "barehost_fire_drill_success": 0,
            "barehost_fire_drill_last_run_timestamp_seconds": at,
            LAST: 50,
        }


def test_without_any_success_there_is_none() -> None:
    assert LAST not in _textfile.result(False, 60, {}, "nonsense")


def test_a_file_is_exchanged_as_a_whole(tmp_path: Path) -> None:
    umask = os.umask(0o077)
    try:
        _textfile.write(str(tmp_path), _textfile.RESULT, "one\n")
    finally:
        os.umask(umask)
    with (tmp_path / _textfile.RESULT).open() as held:
        _textfile.write(str(tmp_path), _textfile.RESULT, "two\n")
        assert held.read() == "one\n", "written into the file that somebody reads"
    assert _textfile.read(str(tmp_path), _textfile.RESULT) == "two\n"
    assert os.listdir(tmp_path) == [_textfile.RESULT]
    assert (tmp_path / _textfile.RESULT).stat().st_mode & 0o777 == 0o644


def test_a_write_that_fails_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / _textfile.FAULT).mkdir()
    with pytest.raises(OSError):
        _textfile.write(str(tmp_path), _textfile.FAULT, "x")
    assert os.listdir(tmp_path) == [_textfile.FAULT]


def test_the_end_takes_the_fault_and_halves_of_files_but_no_result(tmp_path: Path) -> None:
    mine = (_textfile.FAULT, f".{_textfile.FAULT}.x1", f".{_textfile.RESULT}.x2")
    others = (_textfile.RESULT, "backup.prom", ".backup.prom.x3")
    for name in (*mine, *others):
        (tmp_path / name).touch()
    _textfile.remove(str(tmp_path))
    assert sorted(os.listdir(tmp_path)) == sorted(others)
    _textfile.remove(str(tmp_path))
