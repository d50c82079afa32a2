# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write data as YAML that a person can read (private to this collection).

Keys stay in the given order, lines are never wrapped, texts of several lines become blocks.
"""

from __future__ import annotations

from typing import Any

import yaml
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import (
    Faults,
    kind,
    shown,
)

HEADER = "# Written by barehost.monitoring; the next run undoes changes made here.\n---\n"
_TRIGGERS = ("restart", "reload", "none")


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    """The safe dumper, with representers of its own."""

    def ignore_aliases(self, data: Any) -> bool:
        """Write a value that is used twice, twice."""
        return True


def _text(dumper: Any, value: str) -> Any:
    # A block cannot hold white space at the end of a line.
    block = "\n" in value and not any(line != line.rstrip() for line in value.split("\n"))
    style = "|" if block else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def yaml_files(documents: Any, *, on_change: Any = "restart") -> list[dict[str, Any]]:
    """Return the files for the module daemon; a document that is null is left out."""
    faults = Faults()
    if not isinstance(documents, dict):
        text = f"{shown(documents)} is {kind(documents)}, not a dictionary of path and data"
        faults.add("documents", text)
    if on_change not in _TRIGGERS:
        faults.add("on_change", f"{shown(on_change)} is none of {', '.join(_TRIGGERS)}")
    faults.refuse()
    return [
        {"path": path, "content": HEADER + dump(data), "on_change": on_change}
        for path, data in documents.items()
        if data is not None
    ]


def dump(data: Any) -> str:
    """Return plain data as YAML."""
    return str(
        yaml.dump(
            data,
            Dumper=_Dumper,
            sort_keys=False,
            default_flow_style=False,
            allow_unicode=True,
            width=2**31 - 1,
        )
    )
