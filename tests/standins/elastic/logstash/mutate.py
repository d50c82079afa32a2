# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mutate filter's operations, in the one order in which Logstash applies them."""

import copy
import json
import re
from typing import Any

from elastic.common import Refused
from elastic.logstash.conditions import pattern
from elastic.logstash.event import MISSING, Event, as_text, ruby_text
from elastic.logstash.logs import Log

_CONVERSIONS = ("string", "integer", "float", "boolean", "integer_eu", "float_eu")
_TRUE, _FALSE = re.compile("(true|t|yes|y|1|1.0)$", re.I), re.compile("(false|f|no|n|0|0.0)$", re.I)


class Mutate:
    """One mutate filter."""

    def __init__(self, options: dict[str, Any], log: Log) -> None:
        self._options, self._log = options, log
        for conversion in options.get("convert", {}).values():
            if conversion not in _CONVERSIONS:
                raise Refused(
                    "Cannot register filter mutate plugin.\nThe error reported is:\n  Invalid "
                    "conversion "
                    f"type '{conversion}', expected one of '{','.join(_CONVERSIONS)}'"
                )
        gsub = options.get("gsub", [])
        if len(gsub) % 3:
            raise Refused(
                "Invalid gsub configuration. gsub requires 3 non-nil elements per config entry"
            )
        self._gsub = [(gsub[i], pattern(gsub[i + 1]), gsub[i + 2]) for i in range(0, len(gsub), 3)]

    def __call__(self, event: Event) -> None:
        """Apply all of it."""
        for step in (self._coerce, self._rename, self._update, self._replace, self._convert):
            step(event)
        for name, needle, replacement in self._gsub:
            text = re.sub(r"\\(?:(\d)|\\|)", _group, event.text(replacement), flags=re.DOTALL)
            self._each(event, name, lambda value, n=needle, t=text: n.sub(t, value))
        for operation, change in (
            ("uppercase", str.upper),
            ("capitalize", str.capitalize),
            ("lowercase", str.lower),
            ("strip", _stripped),
        ):
            for name in self._options.get(operation, ()):
                self._each(event, name, change)
        for step in (self._split, self._join, self._merge, self._copy):
            step(event)

    @staticmethod
    def _each(event: Event, name: str, change: Any) -> None:
        value = event.get(name)
        if isinstance(value, list):
            if change is _stripped and not all(isinstance(entry, str) for entry in value):
                raise TypeError("undefined method `strip'")
            event.set(name, [change(v) if isinstance(v, str) else v for v in value])
        elif isinstance(value, str):
            event.set(name, change(value))

    def _pairs(self, operation: str) -> list[tuple[str, Any]]:
        return list(self._options.get(operation, {}).items())

    def _coerce(self, event: Event) -> None:
        for name, default in self._pairs("coerce"):
            if event.find(name) is None:
                event.set(name, event.text(default))

    def _rename(self, event: Event) -> None:
        for old, new in self._pairs("rename"):
            old = event.text(old)
            if event.has(old):
                event.set(event.text(new), event.remove(old))

    def _update(self, event: Event) -> None:
        for name, value in self._pairs("update"):
            if event.has(name):
                event.set(name, event.text(ruby_text(value)))

    def _replace(self, event: Event) -> None:
        for name, value in self._pairs("replace"):
            event.set(name, event.text(ruby_text(value)))

    def _convert(self, event: Event) -> None:
        for name, kind in self._pairs("convert"):
            value = event.find(name)
            if value is MISSING or value is None or isinstance(value, dict):
                continue
            if isinstance(value, list):
                event.set(name, [v if v is None else self._converted(kind, v) for v in value])
            else:
                event.set(name, self._converted(kind, value))

    def _converted(self, kind: str, value: Any) -> Any:
        if kind == "string":
            return ruby_text(value)
        if kind == "boolean":
            text = as_text(value)
            if _TRUE.match(text):
                return True
            if not text or _FALSE.match(text):
                return False
            self._log.warn(f"Failed to convert {text} into boolean.")
            return value
        if isinstance(value, bool):
            return int(value) if kind.startswith("integer") else float(value)
        if isinstance(value, str):
            if kind.endswith("_eu"):
                value = value.translate(str.maketrans(",.", ".,"))
            found = re.match(r"\s*[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?", value.replace(",", ""))
            value = float(found[0]) if found else 0.0
        return int(value) if kind.startswith("integer") else float(value)

    def _split(self, event: Event) -> None:
        for name, separator in self._pairs("split"):
            value = event.get(name)
            if isinstance(value, str):
                event.set(name, value.rstrip(separator).split(separator) if value else [])

    def _join(self, event: Event) -> None:
        for name, separator in self._pairs("join"):
            value = event.get(name)
            if isinstance(value, list):
                event.set(name, separator.join(_shown(entry) for entry in value))

    def _merge(self, event: Event) -> None:
        for name, others in self._pairs("merge"):
            for other in others if isinstance(others, list) else [others]:
                value, more = event.get(name), event.get(other)
                if isinstance(value, dict) != isinstance(more, dict):
                    self._log.error("Not possible to merge an array and a hash: ", dest_field=name)
                elif isinstance(value, dict):
                    event.set(name, {**value, **more})
                else:
                    event.set(name, [*_listed(value), *_listed(more)])

    def _copy(self, event: Event) -> None:
        for name, target in self._pairs("copy"):
            value = event.get(name)
            if value is not None:
                event.set(target, copy.deepcopy(value))


def _stripped(text: str) -> str:
    return text.strip(" \t\n\v\f\r\0")


def _group(found: re.Match[str]) -> str:
    r"""Write \1 as Python's patterns do, and keep any other backslash."""
    return f"\\g<{found[1]}>" if found[1] else r"\\"


def _shown(value: Any, inner: bool = False) -> str:
    """Write what is joined as Ruby does."""
    if isinstance(value, dict):
        return (
            "{" + ", ".join(f"{_shown(k, True)}=>{_shown(v, True)}" for k, v in value.items()) + "}"
        )
    if inner:
        return "nil" if value is None else json.dumps(value, ensure_ascii=False)
    return ruby_text(value)


def _listed(value: Any) -> list[Any]:
    return [] if value is None else value if isinstance(value, list) else [value]
