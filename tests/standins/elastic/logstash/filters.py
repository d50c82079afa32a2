# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters. Each is made of its options and changes an event in place."""

import base64
import hashlib
import hmac
import json
import math
import random
import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from elastic.common import Refused
from elastic.logstash import dates, ruby
from elastic.logstash.conditions import pattern
from elastic.logstash.event import MISSING, Event, as_text, instant
from elastic.logstash.logs import Log
from elastic.logstash.mutate import Mutate

Options = dict[str, Any]
_HALF = re.compile("[\ud800-\udfff]")


class Filter:
    """What all filters do after their own work."""

    name = ""

    def __init__(self, options: Options, log: Log) -> None:
        self.options, self.log = options, log
        self.register()

    def register(self) -> None:
        """Check what only a start finds; raises Refused."""

    def __call__(self, event: Event) -> None:
        """Do the work; subclasses say whether it matched by calling matched."""
        raise NotImplementedError

    def matched(self, event: Event) -> None:
        """Add and remove fields and tags, in Logstash's order."""
        for name, values in self.options.get("add_field", {}).items():
            for value in values if isinstance(values, list) else [values]:
                _add(
                    event, event.text(name), event.text(value) if isinstance(value, str) else value
                )
        for name in self.options.get("remove_field", ()):
            event.remove(event.text(name))
        if new := [event.text(name) for name in self.options.get("add_tag", ())]:
            event.data["tags"] = [*_tags(event.data.get("tags")), *new]
        gone = [event.text(name) for name in self.options.get("remove_tag", ())]
        if gone and event.get("tags"):
            tags = (
                event.data["tags"] if isinstance(event.data["tags"], list) else [event.data["tags"]]
            )
            event.data["tags"] = [name for name in tags if name not in gone]

    def failed(self, event: Event, default: list[str]) -> None:
        """Tag an event."""
        for name in self.options.get("tag_on_failure", default):
            event.tag(name)


def _tags(value: Any) -> list[Any]:
    """Make a list of what tags are, as Ruby does; a tag that is there is added again."""
    if isinstance(value, dict):
        return [list(entry) for entry in value.items()]
    return [] if value is None else value if isinstance(value, list) else [value]


def _add(event: Event, name: str, value: Any) -> None:
    before = event.find(name)
    if before is MISSING or before is None:
        event.set(name, value)
    else:
        event.set(name, [*(before if isinstance(before, list) else [before]), value])


def _no_constant(name: str) -> None:
    raise ValueError(f"Non-standard token '{name}'")


def _number(text: str) -> float | str:
    """Keep a number that no float can hold as a text: JSON has no word for infinity."""
    number = float(text)
    return number if math.isfinite(number) else text


_DECODER = json.JSONDecoder(parse_constant=_no_constant, parse_float=_number)
_BLANK = re.compile(r"[ \t\r\n]*")


def _loaded(text: str) -> Any:
    """Decode a text; of several values, one after the other, it is the last."""
    value, place = None, len(_BLANK.match(text)[0])  # type: ignore[index]
    while place < len(text):
        value, place = _DECODER.raw_decode(text, place)
        place = _BLANK.match(text, place).end()  # type: ignore[union-attr]
    return value


