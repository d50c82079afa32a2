# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of _faults."""

from __future__ import annotations

import pytest
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import (
    Faults,
    InputError,
    nearest,
    shown,
)


def test_all_faults_are_raised_at_once_each_once() -> None:
    faults = Faults()
    faults.add("a", "is wrong")
    faults.add("b", "is missing")
    faults.add("a", "is wrong")
    with pytest.raises(InputError) as caught:
        faults.refuse()
    assert str(caught.value) == "2 faults\na: is wrong\nb: is missing"


def test_a_single_fault_stands_alone() -> None:
    faults = Faults()
    faults.add("a", "is wrong")
    with pytest.raises(InputError, match="^a: is wrong$"):
        faults.refuse()


def test_no_fault_is_no_error() -> None:
    Faults().refuse()


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("sumary", '; did you mean "summary"?'),
        ("Summary", '; did you mean "summary"?'),
        ("xyz", ""),
        (3, ""),
    ],
)
def test_a_near_name_is_offered(word: object, hint: str) -> None:
    assert nearest(word, ["summary", "expr"]) == hint


@pytest.mark.parametrize(
    ("value", "text"),
    [("5 m", '"5 m"'), (None, "null"), ({1}, "a value of type set"), ("x" * 99, '"' + "x" * 75)],
)
def test_a_value_is_shown_short_and_as_written(value: object, text: str) -> None:
    assert shown(value).startswith(text)
    assert len(shown(value)) <= 80


def test_inputs_bear_the_names_that_a_person_knows() -> None:
    faults = [
        "extra.A.for: is wrong",
        "jobs[0]: extra is wrong",
        "jobs: no",
        "extras: x",
        "no path",
    ]
    faults += ["x: name it in other_jobs if it is there"]
    known = {"extra": "web_alerts_extra", "jobs": "web_jobs", "no": "yes", "other_jobs": "web_jobs"}
    assert InputError(faults).called(known).faults == (
        "web_alerts_extra.A.for: is wrong",
        "web_jobs[0]: extra is wrong",
        "web_jobs: no",
        "extras: x",
        "no path",
        "x: name it in web_jobs if it is there",
    )
