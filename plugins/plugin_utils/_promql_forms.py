# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Analyse once the expressions that differ only in the values of labels (private to this collection).

Thousands of alerts are usually a few dozen expressions, asked for many jobs or teams. Which value a
matcher such as job="redis" asks for changes nothing of what is known of an expression, but for the
names of the jobs. So each value gives way to a mark, equal ones to the same, and what is known of
that form is remembered; then the jobs are put back.
"""

from __future__ import annotations

import re
from dataclasses import replace

from ansible_collections.barehost.monitoring.plugins.plugin_utils import _promql_checks as checks
from ansible_collections.barehost.monitoring.plugins.plugin_utils._promql_checks import Analysis
from ansible_collections.barehost.monitoring.plugins.plugin_utils._promql_lexer import STRING

_MARK = "\x01"
# Values with a meaning of their own stay, and so do empty ones and those that have to be unescaped.
# Other strings and remarks are passed over, so that nothing inside them is taken for a matcher.
_PINNED = re.compile(
    rf"""(?<!\w)(?!(?:le|__name__)=)([a-zA-Z_]\w*=")([^"\\\n{_MARK}]+)" | {STRING} | \#[^\n]*""",
    re.VERBOSE | re.ASCII,
)


def analyse(expression: str) -> Analysis:
    """Look at an expression from all sides."""
    if '="' not in expression or _MARK in expression:
        return checks.analyse(expression)
    marks: dict[str, str] = {}

    def mark(match: re.Match[str]) -> str:
        start, value = match.groups()
        return f'{start}{marks.setdefault(value, f"{_MARK}{len(marks)}")}"' if start else match[0]

    found = checks.analyse(_PINNED.sub(mark, expression))
    if found.faults:
        # A message may show a part of the expression: that must be the part that was written.
        return checks.analyse(expression)
    if not found.jobs:
        return found
    values = {number: value for value, number in marks.items()}
    return replace(
        found,
        jobs=frozenset(values.get(job, job) for job in found.jobs),
        windows=tuple((values.get(job, job), length) for job, length in found.windows),
    )
