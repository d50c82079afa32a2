# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An event: fields at any depth, metadata that no output sees, a time, and texts made from fields."""

import copy
import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

_ELEMENT = re.compile(r"\[([^\[\]]+)\]")
_REFERENCE = re.compile(r"(?:\[[^\[\]]+\])+|[^\[\]]+")
_PLACEHOLDER = re.compile(r"%\{\{([^}]+)\}\}|%\{(\+?[^}]*)\}")
MISSING = object()


class ReferenceFault(Exception):
    """A field reference that Logstash cannot read."""


def reference(text: str) -> list[str]:
    """Split [a][b] or a bare name."""
    if not _REFERENCE.fullmatch(text):
        raise ReferenceFault(f"Invalid FieldReference: `{text}`")
    return _ELEMENT.findall(text) or [text]


class Event:
    """What goes through a pipeline."""

    __slots__ = ("cancelled", "data", "metadata", "stored")

    def __init__(self, data: dict[str, Any] | None = None) -> None:
        self.data = data if data is not None else {}
        self.metadata: dict[str, Any] = {}
        given = self.data.pop("@metadata", None)
        if isinstance(given, dict):
            self.metadata = given
        self.cancelled = False
        self.stored = -1  # its number in the queue
        self._set_time()

    def _set_time(self) -> None:
        self.data.setdefault("@version", "1")
        given = self.data.get("@timestamp")
        when = instant(given)
        if when is None and given is not None:
            self.tag("_timestampparsefailure")
            self.data["_@timestamp"] = given
        self.data["@timestamp"] = when or datetime.now(UTC)

    # -- fields -----------------------------------------------------------------

    def _at(self, path: list[str]) -> tuple[dict[str, Any], list[str]]:
        if path[0] == "@metadata":
            return {"@metadata": self.metadata}, path
        return self.data, path

    def find(self, text: str) -> Any:
        """Return a field's value, or MISSING."""
        data: Any
        data, path = self._at(reference(text))
        for name in path:
            data = _step(data, name)
            if data is MISSING:
                return MISSING
        return data

    def get(self, text: str) -> Any:
        """Return a field's value, None if there is none."""
        found = self.find(text)
        return None if found is MISSING else found

    def has(self, text: str) -> bool:
        """Tell whether there is such a field."""
        return self.find(text) is not MISSING

    def set(self, text: str, value: Any) -> None:
        """Set a field; what lies between is made. Raises ValueError where it cannot."""
        path = reference(text)
        if path == ["@metadata"]:
            self.metadata = value
            return
        if path == ["@timestamp"] and not isinstance(value, datetime):
            raise TypeError("wrong argument type String (expected LogStash::Timestamp)")
        data: Any
        data, path = self._at(path)
        for name in path[:-1]:
            below = _step(data, name)
            if below is MISSING or below is None:
                below = {}
                _put(data, name, below, text)
            data = below
        _put(data, path[-1], value, text)

    def remove(self, text: str) -> Any:
        """Take a field away and return its value."""
        *above, last = reference(text)
        data: Any = (
            {"@metadata": self.metadata} if (above or [last])[0] == "@metadata" else self.data
        )
        for name in above:
            data = _step(data, name)
        if isinstance(data, dict):
            return data.pop(last, None)
        if isinstance(data, list) and _index(last, data) is not None:
            return data.pop(int(last))
        return None

    def tag(self, name: str) -> None:
        """Add a tag unless it is there."""
        tags = self.data.get("tags")
        if tags is None:
            self.data["tags"] = [name]
        elif isinstance(tags, list):
            if name not in tags:
                tags.append(name)
        elif tags != name:
            self.data["tags"] = [tags, name]

    # -- texts ------------------------------------------------------------------

    def text(self, pattern: str) -> str:
        """Put fields and times in for %{...}; what is missing stays as it is written."""
        return _PLACEHOLDER.sub(self._placeholder, pattern)

    def _placeholder(self, found: re.Match[str]) -> str:
        when: datetime = self.data.get("@timestamp") or datetime.now(UTC)
        if found[1]:
            return _formatted(when, found[1])
        if found[2].startswith("+"):
            return (
                str(int(when.timestamp())) if found[2] == "+%s" else _formatted(when, found[2][1:])
            )
        if not found[2]:
            return str(int(when.timestamp()))
        try:
            value = self.find(found[2])
        except ReferenceFault:
            return found[0]
        return found[0] if value is MISSING or value is None else as_text(value)

    def document(self) -> dict[str, Any]:
        """Return what an output writes."""
        return {name: plain(value) for name, value in self.data.items()}

    # -- storage ----------------------------------------------------------------

    def packed(self) -> bytes:
        """Return all of it as bytes."""
        data = {**plain(self.data), "@metadata": plain(self.metadata)}
        return json.dumps(data, ensure_ascii=True, separators=(",", ":")).encode()

    @classmethod
    def unpacked(cls, stored: bytes) -> "Event":
        """Make it again."""
        return cls(json.loads(stored))

    def clone(self) -> "Event":
        """Copy it."""
        made = Event(copy.deepcopy(self.data))
        made.metadata = copy.deepcopy(self.metadata)
        return made


