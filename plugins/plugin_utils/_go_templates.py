# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Go templates in a configuration, so that they can be rendered before they are used.

Private to this collection.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def go_templates(data: Any) -> list[str]:
    """Return every distinct string that holds a template, in the order of the data."""
    return list(dict.fromkeys(_texts(data)))


def _texts(data: Any) -> Iterator[str]:
    if isinstance(data, str):
        if "{{" in data:
            yield str(data)
    elif isinstance(data, Mapping):
        for value in data.values():
            yield from _texts(value)
    elif isinstance(data, (list, tuple)):
        for value in data:
            yield from _texts(value)
