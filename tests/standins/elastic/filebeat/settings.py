# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""filebeat.yml: what Filebeat reads of it, and what it refuses.

Filebeat ignores names that it does not know, and so does this. What is of a wrong type is refused, in
the words of the library that it reads settings with.
"""

import os
import re
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from elastic.common import Refused, variables

_REMOVED = (
    "prospectors",
    "config.prospectors",
    "registry_file",
    "registry_file_permissions",
    "registry_flush",
)
_UNITS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600}
_SIZES = {
    "": 1,
    "b": 1,
    "kib": 1 << 10,
    "mib": 1 << 20,
    "kb": 1000,
    "mb": 1000**2,
    "k": 1000,
    "m": 1000**2,
}
# Processors that change nothing here; those that do are in events.py.
_IDLE = (
    "add_host_metadata",
    "add_cloud_metadata",
    "add_docker_metadata",
    "add_kubernetes_metadata",
)
KNOWN_PROCESSORS = ("add_fields", "add_tags", "drop_fields", *_IDLE)


@dataclass
class Input:
    """One filestream input."""

    id: str
    paths: list[str]
    max_bytes: int
    ignore_older: float
    tail: bool
    extra: dict[str, Any] = field(default_factory=dict)
    under_root: bool = False
    tags: list[str] = field(default_factory=list)
    processors: list[dict[str, Any]] = field(default_factory=list)
    include: list[re.Pattern[str]] = field(default_factory=list)
    exclude: list[re.Pattern[str]] = field(default_factory=list)


@dataclass
class Output:
    """Where events go."""

    hosts: list[str]
    bulk: int
    timeout: float
    tls: dict[str, Any] | None


class Config:
    """The settings, with the path of a value in every refusal."""

    def __init__(self, path: Path, data: dict[str, Any]) -> None:
        self.path, self.data = path, data

    def at(self, name: str, default: Any = None) -> Any:
        """Return the value at a dotted name, whether it is written with dots or nested."""
        return _at(self.data, name, default)

    def typed(self, name: str, kind: str, default: Any, data: Any = None, below: str = "") -> Any:
        """Return a value of a kind; raises Refused."""
        value = _at(self.data if data is None else data, name, None)
        if value is None:
            return default
        try:
            return _KINDS[kind](value)
        except (ValueError, TypeError):
            found = {
                bool: "bool",
                int: "int",
                float: "float",
                str: "string",
                dict: "object",
                list: "array",
            }
            place = f"{below}.{name}" if below else name
            raise self.refused(
                f"can not convert '{found.get(type(value), 'object')}' into '{kind}'", place
            ) from None

    def refused(self, message: str, place: str) -> Refused:
        """Make a refusal with the place."""
        return Refused(f"{message} accessing '{place}' (source:'{self.path}')")

    # -- inputs -----------------------------------------------------------------

    def raw_inputs(self) -> list[tuple[str, dict[str, Any]]]:
        """Return inputs of the file and of the files that it names, those that are on."""
        found = [
            (f"filebeat.inputs.{i}", one) for i, one in enumerate(self.at("filebeat.inputs") or [])
        ]
        if self.at("filebeat.config.inputs.enabled", self.at("filebeat.config.inputs") is not None):
            pattern = Path(str(self.at("filebeat.config.inputs.path", "inputs.d/*.yml")))
            folder = Path("/") if pattern.is_absolute() else self.path.parent
            for path in sorted(folder.glob(str(pattern).lstrip("/"))):
                found += [
                    (str(path), one)
                    for one in yaml.safe_load(path.read_text(encoding="utf-8")) or []
                ]
        if not all(isinstance(one, dict) for _place, one in found):
            raise self.refused("required 'object', but found something else", "filebeat.inputs")
        return [
            (place, one) for place, one in found if self.typed("enabled", "bool", True, one, place)
        ]

    def inputs(self) -> list[Input]:
        """Check and return the inputs, as a start does; raises Refused."""
        made = []
        for place, one in self.raw_inputs():
            if one.get("type") in ("log", "stdin", "container", "syslog", "tcp", "udp"):
                raise Refused(f"the stand-in has no input {one['type']}, only filestream")
            if one.get("type") != "filestream":
                raise Refused(
                    f"error while initializing input: Error creating input. No such input type "
                    f"exist: '{one.get('type')}'"
                )
            try:
                made.append(self._input(place, one))
            except Refused as exc:
                raise Refused(
                    f"Failed to start crawler: starting input failed: error while initializing "
                    f"input: {exc}"
                ) from None
        return made

    def _input(self, place: str, one: dict[str, Any]) -> Input:
        def typed(name: str, kind: str, default: Any) -> Any:
            return self.typed(name, kind, default, one, place)

        paths = typed("paths", "[]string", [])
        if not paths:
            raise self.refused("no path is configured", place)
        if one.get("parsers"):
            raise Refused("the stand-in has no parsers")
        return Input(
            id=typed("id", "string", ""),
            paths=paths,
            max_bytes=typed("message_max_bytes", "bytes", 10 << 20),
            ignore_older=typed("ignore_older", "duration", 0.0),
            tail=typed("seek_to_tail", "bool", False),
            extra=one.get("fields") or {},
            under_root=typed("fields_under_root", "bool", False),
            tags=typed("tags", "[]string", []),
            processors=self.processors(one.get("processors"), f"{place}.processors"),
            include=[re.compile(text) for text in typed("include_lines", "[]string", [])],
            exclude=[re.compile(text) for text in typed("exclude_lines", "[]string", [])],
        )

    def processors(self, given: Any, place: str) -> list[dict[str, Any]]:
        """Check and return processors."""
        for index, one in enumerate(given or []):
            if not isinstance(one, dict) or len(one) != 1:
                raise self.refused(
                    "each processor must have exactly one action", f"{place}.{index}"
                )
            name, options = next(iter(one.items()))
            if name not in KNOWN_PROCESSORS:
                raise Refused(
                    f"the processor action {name} does not exist, or the stand-in does not have it"
                )
            if isinstance(options, dict) and "when" in options and name not in _IDLE:
                raise Refused("the stand-in's processors know no conditions")
        return list(given or [])

    # -- output -----------------------------------------------------------------

    def output(self) -> Output:
        """Check and return the output; raises Refused."""
        given = {
            name: one
            for name, one in self._outputs().items()
            if not (isinstance(one, dict) and one.get("enabled") is False)
        }
        if len(given) > 1:
            raise Refused(
                f"error unpacking config data: more than one namespace configured accessing "
                f"'output' (source:'{self.path}')"
            )
        if not given:
            raise Refused("no outputs are defined, please define one under the output section")
        name, one = next(iter(given.items()))
        if name != "logstash":
            raise Refused(f"the stand-in has no output.{name}, only output.logstash")
        place = "output.logstash"

        def typed(key: str, kind: str, default: Any) -> Any:
            return self.typed(key, kind, default, one or {}, place)

        hosts = typed("hosts", "[]string", [])
        if not hosts:
            raise Refused(
                f"error initializing publisher: "
                f"{self.refused('missing required field', place + '.hosts')}"
            )
        return Output(
            hosts,
            typed("bulk_max_size", "int", 2048),
            typed("timeout", "duration", 30.0),
            self._tls((one or {}).get("ssl"), place + ".ssl"),
        )

    def _outputs(self) -> dict[str, Any]:
        nested = self.data.get("output") or {}
        dotted: dict[str, Any] = {}
        for key, value in self.data.items():
            if str(key).startswith("output."):
                name, _dot, rest = str(key).removeprefix("output.").partition(".")
                if rest:
                    dotted.setdefault(name, {})[rest] = value
                else:
                    dotted[name] = value
        return {**nested, **dotted}

    def _tls(self, given: Any, place: str) -> dict[str, Any] | None:
        if given is None or not self.typed("enabled", "bool", True, given, place):
            return None
        mode = self.typed("verification_mode", "string", "full", given, place)
        if mode not in ("full", "strict", "certificate", "none"):
            raise self.refused(
                f"unknown verification mode type: {mode}", f"{place}.verification_mode"
            )
        authorities = self.typed("certificate_authorities", "[]string", [], given, place)
        certificate, key = given.get("certificate"), given.get("key")
        if bool(certificate) != bool(key):
            raise self.refused(
                "key file not configured" if certificate else "certificate file not configured",
                place,
            )
        for path in (*authorities, certificate, key):
            if path and "BEGIN" not in path and not Path(path).exists():
                raise Refused(f"1 error: open {path}: no such file or directory reading {path}")
        return {"mode": mode, "authorities": authorities, "certificate": certificate, "key": key}


def _at(data: Any, name: str, default: Any) -> Any:
    if not isinstance(data, dict):
        return default
    if name in data:
        return data[name]
    parts = name.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        head = ".".join(parts[:cut])
        if head in data:
            return _at(data[head], ".".join(parts[cut:]), default)
    return default


def _bool(value: Any) -> bool:
    if value in (True, "true"):
        return True
    if value in (False, "false"):
        return False
    raise ValueError


def _int(value: Any) -> int:
    if isinstance(value, bool | dict | list):
        raise TypeError
    return int(value)


def _string(value: Any) -> str:
    if isinstance(value, dict | list):
        raise TypeError
    return str(value).lower() if isinstance(value, bool) else str(value)


def duration(value: Any) -> float:
    """Read a duration as Go does; raises ValueError."""
    if isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    parts = re.findall(r"(\d+(?:\.\d+)?)(ns|us|ms|s|m|h)", str(value))
    if not parts or "".join(a + b for a, b in parts) != str(value):
        raise ValueError
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def _bytes(value: Any) -> int:
    found = re.fullmatch(r"(\d+)\s*([a-z]*)", str(value).lower())
    if not found or found[2] not in _SIZES:
        raise ValueError
    return int(found[1]) * _SIZES[found[2]]


_KINDS: dict[str, Callable[[Any], Any]] = {
    "bool": _bool,
    "int": _int,
    "string": _string,
    "duration": duration,
    "bytes": _bytes,
    "[]string": lambda value: [
        _string(one) for one in (value if isinstance(value, list) else [value])
    ],
}


def _missing(placeholder: str, name: str) -> str:
    raise Refused(f"error loading config file: missing field accessing '{name}' of {placeholder}")


def load(path: Path, overrides: dict[str, Any], strict: bool = True) -> Config:
    """Read the file, and what the command line says over it; raises Refused."""
    try:
        status = path.stat()
        text = path.read_text(encoding="utf-8")
    except OSError as exc:
        reason = (exc.strerror or "").lower()
        raise Refused(f"error loading config file: stat {path}: {reason}") from None
    if strict:
        _check_permissions(path, status)
    try:
        data = yaml.safe_load(text) or {}
    except yaml.YAMLError as exc:
        mark = getattr(exc, "problem_mark", None)
        line = mark.line + 1 if mark else 0
        raise Refused(
            f"error loading config file: yaml: line {line}: {getattr(exc, 'problem', exc)}"
        ) from None
    if not isinstance(data, dict):
        raise Refused(
            "error loading config file: type 'string' is not supported on top level of config, "
            "only dictionary or list"
        )
    return Config(path, {**variables.replaced(data, _missing), **overrides})


def _check_permissions(path: Path, status: os.stat_result) -> None:
    user = os.geteuid()
    if status.st_uid not in (user, 0):
        raise Refused(
            f'error loading config file: config file ("{path}") must be owned by the user '
            f"identifier (uid={user}) or root"
        )
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise Refused(
            f'error loading config file: config file ("{path}") can only be writable by the '
            f"owner but the "
            f'permissions are "{stat.filemode(status.st_mode)}" (to fix the permissions use: '
            f"'chmod go-w {path}')"
        )


def check(config: Config) -> Output:
    """Do what `filebeat test config` does; raises Refused. Inputs are looked at by a start alone."""
    for name in _REMOVED:
        if config.at(f"filebeat.{name}") is not None:
            raise Refused(f"setting '{name}' has been removed")
    output = config.output()
    config.processors(config.at("processors"), "processors")
    modules = config.at("filebeat.config.modules.path") or config.at("filebeat.modules")
    if not modules and not config.raw_inputs() and config.at("filebeat.config.inputs") is None:
        raise Refused(
            "no modules or inputs enabled and configuration reloading disabled. What files do "
            "you want me to watch?"
        )
    return output