def _index(name: str, data: list[Any]) -> int | None:
    try:
        index = int(name)
    except ValueError:
        return None
    return index if -len(data) <= index < len(data) else None


def _step(data: Any, name: str) -> Any:
    if isinstance(data, dict):
        return data.get(name, MISSING)
    if isinstance(data, list):
        index = _index(name, data)
        return MISSING if index is None else data[index]
    return MISSING


def _put(data: Any, name: str, value: Any, whole: str) -> None:
    if isinstance(data, dict):
        data[name] = value
        return
    if isinstance(data, list):
        try:
            index = int(name)
        except ValueError:
            index = -1
        if index >= 0:
            data.extend([None] * (index + 1 - len(data)))
            data[index] = value
        return  # a name in a list: the value is lost without a word
    raise ValueError(
        f"Could not set field '{name}' on object '{as_text(data)}' to value '{as_text(value)}'"
    )


# -- times ------------------------------------------------------------------------

_ISO = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:[.,](\d{1,9}))?(Z|[+-]\d\d:?\d\d)")


def instant(value: Any) -> datetime | None:
    """Read a time as a field @timestamp may hold it."""
    if isinstance(value, datetime):
        return value
    found = _ISO.fullmatch(value) if isinstance(value, str) else None
    if not found:
        return None
    fraction = ((found[3] or "") + "000000")[:6]
    try:
        return datetime.fromisoformat(f"{found[1]}T{found[2]}.{fraction}{found[4]}").astimezone(UTC)
    except ValueError:
        return None


def shown(when: datetime) -> str:
    """Write a time: milliseconds, and more only where there is more."""
    exact = "milliseconds" if when.microsecond % 1000 == 0 else "microseconds"
    return when.astimezone(UTC).isoformat(timespec=exact).replace("+00:00", "Z")


_FORMATS = {"yyyy": "%Y", "YYYY": "%Y", "xxxx": "%G", "ww": "%V", "MM": "%m", "dd": "%d"}
_FORMATS |= {"HH": "%H", "mm": "%M", "ss": "%S", "DDD": "%j"}


def _formatted(when: datetime, pattern: str) -> str:
    """Write a time by a pattern of Joda or Java."""
    return re.sub(
        "|".join(_FORMATS), lambda found: when.astimezone(UTC).strftime(_FORMATS[found[0]]), pattern
    )


def plain(value: Any) -> Any:
    """Copy a value with its times as texts."""
    if isinstance(value, dict):
        return {key: plain(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [plain(entry) for entry in value]
    return shown(value) if isinstance(value, datetime) else value


def as_text(value: Any) -> str:
    """Write a value as a text made from fields has it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return ""
    if isinstance(value, datetime):
        return shown(value)
    if isinstance(value, list):
        return ",".join(_java(entry) for entry in value)
    if isinstance(value, dict):
        return json.dumps(plain(value), ensure_ascii=False, separators=(",", ":"))
    return _java(value)


def _java(value: Any) -> str:
    """Write what is in a list as Java does."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}={_java(entry)}" for key, entry in value.items()) + "}"
    if isinstance(value, float) and value and not 1e-3 <= abs(value) < 1e7:
        digits, _e, exponent = f"{Decimal(repr(value)):E}".partition("E")
        return f"{digits if '.' in digits else digits + '.0'}E{int(exponent)}"
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return as_text(value)
    return str(value)


def ruby_text(value: Any) -> str:
    """Write a value as Ruby does, outside of texts made from fields."""
    if isinstance(value, float) and value and not 1e-4 <= abs(value) < 1e16:
        digits, _e, exponent = f"{Decimal(repr(value)):E}".partition("E")
        return f"{digits if '.' in digits else digits + '.0'}e{int(exponent):+03d}"
    return as_text(value)