def _whole(value: Any) -> Any:
    """Leave halves of characters out."""
    if isinstance(value, dict):
        return {_whole(key): _whole(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_whole(entry) for entry in value]
    return _HALF.sub("", value) if isinstance(value, str) else value


class Json(Filter):
    """Decode a field."""

    name = "json"

    def __call__(self, event: Event) -> None:
        source = event.get(self.options["source"])
        if source is None or source is False:
            return
        try:
            if not isinstance(source, str):
                raise ValueError(f"{type(source).__name__} is no text")
            parsed = _whole(_loaded(source))
        except (ValueError, RecursionError) as exc:
            if not self.options.get("skip_on_invalid_json"):
                self._failed(event, "Error parsing json", source, str(exc))
            return
        target = self.options.get("target")
        if target is None and not isinstance(parsed, dict):
            self._failed(
                event, "Parsed JSON object/hash requires a target configuration option", source
            )
            return
        try:
            if target is not None:
                event.set(target, parsed)
            else:
                self._into_root(event, parsed)
        except (ValueError, TypeError) as exc:
            self._failed(event, "Exception caught in json filter", source, str(exc))
            return
        self.matched(event)

    def _into_root(self, event: Event, parsed: Any) -> None:
        when = parsed.pop("@timestamp", None)
        for name, value in parsed.items():
            event.set(name if "[" not in name else f"[{name}]", value)
        if when is not None:
            found = instant(when)
            event.data["@timestamp"] = found or datetime.now(UTC)
            if found is None:
                event.tag("_timestampparsefailure")
                event.data["_@timestamp"] = as_text(when)

    def _failed(self, event: Event, message: str, raw: Any, fault: str = "") -> None:
        self.failed(event, ["_jsonparsefailure"])
        self.log.warn(
            message,
            source=self.options["source"],
            raw=raw,
            **({"exception": fault} if fault else {}),
        )


class Date(Filter):
    """Read a time."""

    name = "date"

    def register(self) -> None:
        self._source, *formats = self.options.get("match", []) or [""]
        if not formats:
            raise Refused(
                "Cannot register date filter plugin.\nThe error reported is:\n  The match "
                "setting should "
                "contains first a field name and at least one date format, current value is "
                f"{self.options.get('match', [])}"
            )
        try:
            place = dates.zone(self.options["timezone"]) if "timezone" in self.options else UTC
            self._parsers = [dates.parser(format_, place) for format_ in formats]
        except ValueError as exc:
            raise Refused(str(exc)) from None

    def __call__(self, event: Event) -> None:
        value = event.get(self._source)
        if value is None:
            return
        when = value if isinstance(value, datetime) else None
        for parse in self._parsers:
            when = when or parse(value)
        if when is None:
            self.failed(event, ["_dateparsefailure"])
            return
        event.set(self.options.get("target", "@timestamp"), when)
        self.matched(event)


class Fingerprint(Filter):
    """Digest fields."""

    name = "fingerprint"
    _DIGESTS = ("SHA1", "SHA256", "SHA384", "SHA512", "MD5")

    def register(self) -> None:
        self._method = self.options.get("method", "SHA1")
        if self._method not in (*self._DIGESTS, "UUID"):
            raise Refused(f"the stand-in has no fingerprint method {self._method}")
        compatible = self.options.get("ecs_compatibility", "v8") == "disabled"
        default = "fingerprint" if compatible else "[event][hash]"
        self._target = self.options.get("target") or default
        self._sources = self.options.get("source", ["message"])

    def __call__(self, event: Event) -> None:
        if self._method == "UUID":
            event.set(self._target, str(uuid.uuid4()))
        elif self.options.get("concatenate_all_fields"):
            fields = _sorted(event.data)
            event.set(
                self._target,
                self._digest("".join(f"|{k}|{_ruby(v)}" for k, v in fields.items()) + "|"),
            )
        elif self.options.get("concatenate_sources"):
            parts = (f"|{name}|{_ruby(_sorted(event.get(name)))}" for name in sorted(self._sources))
            event.set(self._target, self._digest("".join(parts) + "|"))
        else:
            for name in self._sources:
                value = event.find(name)
                if value is MISSING:
                    continue
                if isinstance(value, list):
                    event.set(
                        self._target, [self._digest(_ruby(_sorted(entry))) for entry in value]
                    )
                else:
                    event.set(self._target, self._digest(_ruby(_sorted(value))))
        self.matched(event)

    def _digest(self, text: str) -> str:
        data, method = text.encode(errors="replace"), self._method.lower()
        key = self.options.get("key")
        made = hashlib.new(method, data) if key is None else hmac.new(key.encode(), data, method)
        if self.options.get("base64encode"):
            return base64.b64encode(made.digest()).decode()
        return made.hexdigest()


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(entry) for entry in value] if isinstance(value, list) else value


