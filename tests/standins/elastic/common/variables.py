# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`${NAME}` and `${NAME:default}`, from the environment."""

import os
import re
from collections.abc import Callable
from typing import Any

_PLACEHOLDER = re.compile(r"\$\{([A-Za-z_.][A-Za-z0-9_.]*)(?::([^}]*))?\}")


def replaced(value: Any, missing: Callable[[str, str], str]) -> Any:
    """Replace in texts at any depth; `missing` gets placeholder and name, and raises or returns."""
    if isinstance(value, dict):
        return {key: replaced(entry, missing) for key, entry in value.items()}
    if isinstance(value, list):
        return [replaced(entry, missing) for entry in value]
    if not isinstance(value, str):
        return value

    def one(found: re.Match[str]) -> str:
        name, default = found.groups()
        known = os.environ.get(name, default)
        return missing(found[0], name) if known is None else known

    return _PLACEHOLDER.sub(one, value)
