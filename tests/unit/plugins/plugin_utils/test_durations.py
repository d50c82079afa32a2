# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of _durations."""

from __future__ import annotations

import pytest
from ansible_collections.barehost.monitoring.plugins.plugin_utils._durations import (
    in_words,
    milliseconds,
    spelled,
)


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("0", 0),
        ("5m", 300_000),
        ("1h30m", 5_400_000),
        ("1y2w3d4h5m6s7ms", 33_019_506_007),
        ("200h", 720_000_000),
        ("", None),
        ("5", None),
        ("5 m", None),
        (" 5m", None),
        ("5m\n", None),
        ("5M", None),
        ("-5m", None),
        ("1.5h", None),
        ("30m1h", None),
        ("5min", None),
        ("٥m", None),
        ("999999y", None),
        ("9" * 99 + "s", None),
    ],
)
def test_durations_are_read_as_prometheus_does(text: str, length: int | None) -> None:
    assert milliseconds(text) == length


@pytest.mark.parametrize(("length", "text"), [(0, "0s"), (90_000, "1m30s"), (86_400_000, "1d")])
def test_a_length_is_written_in_the_largest_units(length: int, text: str) -> None:
    assert spelled(length) == text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("5m", "5 minutes"),
        ("1h", "1 hour"),
        ("1h30m", "1 hour 30 minutes"),
        ("15d", "15 days"),
        ("0s", "0 seconds"),
        ("0", "0 seconds"),
        ("5 m", "5 m"),
        ("", ""),
    ],
)
def test_a_duration_is_put_into_words(text: str, words: str) -> None:
    assert in_words(text) == words
