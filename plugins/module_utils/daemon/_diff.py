# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan as Ansible shows it with --diff. A secret's text appears on neither side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ._plan import Change, Plan

# Lines of a file that comes or goes as a whole, such as a dashboard of thousands.
_LONG, _SHOWN = 500, 20
_LARGE = 256 * 1024  # bytes; beyond it a diff is no help to anybody


def diffs(plan: Plan, contents: Mapping[str, tuple[bytes, bytes]]) -> list[dict[str, Any]]:
    """One entry for each path that changes."""
    found = [_diff(change, *contents[change.path]) for change in plan.changes]
    rest = [a for a in plan.actions if not a.startswith(("write ", "remove "))]
    return [*found, {"prepared": "".join(f"{action}\n" for action in rest)}] if rest else found


def _diff(change: Change, before: bytes, after: bytes) -> dict[str, Any]:
    secret = any(entry is not None and entry.secret for entry in (change.before, change.after))
    sides = []
    for entry, content in ((change.before, before), (change.after, after)):
        if entry is None:
            sides.append("")
        elif entry.is_link:
            sides.append(f"link to {entry.target}\n")
        else:
            head = f"# mode {entry.mode:04o}, owner {entry.owner}:{entry.group}\n"
            sides.append(head + _text(content, secret))
    if None in (change.before, change.after):
        sides = [_beginning(side) for side in sides]
    return {
        "before_header": change.path,
        "after_header": change.path,
        "before": sides[0],
        "after": sides[1],
    }


def _beginning(text: str) -> str:
    lines = text.splitlines(keepends=True)
    if len(lines) <= _LONG:
        return text
    return "".join(lines[:_SHOWN]) + f"<{len(lines) - _SHOWN} more lines>\n"


def _text(content: bytes, secret: bool) -> str:
    if secret:
        return "<secret>\n"
    if len(content) > _LARGE:
        return f"<{len(content)} bytes>\n"
    return content.decode("utf-8", "replace")
