# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of _plain."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import pytest
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import InputError
from ansible_collections.barehost.monitoring.plugins.plugin_utils._plain import plain


class Tagged(str):
    """A string with something attached, as Ansible has them."""


def test_everything_is_copied_into_plain_types() -> None:
    given = MappingProxyType({Tagged("a"): (Tagged("b"), [1, 2.5, None, True])})
    done = plain(given)
    assert done == {"a": ["b", [1, 2.5, None, True]]}
    assert {type(key) for key in done} | {type(done["a"][0])} == {str}
    assert {type(done), type(done["a"])} == {dict, list}


def test_what_is_unknown_stays() -> None:
    thing = object()
    assert plain([thing]) == [thing]


def test_an_endless_input_is_refused() -> None:
    given: list[Any] = []
    given.append(given)
    with pytest.raises(InputError, match="nested more than 60 levels deep"):
        plain(given)
