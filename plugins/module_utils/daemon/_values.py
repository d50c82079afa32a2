# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values of a task that have to be texts, and what YAML makes of them: numbers, true, null."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any


def text(value: Any, where: str, faults: list[str]) -> str:
    """The text of a value, if there is only one that it can mean."""
    if isinstance(value, str):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
        return str(value)
    example = "text" if isinstance(value, (Mapping, Sequence)) else shown(value)
    example = "" if value is None else example
    faults.append(f"{where}: {shown(value)} is no text; quote what you mean (example: '{example}')")
    return ""


def texts(values: Any, where: str, faults: list[str]) -> dict[str, str]:
    """A mapping from text to text."""
    if not isinstance(values, Mapping):
        faults.append(f"{where}: {shown(values)} is no mapping (example: {{name: text}})")
        return {}
    return {str(key): text(value, f"{where}.{key}", faults) for key, value in values.items()}


def words(values: Sequence[Any], where: str, faults: list[str]) -> tuple[str, ...]:
    """A list of texts."""
    return tuple(text(value, f"{where}[{i}]", faults) for i, value in enumerate(values))


def argv(values: Sequence[Any], where: str, faults: list[str]) -> tuple[str, ...]:
    """A program and its arguments."""
    found = words(values, where, faults)
    if not found:
        faults.append(f"{where}: is empty; give the program and its arguments as a list")
    elif not found[0]:
        faults.append(f"{where}: names no program")
    return found


def shown(value: Any) -> str:
    """A value as it stands in the task, as far as a message has room for it."""
    yaml = {"None": "null", "True": "true", "False": "false"}
    return yaml.get(repr(value), repr(value)[:80])
