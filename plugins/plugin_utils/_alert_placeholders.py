# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands in angle brackets in an expression (private to this collection).

<job> and <window> come from the alert, every other name from the selectors: conditions that several
alerts share, such as which file systems count.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import nearest
from ansible_collections.barehost.monitoring.plugins.plugin_utils._promql_lexer import one_line

OF_THE_ALERT = ("job", "window")
_PLACEHOLDER = re.compile(r"<([a-zA-Z_]\w*)>", re.ASCII)
_WANTED = {"job": 'the key "job" or "each_job"', "window": 'the key "window" (example: 5m)'}


def filled(text: str, known: Mapping[str, str]) -> str:
    """Write an expression on one line, with the known placeholders filled in."""
    if "<" in text:
        text = _PLACEHOLDER.sub(lambda match: known.get(match[1], match[0]), text)
    return one_line(text)


def left_over(text: str, known: Mapping[str, str], *, is_promql: bool) -> Iterator[str]:
    """Say which placeholders nobody filled in; a<b>c is PromQL, too, and compares."""
    if "<" not in text:
        return
    for name in dict.fromkeys(_PLACEHOLDER.findall(text)):
        if name in _WANTED:
            yield f'"<{name}>" needs {_WANTED[name]}'
        elif not is_promql:
            names = sorted({*known, *OF_THE_ALERT})
            listed = ", ".join(f"<{name}>" for name in names)
            yield f'"<{name}>" is no placeholder{nearest(name, names)} (placeholders: {listed})'
