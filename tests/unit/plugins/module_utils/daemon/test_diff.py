# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Differences as they are shown. No secret is on either side."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon import _diff
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._plan import Change, Plan
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._state import Entry

PUBLIC, SECRET = Entry("d", mode=0o640, group="web"), Entry("d", mode=0o600, secret=True)
LINK = Entry(target="1.0")
HEAD, CLOSED = "# mode 0640, owner root:web\n", "# mode 0600, owner root:root\n"
HIDDEN = "<secret>\n"


def plan(change: Change | None = None, *actions: str) -> Plan:
    changes = (change,) if change else ()
    return Plan("", False, changes, (), False, False, "none", True, (), actions)


CASES: list[tuple[str, Entry | None, Entry | None, str, str]] = [
    ("new", None, PUBLIC, "", HEAD + "new"),
    ("changed", PUBLIC, PUBLIC, HEAD + "old", HEAD + "new"),
    ("gone", PUBLIC, None, HEAD + "old", ""),
    ("mode", SECRET, SECRET, CLOSED + HIDDEN, CLOSED + HIDDEN),
    ("new secret", None, SECRET, "", CLOSED + HIDDEN),
    ("gone secret", SECRET, None, CLOSED + HIDDEN, ""),
    ("becomes secret", PUBLIC, SECRET, HEAD + HIDDEN, CLOSED + HIDDEN),
    ("was secret", SECRET, PUBLIC, CLOSED + HIDDEN, HEAD + HIDDEN),
    ("link", LINK, Entry(target="2.0"), "link to 1.0\n", "link to 2.0\n"),
    ("becomes a link", PUBLIC, LINK, HEAD + "old", "link to 1.0\n"),
]


@pytest.mark.parametrize(
    ("before", "after", "shown_before", "shown_after"),
    [c[1:] for c in CASES],
    ids=[c[0] for c in CASES],
)
def test_both_sides_are_shown(
    before: Entry | None, after: Entry | None, shown_before: str, shown_after: str
) -> None:
    found = _diff.diffs(plan(Change("/a", before, after), "write /a"), {"/a": (b"old", b"new")})
    headers = {"before_header": "/a", "after_header": "/a"}
    assert found == [{**headers, "before": shown_before, "after": shown_after}]


@pytest.mark.parametrize(
    ("content", "shown"),
    [(b"\xff\xfe", "\ufffd\ufffd"), (b"x" * 300_000, "<300000 bytes>\n")],
)
def test_what_is_no_help_is_not_shown(content: bytes, shown: str) -> None:
    found = _diff.diffs(plan(Change("/a", None, PUBLIC)), {"/a": (b"", content)})
    assert found[0]["after"] == HEAD + shown


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        (None, PUBLIC, ("", HEAD + "1\n" * 19 + "<581 more lines>\n")),
        (PUBLIC, None, (HEAD + "1\n" * 19 + "<581 more lines>\n", "")),
        (PUBLIC, PUBLIC, (HEAD + "1\n" * 600,) * 2),
    ],
    ids=["new", "gone", "changed"],
)
def test_of_a_long_file_that_comes_or_goes_the_beginning_is_shown(
    before: Entry | None, after: Entry | None, shown: tuple[str, str]
) -> None:
    content = b"1\n" * 600
    (found,) = _diff.diffs(plan(Change("/a", before, after)), {"/a": (content, content)})
    assert (found["before"], found["after"]) == shown


def test_the_other_actions_are_told() -> None:
    actions: Any = ("install web", "write /a", "remove /b", "start web.service (x)")
    assert _diff.diffs(plan(None, *actions), {}) == [
        {"prepared": "install web\nstart web.service (x)\n"}
    ]
    assert _diff.diffs(plan(), {}) == []
