# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turn what Ansible hands to a filter into plain Python data (private to this collection)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import InputError

_DEEPEST = 60


def plain(value: Any, depth: int = 0) -> Any:
    """Copy dictionaries, lists and scalars anew, without tags and lazy containers."""
    if isinstance(value, str):
        return str(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if depth > _DEEPEST:
        raise InputError([f"the input is nested more than {_DEEPEST} levels deep"])
    if isinstance(value, Mapping):
        return {plain(key, depth + 1): plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item, depth + 1) for item in value]
    return value
