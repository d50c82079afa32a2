# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files are readable, keep their order and come back as the data they were made of."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import InputError
from ansible_collections.barehost.monitoring.plugins.plugin_utils._yaml_files import (
    HEADER,
    dump,
    yaml_files,
)

DATA: list[Any] = [
    {"b": 1, "a": [1.5, None, True, ""]},
    {"text": "one\ntwo\n", "no end": "one\ntwo"},
    {"trailing": "one \ntwo", "tab": "a\tb\n", "windows": "a\r\nb"},
    {"looks like": ["yes", "1", "null", "1e3", "12:30", "{{ .x }}", "- a", "# c", "@d"]},
    {"long": "word " * 100 + "end", "umlaut": "für ü €"},
    {"name": 'it\'s "quoted" $HOME %h \\'},
    [],
    {},
]


@pytest.mark.parametrize("data", DATA)
def test_data_comes_back_as_it_was(data: Any) -> None:
    assert yaml.safe_load(dump(data)) == data


def test_order_is_kept_and_lines_are_never_wrapped() -> None:
    text = dump({"z": "x " * 500, "a": 1})
    assert text.index("z:") < text.index("a:")
    assert len(text.splitlines()) == 2


def test_texts_of_several_lines_are_blocks() -> None:
    assert dump({"expr": "a\n  + b\n"}) == "expr: |\n  a\n    + b\n"


def test_a_value_used_twice_has_no_anchor() -> None:
    shared = {"x": 1}
    assert "&" not in dump([shared, shared])


def test_files_have_path_content_and_trigger() -> None:
    files = yaml_files({"a.yml": {"x": 1}, "b.yml": None}, on_change="reload")
    assert files == [{"path": "a.yml", "content": HEADER + "x: 1\n", "on_change": "reload"}]


def test_wrong_input_is_refused() -> None:
    with pytest.raises(InputError) as refused:
        yaml_files([], on_change="often")
    assert refused.value.faults == (
        "documents: [] is a list, not a dictionary of path and data",
        'on_change: "often" is none of restart, reload, none',
    )
