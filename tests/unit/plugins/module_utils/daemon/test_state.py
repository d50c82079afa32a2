# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""States: equality on the disk, the record's form, visible digests."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon import _state
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._state import Entry, State

FILE = Entry("d", "", 0o640, "root", "web", "reload", True)
LINK = Entry(target="1.0")
STATE = State("1.0", "a", "r", {"/a": FILE, "/l": LINK}, {"step": "c"}, {"probes": [{"url": "u"}]})


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (FILE, FILE, True),
        (FILE, None, False),
        (FILE, replace(FILE, on_change="none", secret=False), True),
        (FILE, replace(FILE, digest="e"), False),
        (FILE, replace(FILE, mode=0o600), False),
        (FILE, replace(FILE, owner="web"), False),
        (FILE, replace(FILE, group="root"), False),
        (FILE, LINK, False),
        (LINK, FILE, False),
        (LINK, replace(LINK, mode=0o777, owner="web"), True),
        (LINK, replace(LINK, target="2.0"), False),
    ],
)
def test_entries_are_compared_by_what_lies_on_the_disk(
    one: Entry, other: Entry | None, same: bool
) -> None:
    assert one.same(other) is same


def test_a_record_reads_as_it_was_written() -> None:
    assert State.from_json(STATE.to_json()) == STATE


def changed(**fields: Any) -> str:
    return json.dumps({**json.loads(STATE.to_json()), **fields})


@pytest.mark.parametrize(
    "text",
    ["", "{", "null", "[]", "{}", changed(format=2), changed(more=1), changed(entries=1),
     changed(entries={"/a": {"more": 1}}), STATE.to_json()[:-9]],
)  # fmt: skip
def test_a_damaged_record_is_none(text: str) -> None:
    assert State.from_json(text) is None


def test_a_visible_digest_is_short_keyed_and_stable() -> None:
    one = _state.keyed_digest(b"salt", ["a", {"b": 1, "a": 2}])
    assert len(one) == 16
    assert one == _state.keyed_digest(b"salt", ["a", {"a": 2, "b": 1}])
    assert one != _state.keyed_digest(b"other", ["a", {"b": 1, "a": 2}])
    assert one != _state.keyed_digest(b"salt", ["a", {"b": 1, "a": 3}])


def test_entries_are_selected_by_their_trigger() -> None:
    assert [row[0] for row in _state.selected(STATE.entries, "reload")] == ["/a"]
    assert [row[0] for row in _state.selected(STATE.entries, "restart")] == ["/l"]