def _ruby(value: Any, inner: bool = False) -> str:
    """Write a value as Ruby's to_s does."""
    if value is None:
        return "nil" if inner else ""
    if isinstance(value, dict):
        return (
            "{" + ", ".join(f"{_ruby(k, True)}=>{_ruby(v, True)}" for k, v in value.items()) + "}"
        )
    if isinstance(value, list):
        return "[" + ", ".join(_ruby(entry, True) for entry in value) + "]"
    return (
        json.dumps(value, ensure_ascii=False)
        if inner and isinstance(value, str)
        else as_text(value)
    )


class Drop(Filter):
    """Forget an event."""

    name = "drop"

    def __call__(self, event: Event) -> None:
        if random.random() * 100 < self.options.get("percentage", 100):
            event.cancelled = True


class Truncate(Filter):
    """Cut texts that are longer than a number of bytes, between characters."""

    name = "truncate"

    def __call__(self, event: Event) -> None:
        names = self.options.get("fields")
        length = int(self.options["length_bytes"])
        for name in names if names is not None else list(event.data):
            value = event.get(name)
            if isinstance(value, str):
                event.set(name, _cut(value, length))
            elif isinstance(value, list):
                event.set(name, [_cut(v, length) if isinstance(v, str) else v for v in value])
        self.matched(event)


def _cut(text: str, length: int) -> str:
    data = text.encode(errors="replace")
    return text if len(data) <= length else data[:length].decode(errors="ignore")


class Prune(Filter):
    """Keep or remove fields of the root by their names, @timestamp among them."""

    name = "prune"

    def register(self) -> None:
        if any(
            name in self.options for name in ("interpolate", "whitelist_values", "blacklist_values")
        ):
            raise Refused("the stand-in's prune filter knows names alone")
        self._keep = [pattern(text) for text in self.options.get("whitelist_names", [])]
        self._remove = [pattern(text) for text in self.options.get("blacklist_names", ["%{[^}]+}"])]

    def __call__(self, event: Event) -> None:
        for name in list(event.data):
            kept = not self._keep or any(found.search(name) for found in self._keep)
            wanted = kept and not any(found.search(name) for found in self._remove)
            if not wanted:
                del event.data[name]
        self.matched(event)


class Ruby(Filter):
    """Run those few statements of Ruby that the stand-in understands."""

    name = "ruby"

    def register(self) -> None:
        if any(name in self.options for name in ("init", "path", "script_params")):
            raise Refused("the stand-in's ruby filter knows `code` alone")
        self._run = ruby.compiled(self.options.get("code", ""))

    def __call__(self, event: Event) -> None:
        try:
            self._run(event)
        except (ValueError, TypeError) as exc:
            self.log.error(f"Ruby exception occurred: {exc}")
            event.tag(self.options.get("tag_on_exception", "_rubyexception"))
            return
        self.matched(event)


class MutateFilter(Filter):
    """Change fields."""

    name = "mutate"

    def register(self) -> None:
        self._mutate = Mutate(self.options, self.log)

    def __call__(self, event: Event) -> None:
        try:
            self._mutate(event)
            self.matched(event)
        except (ValueError, TypeError, AttributeError, re.error) as exc:
            self.log.warn("Exception caught while applying mutate filter", exception=str(exc))
            event.tag(self.options.get("tag_on_failure", "_mutate_error"))


_ALL: tuple[type[Filter], ...] = (
    Json,
    MutateFilter,
    Date,
    Fingerprint,
    Drop,
    Truncate,
    Prune,
    Ruby,
)
FILTERS: dict[str, Callable[[Options, Log], Filter]] = {kind.name: kind for kind in _ALL}
