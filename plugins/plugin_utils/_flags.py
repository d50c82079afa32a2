# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Command-line flags as data: a mapping of flag name to value becomes a list of arguments.

Private to this collection.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

# How each family of flag parsers writes a flag, and a switch that is on or off.
STYLES = {
    "kingpin": ("--{name}={value}", "--{name}", "--no-{name}"),
    "go": ("-{name}={value}", "-{name}=true", "-{name}=false"),
}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\Z")


class FlagsError(ValueError):
    """Every fault of the flags, one a line."""


def flags(values: Mapping[str, Any], style: str = "kingpin") -> list[str]:
    """Return the arguments in the order of the mapping; null takes a flag away."""
    if style not in STYLES:
        raise FlagsError(f"style: {style!r} is unknown (choose from {', '.join(sorted(STYLES))})")
    faults: list[str] = []
    arguments: list[str] = []
    for name, value in values.items():
        if not isinstance(name, str) or not _NAME.match(name):
            faults.append(f"{name!r} is no flag name (example: web.enable-lifecycle, no dashes before it)")
        elif isinstance(value, (list, tuple)):
            for index, item in enumerate(value):
                arguments += _arguments(f"{name}[{index}]", name, item, style, faults)
        else:
            arguments += _arguments(name, name, value, style, faults)
    if faults:
        raise FlagsError("\n".join(faults))
    return arguments


def _arguments(where: str, name: str, value: Any, style: str, faults: list[str]) -> list[str]:
    assign, on, off = STYLES[style]
    if value is None:
        return []
    if isinstance(value, bool):
        return [(on if value else off).format(name=name)]
    if isinstance(value, (str, int, float)):
        return [assign.format(name=name, value=value)]
    faults.append(f"{where}: a flag takes a string, a number, true, false or a list of these")
    return []
