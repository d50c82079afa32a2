# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The date filter's formats: ISO8601, UNIX, UNIX_MS and patterns of Joda."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

Parser = Callable[[Any], datetime | None]
_DATE = r"(\d{4})-(\d\d)(?:-(\d\d))?"
_TIME = r"(\d\d)(?::?(\d\d)(?::?(\d\d)(?:[.,](\d+))?)?)?"
_ZONE = r"\s?(Z|[+-]\d\d(?::?\d\d)?)?"
_ISO = re.compile(rf"{_DATE}(?:T{_TIME}{_ZONE})?")
# Logstash tries this one, too; its fraction has three digits.
_SPACED = re.compile(rf"{_DATE} (\d\d):(\d\d):(\d\d)[.,](\d{{3}})()")
_LATEST = 253402300799  # the last second of the year 9999
_JODA = {
    "yyyy": (r"(?P<Y>\d{4})", "Y"),
    "YYYY": (r"(?P<Y>\d{4})", "Y"),
    "MM": (r"(?P<M>\d{2})", "M"),
    "dd": (r"(?P<D>\d{2})", "D"),
    "HH": (r"(?P<h>\d{2})", "h"),
    "mm": (r"(?P<m>\d{2})", "m"),
    "ss": (r"(?P<s>\d{2})", "s"),
    "ZZ": (r"(?P<z>Z|[+-]\d\d:?\d\d)", "z"),
    "Z": (r"(?P<z>Z|[+-]\d\d:?\d\d)", "z"),
}


def zone(name: str) -> tzinfo:
    """Return a zone by its name; raises ValueError."""
    if name in ("UTC", "GMT", "Z"):
        return UTC
    if found := re.fullmatch(r"([+-])(\d\d):?(\d\d)", name):
        offset = timedelta(hours=int(found[2]), minutes=int(found[3]))
        return timezone(-offset if found[1] == "-" else offset)
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError):
        raise ValueError(f"The datetime zone id '{name}' is not recognised") from None


def parser(pattern: str, place: tzinfo) -> Parser:
    """Return what reads one format; raises ValueError for a pattern that is none."""
    known: dict[str, Parser] = {
        "ISO8601": lambda value: _iso(value, place),
        "UNIX": lambda value: _seconds(value, 1),
        "UNIX_MS": lambda value: _seconds(value, 1000),
    }
    return known.get(pattern) or _joda(pattern, place)


def _milliseconds(when: datetime) -> datetime:
    return when.replace(microsecond=when.microsecond // 1000 * 1000).astimezone(UTC)


def _iso(value: Any, place: tzinfo) -> datetime | None:
    found = (_ISO.fullmatch(value) or _SPACED.fullmatch(value)) if isinstance(value, str) else None
    if not found:
        return None
    year, month, day, hour, minute, second, fraction, offset = found.groups()
    try:
        return _milliseconds(
            datetime(
                int(year),
                int(month),
                int(day or 1),
                int(hour or 0),
                int(minute or 0),
                int(second or 0),
                int(((fraction or "") + "000")[:3]) * 1000,
                zone(_full(offset)) if offset else place,
            )
        )
    except ValueError:
        return None


def _full(offset: str) -> str:
    return offset + "00" if re.fullmatch(r"[+-]\d\d", offset) else offset


def _seconds(value: Any, per_second: int) -> datetime | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str) and not re.fullmatch(r"-?\d+(?:\.\d+)?", value):
        return None
    seconds = float(value) / per_second
    if not -_LATEST < seconds <= _LATEST:
        return None
    return _milliseconds(
        datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(seconds * 1000))
    )


def _joda(pattern: str, place: tzinfo) -> Parser:
    text, used = "", set[str]()
    for part in re.findall(r"'[^']*'|S+|[A-Za-z]+|[^A-Za-z']+", pattern):
        if part in _JODA:
            text, used = text + _JODA[part][0], used | {_JODA[part][1]}
        elif set(part) == {"S"}:
            text += rf"(?P<f>\d{{{len(part)}}})"
        elif part.startswith("'") or not part[0].isalpha():
            text += re.escape(part.strip("'"))
        else:
            raise ValueError(f"Illegal pattern component: {part}")
    expression = re.compile(text)

    def read(value: Any) -> datetime | None:
        found = expression.fullmatch(value) if isinstance(value, str) else None
        if not found:
            return None
        parts = found.groupdict()
        now = datetime.now(UTC)
        try:
            return _milliseconds(
                datetime(
                    int(parts.get("Y") or now.year),
                    int(parts.get("M") or 1),
                    int(parts.get("D") or 1),
                    int(parts.get("h") or 0),
                    int(parts.get("m") or 0),
                    int(parts.get("s") or 0),
                    int(((parts.get("f") or "") + "000")[:3]) * 1000,
                    zone(parts["z"]) if parts.get("z") else place,
                )
            )
        except ValueError:
            return None

    return read
