# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Command lines that render every notification text before it is used.

Private to this collection.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import (
    Faults,
    kind,
    shown,
)


def template_checks(
    receivers: Any, *, templates: Any = (), samples: Any = ()
) -> list[dict[str, list[str]]]:
    """Return one command for each distinct text and each sample notification."""
    faults = Faults()
    _want_list(faults, "receivers", receivers, dict, "dictionaries")
    _want_list(faults, "templates", templates, str, "texts")
    _want_list(faults, "samples", samples, str, "texts")
    faults.refuse()
    # amtool demands a pattern, and is content with one that matches nothing.
    globs = [f"--template.glob={_in_config(glob)}" for glob in templates or ["templates/*.tmpl"]]
    places: dict[tuple[str, bool], list[str]] = {}
    for number, receiver in enumerate(receivers):
        for path, text in _texts(receiver, str(receiver.get("name", f"[{number}]"))):
            places.setdefault((text, path.endswith(".html")), []).append(path)
    return [
        {"argv": ["{release}/amtool", "template", "render", *globs, _data(sample), *words]}
        for words in (_text(text, page, paths) for (text, page), paths in places.items())
        for sample in samples
    ]


def _want_list(faults: Faults, name: str, value: Any, element: type, elements: str) -> None:
    if not isinstance(value, (list, tuple)) or not all(isinstance(v, element) for v in value):
        faults.add(name, f"{shown(value)} is {kind(value)}, not a list of {elements}")


def _in_config(path: str) -> str:
    return path if path.startswith("/") else f"{{config}}/{path}"


def _data(sample: str) -> str:
    return f"--template.data={_in_config(sample)}"


def _text(text: str, page: bool, paths: list[str]) -> list[str]:
    # A remark that is not rendered: the error shows the command, and so which text is meant.
    remark = ", ".join(paths).replace("*/", "* /")
    kind_of = ["--template.type=html"] if page else []
    return [*kind_of, f"--template.text={{{{/* {remark} */}}}}{text}"]


def _texts(data: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(data, str):
        if "{{" in data:
            yield path, data
    elif isinstance(data, dict):
        for key, value in data.items():
            yield from _texts(value, f"{path}.{key}")
    elif isinstance(data, list):
        for number, value in enumerate(data):
            yield from _texts(value, f"{path}[{number}]")
