# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make command-line arguments of a mapping of flags (private to this collection)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import (
    Faults,
    kind,
    shown,
)

# How each family of flag parsers writes a flag with a value, and a switch that is on or off.
STYLES = {
    "kingpin": ("--{name}={value}", "--{name}", "--no-{name}"),
    "go": ("-{name}={value}", "-{name}=true", "-{name}=false"),
}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def flags(values: Any, *, style: Any = "kingpin") -> list[str]:
    """Return the arguments in the order of the mapping; null takes a flag away."""
    faults = Faults()
    if not isinstance(values, Mapping):
        faults.add("flags", f"{shown(values)} is {kind(values)}, not a dictionary of flags")
        values = {}
    if style not in STYLES:
        faults.add("style", f"{shown(style)} is none of {', '.join(STYLES)}")
        style = "kingpin"
    forms = STYLES[style]
    arguments = [list(_arguments(name, value, forms, faults)) for name, value in values.items()]
    faults.refuse()
    return [argument for group in arguments for argument in group]


def _arguments(name: Any, value: Any, forms: tuple[str, str, str], faults: Faults) -> Iterator[str]:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        faults.add("flags", f"{shown(name)} is no flag name (example: web.enable-lifecycle)")
        return
    assign, on, off = forms
    for index, item in enumerate(value if isinstance(value, list) else [value]):
        if isinstance(item, bool):
            yield (on if item else off).format(name=name)
        elif isinstance(item, (str, int, float)):
            yield assign.format(name=name, value=item)
        elif item is not None:
            path = f"flags.{name}" + (f"[{index}]" if isinstance(value, list) else "")
            faults.add(path, f"{shown(item)} is {kind(item)}; flags take text, numbers, switches")
