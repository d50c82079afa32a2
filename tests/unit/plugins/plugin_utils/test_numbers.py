# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of _numbers."""

from __future__ import annotations

import pytest
from ansible_collections.barehost.monitoring.plugins.plugin_utils import _numbers as numbers


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.1 + 0.2, "0.3"), (0.001, "0.001"), (1.0, "1"), (1e6, "1000000"), (3, "3"), (-0.5, "-0.5")],
)
def test_numbers_have_no_tails(value: float, text: str) -> None:
    assert numbers.exact(value) == text


@pytest.mark.parametrize(("value", "text"), [(0.1, "10%"), (0.0951, "9.51%"), (0.12345, "12.35%")])
def test_percentages_are_prometheus_own(value: float, text: str) -> None:
    assert numbers.percentage(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0s"), (2.4, "2.4s"), (4000, "1h 6m 40s"), (0.25, "250ms"), (90, "1m 30s")],
)
def test_durations_are_prometheus_own(value: float, text: str) -> None:
    assert numbers.duration(value) == text


@pytest.mark.parametrize("value", [True, None, "1", float("nan"), float("inf"), 10**400, [1]])
def test_what_is_no_finite_number_is_seen(value: object) -> None:
    assert not numbers.is_number(value)


@pytest.mark.parametrize(
    ("value", "base", "text"),
    [
        (0.0951, 1000, "95.1m"),
        (0, 1000, "0"),
        (4000, 1000, "4k"),
        (12, 1000, "12"),
        (2e-10, 1000, "200p"),
        (4000, 1024, "3.906ki"),
        (1024**3 * 1.5, 1024, "1.5Gi"),
        (0.5, 1024, "0.5"),
    ],
)
def test_scaled_numbers_are_prometheus_own(value: float, base: int, text: str) -> None:
    assert numbers.scaled(value, base) == text
