# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The date filter's formats: ISO8601, UNIX, UNIX_MS and patterns of Joda."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from string import ascii_letters
from typing import Any
from zoneinfo import ZoneInfo

Parser = Callable[[Any], datetime | None]
# Years that Python does not know are left out.
_YEAR = r"\+?(?P<Y>\d{1,4})"
_DAY = r"-W(?P<W>\d{1,2})(?:-(?P<w>\d))?|-(?P<N>\d{3})|-(?P<M>\d{1,2})(?:-(?P<D>\d{1,2}))?|"
_TIME = r"(?P<h>\d{1,2})(?::(?P<m>\d{1,2})(?::(?P<s>\d{1,2})(?:[.,](?P<f>\d{1,9}))?)?)?"
_ZONE = r"(?P<z>Z|[+-]\d\d(?::?\d\d)?)?"
_ISO = re.compile(rf"{_YEAR}(?:{_DAY})(?:T{_TIME}{_ZONE})?", re.IGNORECASE)
# Logstash tries this one, too; its fraction has three digits.
_SPACED = re.compile(
    r"(?P<Y>\d{4})-(?P<M>\d\d)-(?P<D>\d\d) (?P<h>\d\d):(?P<m>\d\d):(?P<s>\d\d)[.,](?P<f>\d{3})"
    + _ZONE
)
_LATEST = (1 << 31) - 1  # second that UNIX takes
_LAST_OF_9999 = 253402300799
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
    part = found.groupdict()
    try:
        if part.get("W"):
            day = date.fromisocalendar(int(part["Y"]), int(part["W"]), int(part["w"] or 1))
        else:
            day = date(int(part["Y"]), int(part["M"] or 1), int(part["D"] or 1))
        if part.get("N"):
            day += timedelta(days=int(part["N"]) - 1)
        return _milliseconds(
            datetime(
                day.year,
                day.month,
                day.day,
                int(part["h"] or 0),
                int(part["m"] or 0),
                int(part["s"] or 0),
                int(((part["f"] or "") + "000")[:3]) * 1000,
                zone(_full(part["z"].upper())) if part["z"] else place,
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
    if int(seconds) > _LATEST and per_second == 1 or abs(seconds) > _LAST_OF_9999:
        return None
    return _milliseconds(
        datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(seconds * 1000))
    )


_PARTS = re.compile(
    "'[^']*'|" + "|".join(f"{letter}+" for letter in ascii_letters) + "|[^A-Za-z']+"
)


def _joda(pattern: str, place: tzinfo) -> Parser:
    text, used = "", set[str]()
    for part in _PARTS.findall(pattern):
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
