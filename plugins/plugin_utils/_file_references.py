# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the files that a configuration refers to (private to this collection)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import (
    InputError,
    kind,
    shown,
)

WRITTEN = ("query_log_file", "scrape_failure_log_file")
"""Files that Prometheus writes."""
_MADE_AT_START = ("/run/credentials/", "{credentials}")


def file_references(config: Any, *, ignore: Any = WRITTEN) -> list[str]:
    """List each path under a key that ends in `_file`, once, in order."""
    if type(config) not in (dict, list):
        raise InputError([f"needs a configuration, got {shown(config)}, {kind(config)}"])
    if type(ignore) not in (list, tuple) or any(not isinstance(key, str) for key in ignore):
        raise InputError([f"ignore: {shown(ignore)} is no list of keys"])
    return list(dict.fromkeys(_paths(config, frozenset(ignore))))


def _paths(value: Any, ignore: frozenset[str]) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _paths(item, ignore)
    elif isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str) or not key.endswith("_file"):
                yield from _paths(item, ignore)
            elif _is_path(item) and key not in ignore:
                yield item


def _is_path(item: Any) -> bool:
    return isinstance(item, str) and item.strip() != "" and not item.startswith(_MADE_AT_START)
