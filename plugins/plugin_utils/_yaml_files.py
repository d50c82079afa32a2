# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Data as YAML files that a person can read: keys in the given order, no line ever wrapped.

Private to this collection.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

HEADER = "# Written by barehost.monitoring; the next run undoes changes made here.\n---\n"


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    """Writes texts of several lines as blocks instead of quoting their line ends."""


def _text(dumper: Any, value: str) -> Any:
    # A block cannot hold white space at the end of a line, and needs no style for one line.
    block = "\n" in value and not any(line != line.rstrip() for line in value.splitlines())
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if block else None)


_Dumper.add_representer(str, _text)
_Dumper.ignore_aliases = lambda *_args: True  # a value used twice is written twice


def yaml_files(documents: Mapping[str, Any], on_change: str = "restart") -> list[dict[str, Any]]:
    """Return the files for the module daemon; a document that is null is left out."""
    return [
        {"path": str(path), "content": HEADER + dump(data), "on_change": on_change}
        for path, data in documents.items()
        if data is not None
    ]


def dump(data: Any) -> str:
    """Return data as YAML, in block style and in the order of its mappings."""
    return str(
        yaml.dump(
            plain(data),
            Dumper=_Dumper,
            sort_keys=False,
            default_flow_style=False,
            allow_unicode=True,
            width=2**31 - 1,
        )
    )


def plain(data: Any) -> Any:
    """Copy data to the plain types that YAML has; Ansible's own types are subclasses of them."""
    if isinstance(data, Mapping):
        return {plain(key): plain(value) for key, value in data.items()}
    if isinstance(data, (list, tuple)):
        return [plain(value) for value in data]
    for kind in (str, bool, int, float):
        if isinstance(data, kind):
            return kind(data)
    return data
