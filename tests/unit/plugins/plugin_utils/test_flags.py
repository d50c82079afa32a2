# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Flags become arguments as each family of programs reads them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import InputError
from ansible_collections.barehost.monitoring.plugins.plugin_utils._flags import flags

CASES: list[tuple[str, Any, list[str]]] = [
    ("kingpin", {"a.b": "x y"}, ["--a.b=x y"]),
    ("kingpin", {"on": True, "off": False}, ["--on", "--no-off"]),
    ("kingpin", {"many": ["1", 2]}, ["--many=1", "--many=2"]),
    ("kingpin", {"gone": None, "none": [], "empty": ""}, ["--empty="]),
    ("kingpin", {"count": 0, "ratio": 0.5}, ["--count=0", "--ratio=0.5"]),
    ("kingpin", {"braces": "a{2}%$"}, ["--braces=a{2}%$"]),
    ("go", {"on": True, "off": False, "x": "1"}, ["-on=true", "-off=false", "-x=1"]),
]


@pytest.mark.parametrize(("style", "values", "wanted"), CASES)
def test_arguments(style: str, values: Any, wanted: list[str]) -> None:
    assert flags(values, style=style) == wanted


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(InputError) as refused:
        flags({"--a": 1, "b": {"c": 1}, "d": [[1]]}, style="gnu")
    assert refused.value.faults == (
        'style: "gnu" is none of kingpin, go',
        'flags: "--a" is no flag name (example: web.enable-lifecycle)',
        'flags.b: {"c": 1} is a dictionary; flags take text, numbers, switches',
        "flags.d[0]: [1] is a list; flags take text, numbers, switches",
    )


def test_something_else_than_a_dictionary_is_refused() -> None:
    with pytest.raises(InputError, match="not a dictionary of flags"):
        flags(["--a"])
