# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""YAML settings with dotted keys, as the Elastic products write them."""

import yaml

Settings = dict[str, object]


def flat(data: object, below: str = "") -> Settings:
    """Join the keys of nested mappings with dots; lists and scalars stay."""
    if not isinstance(data, dict):
        return {below: data}
    found: Settings = {}
    for key, value in data.items():
        found.update(flat(value, f"{below}.{key}" if below else str(key)))
    return found


def read(text: str) -> object:
    """Read YAML; raises yaml.YAMLError."""
    return yaml.safe_load(text)
