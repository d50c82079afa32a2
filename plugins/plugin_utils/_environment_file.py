# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables for EnvironmentFile= of systemd, each arriving exactly as given (private)."""

from __future__ import annotations

import re
from typing import Any

from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import Faults, kind, shown

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_HEADER = "# Written by barehost.monitoring; the next run undoes changes made here.\n"


def environment_file(variables: Any) -> str:
    """Return the file; values are not repeated in faults, since they are secrets."""
    faults = Faults()
    if not isinstance(variables, dict):
        faults.add("variables", f"{kind(variables)} is no dictionary of name and value")
        variables = {}
    for name, value in variables.items():
        if not _NAME.fullmatch(str(name)):
            faults.add("variables", f"{shown(name)} is no name of a variable (example: API_KEY)")
        if not isinstance(value, str):
            faults.add(f"variables.{name}", f"is {kind(value)}, not a string; put quotes around it")
        elif _CONTROL.search(value):
            faults.add(f"variables.{name}", "holds a line break or control character")
    faults.refuse()
    return _HEADER + "".join(f'{name}="{_escaped(value)}"\n' for name, value in variables.items())


def _escaped(value: str) -> str:
    return re.sub(r'["\\$`]', r"\\\g<0>", value)
