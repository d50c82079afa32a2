# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files of its host a Grafana reads (private to this collection)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_EXPRESSION = re.compile(r"\$__file\{([^{}]+)\}")
_PATH_KEY = re.compile(
    r"cert_file|cert_key|ca_cert_path|client_cert_path|client_key_path|config_file"
)


def grafana_references(config: Any) -> list[str]:
    """Return every path in an expression of Grafana, or under a key for a certificate; each once."""
    return list(dict.fromkeys(_paths(config)))


def _paths(value: Any, key: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _paths(item, str(name))
    elif isinstance(value, list):
        for item in value:
            yield from _paths(item, key)
    elif isinstance(value, str):
        yield from _EXPRESSION.findall(value)
        if _PATH_KEY.fullmatch(key) and value.startswith("/"):
            yield value
