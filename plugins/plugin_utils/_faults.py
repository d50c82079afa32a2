# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Collect all faults of an input and refuse it once (private to this collection)."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_SHOWN_LENGTH = 80
_PATH = re.compile(r"\A\w+(?=[.:[])")
_OPTION = re.compile(r"(?<= )[a-z]+_[a-z_]+(?= )")


class InputError(ValueError):
    """The input is refused; one fault a line, each with its path."""

    def __init__(self, faults: Sequence[str]) -> None:
        """Keep the faults and make one text of them."""
        self.faults = tuple(faults)
        if len(self.faults) == 1:
            super().__init__(self.faults[0])
        else:
            super().__init__("\n".join([f"{len(self.faults)} faults", *self.faults]))

    def called(self, names: Mapping[str, str]) -> InputError:
        """Give the inputs the names by which a person knows them: those of a role's variables.

        They stand at the head of a path. One with an underscore is no word of a sentence, so it is
        replaced anywhere.
        """

        def name(match: re.Match[str]) -> str:
            return names.get(match[0], match[0])

        return InputError([_OPTION.sub(name, _PATH.sub(name, fault)) for fault in self.faults])


class Faults:
    """A growing list of faults."""

    def __init__(self) -> None:
        """Start without a fault."""
        self.lines: list[str] = []

    def add(self, path: str, text: str) -> None:
        """Note one fault at a path such as `alerts.DiskSpaceLow.for`."""
        self.lines.append(f"{path}: {text}")

    def refuse(self) -> None:
        """Raise when anything was noted."""
        if self.lines:
            raise InputError(list(dict.fromkeys(self.lines)))


def nearest(word: object, choices: Iterable[str], *, cutoff: float = 0.7) -> str:
    """Say which of the choices was probably meant, or nothing."""
    if not isinstance(word, str):
        return ""
    names = {choice.lower(): choice for choice in choices}
    near = difflib.get_close_matches(word.lower(), names, n=1, cutoff=cutoff)
    return f'; did you mean "{names[near[0]]}"?' if near else ""


def shown(value: object) -> str:
    """Show a value the way a user wrote it, cut when it is long."""
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        text = f"a value of type {type(value).__name__}"
    return text if len(text) <= _SHOWN_LENGTH else text[: _SHOWN_LENGTH - 4] + " ..."


def kind(value: object) -> str:
    """Name the type of a value in the words of YAML."""
    names: dict[type[Any], str] = {
        bool: "a boolean",
        dict: "a dictionary",
        float: "a number",
        int: "a number",
        list: "a list",
        str: "a string",
        type(None): "null",
    }
    return names.get(type(value), f"a value of type {type(value).__name__}")
