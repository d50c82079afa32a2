# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A call that is repeated costs one."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.barehost.monitoring.plugins.plugin_utils._last_call import remembering

CALLS: list[Any] = []


@remembering
def called(given: Any, **options: Any) -> Any:
    """Count the calls."""
    CALLS.append((given, options))
    if given == "broken":
        raise ValueError(given)
    return {"given": [given, options]}


@pytest.fixture(autouse=True)
def nothing_remembered() -> None:
    called(None, fresh=True)
    CALLS.clear()


def test_the_same_again_is_answered_from_memory() -> None:
    first, second = called({"a": [1]}, x="y"), called({"a": [1]}, x="y")
    assert first == second == {"given": [{"a": [1]}, {"x": "y"}]}
    assert len(CALLS) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [({"a": 1}, {"a": 2}), ([1], [True]), ([1], [1.0]), ({"a": 1, "b": 2}, {"b": 2, "a": 1})],
)
def test_what_is_not_quite_the_same_is_asked_anew(one: Any, other: Any) -> None:
    called(one)
    called(other)
    assert len(CALLS) == 2


def test_only_the_last_call_is_remembered() -> None:
    for given in (1, 2, 1):
        called(given)
    assert len(CALLS) == 3


def test_an_answer_that_is_changed_spoils_no_later_one() -> None:
    called([1])["given"].clear()
    called([1])["given"].clear()
    assert called([1])["given"] == [[1], {}]


def test_a_failure_is_not_remembered() -> None:
    for _turn in range(2):
        with pytest.raises(ValueError, match="broken"):
            called("broken")
    assert len(CALLS) == 2


def test_what_cannot_be_compared_is_always_asked() -> None:
    odd = object()
    assert called(odd) == called(odd)
    assert len(CALLS) == 2
