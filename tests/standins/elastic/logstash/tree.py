# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a pipeline's text says."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Plugin:
    """One plugin with its options, in the order of the text; an option may come twice."""

    name: str
    options: tuple[tuple[str, Any], ...]
    place: str = ""


@dataclass(frozen=True)
class Field:
    """A field's value, as in [log][level]."""

    reference: str


@dataclass(frozen=True)
class Pattern:
    """A regular expression."""

    text: str


@dataclass(frozen=True)
class Test:
    """An operator and what it is applied to: other tests, fields, patterns and constants."""

    operator: str
    parts: tuple[Any, ...]


@dataclass(frozen=True)
class Branch:
    """The arms of an `if`; the arm of an `else` has no condition."""

    arms: tuple[tuple[Test | None, tuple[Any, ...]], ...]


Body = tuple["Plugin | Branch", ...]


@dataclass(frozen=True)
class Section:
    """The input, filter or output section."""

    kind: str
    body: Body
