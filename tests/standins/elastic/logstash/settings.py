# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings: logstash.yml, what a pipeline may set for itself, and the command line."""

import os
import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from elastic.common import Refused, documents, variables
from elastic.logstash import HOME
from elastic.logstash.options import release

Check = Callable[[Any], Any]
_UNITS = {"": 1, "b": 1, "kb": 1 << 10, "mb": 1 << 20, "gb": 1 << 30, "tb": 1 << 40}
_SECONDS = {"ns": 1e-9, "micros": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600, "d": 86400}


def size(value: Any) -> int:
    """Read a number of bytes; raises ValueError."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt]?b|)", str(value).strip().lower())
    if not found:
        raise ValueError(f"Unknown bytes value '{value}'")
    return int(float(found[1]) * _UNITS[found[2]])


def seconds(value: Any) -> float:
    """Read a time; raises ValueError."""
    found = re.fullmatch(r"(-?\d+)(ns|micros|ms|s|m|h|d)?", str(value))
    if not found:
        raise ValueError(f"invalid time unit: {value!r}")
    return int(found[1]) * (_SECONDS[found[2]] if found[2] else 1e-9)


def _kind(name: str, kind: type, ruby: str) -> Check:
    def check(value: Any) -> Any:
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise ValueError(
                f'Setting "{name}" must be a {ruby}. Received: {value} ({_ruby(value)})'
            )
        return value

    return check


def _ruby(value: Any) -> str:
    names = {
        bool: "TrueClass" if value else "FalseClass",
        int: "Integer",
        float: "Float",
        str: "String",
    }
    names |= {list: "Array", dict: "Hash", type(None): "NilClass"}
    return names.get(type(value), type(value).__name__)


def _boolean(value: Any) -> bool:
    if value in (True, "true"):
        return True
    if value in (False, "false"):
        return False
    raise ValueError(f"could not coerce {value} into a boolean")


def _integer(value: Any, least: int | None = None) -> int:
    try:
        number = int(value) if not isinstance(value, bool | float) else None
    except (TypeError, ValueError):
        number = None
    if number is None:
        raise ValueError(f"Failed to coerce value to Integer. Received {value} ({_ruby(value)})")
    if least is not None and number < least:
        raise ValueError(f"Number must be bigger than 0. Received: {number}")
    return number


def _numeric(value: Any) -> float:
    try:
        return float(value) if "." in str(value) else int(value)
    except (TypeError, ValueError):
        raise ValueError(
            f"Failed to coerce value to Numeric. Received {value} ({_ruby(value)})"
        ) from None


def _ports(value: Any) -> list[int]:
    found = re.fullmatch(r"(\d+)(?:-(\d+))?", str(value))
    if not found:
        raise ValueError(f"Could not coerce {value} into a port range")
    ports = range(int(found[1]), int(found[2] or found[1]) + 1)
    if not ports or ports[0] < 1 or ports[-1] > 65535:
        raise ValueError(f'Invalid value "{value}, valid options are within the range of 1-65535')
    return list(ports)


def _one_of(*options: str) -> Check:
    def check(value: Any) -> str:
        text = (
            {True: "true", False: "false"}.get(value, value) if isinstance(value, bool) else value
        )
        if text not in options:
            raise ValueError(
                f'Invalid value "{value}". Options are: {list(options)}'.replace("'", '"')
            )
        return str(text)

    return check


def _directory(value: Any) -> Path:
    path = Path(str(value))
    if path.is_symlink():
        raise ValueError(f'Path "{path}" must be a writable directory. It cannot be a symlink.')
    if path.exists():
        if not path.is_dir():
            raise ValueError(f'Path "{path}" must be a writable directory. It is not a directory.')
        if not os.access(path, os.W_OK):
            raise ValueError(f'Path "{path}" must be a writable directory. It is not writable.')
        return path
    try:
        path.mkdir(parents=True)
    except OSError:
        raise ValueError(
            f'Path "{path}" does not exist and I cannot create it because the parent path '
            f'"{path.parent}" is not writable.'
        ) from None
    return path


def _strings(*names: str) -> dict[str, tuple[Any, Check]]:
    return {name: (None, _kind(name, str, "String")) for name in names}


_POSITIVE: Check = lambda value: _integer(value, 1)  # noqa: E731
_SETTINGS: dict[str, tuple[Any, Check]] = {
    **_strings(
        "path.config", "config.string", "api.auth.basic.username", "api.auth.basic.password"
    ),
    **_strings(
        "api.ssl.keystore.path",
        "api.ssl.keystore.password",
        "keystore.file",
        "monitoring.cluster_uuid",
    ),
    **_strings("interactive", "path.settings", "path.logs"),
    "allow_superuser": (True, _boolean),
    "node.name": (socket.gethostname(), _kind("node.name", str, "String")),
    "path.data": (HOME / "data", _directory),
    "path.queue": (None, _directory),
    "path.dead_letter_queue": (None, _directory),
    "path.plugins": ([], lambda value: value),
    "config.test_and_exit": (False, _boolean),
    "config.reload.automatic": (False, _boolean),
    "config.reload.interval": ("3s", seconds),
    "config.debug": (False, _boolean),
    "config.support_escapes": (False, _boolean),
    "config.field_reference.escape_style": ("none", _one_of("none", "percent", "ampersand")),
    "metric.collect": (True, _boolean),
    "pipeline.id": ("main", _kind("pipeline.id", str, "String")),
    "pipeline.system": (False, _boolean),
    "pipeline.workers": (os.cpu_count() or 1, _POSITIVE),
    "pipeline.batch.size": (125, _POSITIVE),
    "pipeline.batch.delay": (50, _numeric),
    "pipeline.unsafe_shutdown": (False, _boolean),
    "pipeline.reloadable": (True, _boolean),
    "pipeline.plugin_classloaders": (False, _boolean),
    "pipeline.separate_logs": (False, _boolean),
    "pipeline.ordered": ("auto", _one_of("auto", "true", "false")),
    "pipeline.ecs_compatibility": ("v8", _one_of("disabled", "v1", "v8")),
    "log.level": ("info", _one_of("fatal", "error", "warn", "debug", "info", "trace")),
    "log.format": ("plain", _one_of("json", "plain")),
    "api.enabled": (True, _boolean),
    "api.http.host": ("127.0.0.1", _kind("api.http.host", str, "String")),
    "api.http.port": ("9600-9700", _ports),
    "api.environment": ("production", _kind("api.environment", str, "String")),
    "api.auth.type": ("none", _one_of("none", "basic")),
    "api.auth.basic.password_policy.mode": ("WARN", _one_of("WARN", "ERROR")),
    "api.ssl.enabled": (False, _boolean),
    "queue.type": ("memory", _one_of("persisted", "memory")),
    "queue.drain": (False, _boolean),
    "queue.page_capacity": ("64mb", size),
    "queue.max_bytes": ("1024mb", size),
    "queue.max_events": (0, _numeric),
    "queue.checkpoint.acks": (1024, _numeric),
    "queue.checkpoint.writes": (1024, _numeric),
    "queue.checkpoint.interval": (1000, _numeric),
    "queue.checkpoint.retry": (True, _boolean),
    "dead_letter_queue.enable": (False, _boolean),
    "dead_letter_queue.retain.age": (None, seconds),
    "dead_letter_queue.max_bytes": ("1024mb", size),
    "dead_letter_queue.flush_interval": (5000, _numeric),
    "dead_letter_queue.storage_policy": ("drop_newer", _one_of("drop_newer", "drop_older")),
    "xpack.monitoring.enabled": (False, _boolean),
    "xpack.management.enabled": (False, _boolean),
    "xpack.geoip.downloader.enabled": (True, _boolean),
    **{
        f"slowlog.threshold.{level}": ("-1", seconds)
        for level in ("warn", "info", "debug", "trace")
    },
}
_ALIASES = {f"http.{name}": f"api.http.{name}" for name in ("host", "port")}
_ALIASES |= {"http.enabled": "api.enabled", "http.environment": "api.environment"}
_OF_PIPELINE = [
    "config.debug",
    "config.support_escapes",
    "config.reload.automatic",
    "config.reload.interval",
    "config.string",
    "dead_letter_queue.enable",
    "dead_letter_queue.flush_interval",
    "dead_letter_queue.max_bytes",
    "dead_letter_queue.storage_policy",
    "metric.collect",
    "pipeline.plugin_classloaders",
    "path.config",
    "path.dead_letter_queue",
    "path.queue",
    "pipeline.batch.delay",
    "pipeline.batch.size",
    "pipeline.id",
    "pipeline.reloadable",
    "pipeline.system",
    "pipeline.workers",
    "pipeline.ordered",
    "pipeline.ecs_compatibility",
    *(f"queue.checkpoint.{name}" for name in ("acks", "interval", "writes", "retry")),
    *(f"queue.{name}" for name in ("drain", "max_bytes", "max_events", "page_capacity", "type")),
]


class Settings:
    """Values by name; what is unknown or wrong is refused when it is set."""

    def __init__(self, version: str) -> None:
        self.version = version
        self._known = dict(_SETTINGS)
        self._values: dict[str, Any] = {}
        if release(version) >= (9, 0):
            self._known["allow_superuser"] = False, _boolean

    def __getitem__(self, name: str) -> Any:
        """Return a value, converted."""
        if name in self._values:
            return self._values[name]
        default, check = self._known[name]
        if name == "path.queue":
            default = self["path.data"] / "queue"
        if name == "path.dead_letter_queue":
            default = self["path.data"] / "dead_letter_queue"
        if name == "path.logs":
            return HOME / "logs"
        return default if default is None else check(default)

    def __contains__(self, name: str) -> bool:
        """Tell whether it was set."""
        return name in self._values

    def knows(self, name: str) -> bool:
        """Tell whether there is such a setting."""
        return name in self._known or name in _ALIASES

    def set(self, name: str, value: Any) -> None:
        """Set a value; raises Refused."""
        if release(self.version) < (9, 0):
            name = _ALIASES.get(name, name)
        if name.startswith("xpack.") and name not in self._known:
            return  # of an extension, which this does not have
        if name not in self._known:
            raise Refused(
                f"Setting \"{name}\" doesn't exist. Please check if you haven't made a typo."
            )
        try:
            self._values[name] = self._known[name][1](value)
        except ValueError as exc:
            raise Refused(str(exc)) from None
        if name == "path.logs":
            self._values[name] = Path(value)

    def of_pipeline(self, given: dict[str, Any]) -> "Settings":
        """Return a copy with a pipeline's own values; raises Refused."""
        allowed = list(_OF_PIPELINE)
        if release(self.version) >= (8, 7):
            allowed.append("dead_letter_queue.retain.age")
        made = Settings(self.version)
        made._values = dict(self._values)
        for name, value in given.items():
            if name not in allowed:
                listed = ", ".join(f'"{entry}"' for entry in allowed)
                raise Refused(
                    f'Only pipeline related settings are expected. Received "{name}". Allowed '
                    f"settings: [{listed}]"
                )
            made.set(name, value)
        return made

    def told(self) -> dict[str, str]:
        """Return what was set, to compare."""
        return {name: str(value) for name, value in sorted(self._values.items())}


class Unreadable(Refused):
    """A file that is none of its kind, which is told with other words than a wrong setting."""


def missing(placeholder: str, name: str) -> str:
    """Refuse a variable that nobody set."""
    raise Refused(
        f"Cannot evaluate `{placeholder}`. Replacement variable `{name}` is not defined in a "
        f"Logstash "
        "secret store or as an Environment entry and there is no default value given."
    )


def load(folder: Path, overrides: dict[str, str], version: str) -> Settings:
    """Read logstash.yml, and the command line over it; raises Refused."""
    settings, path = Settings(version), folder / "logstash.yml"
    given: dict[str, Any] = {}
    if path.exists():
        try:
            given = documents.flat(documents.read(path.read_text(encoding="utf-8")) or {})
        except (yaml.YAMLError, UnicodeDecodeError) as exc:
            raise Unreadable(
                f'Failed to parse YAML file "{path}". Please confirm if the YAML structure is valid '
                "(e.g. look for incorrect usage of whitespace or indentation). Aborting... "
                f"parser_error=>{exc}"
            ) from None
    else:
        print(
            f"WARNING: Could not find logstash.yml which is typically located in $LS_HOME/config "
            f"or {folder}. "
            "You can specify the path using --path.settings. Continuing using the defaults",
            flush=True,
        )
    for name, value in {**variables.replaced(given, missing), **overrides}.items():
        settings.set(name, value)
    for name in ("path.data", "path.queue", "path.dead_letter_queue"):
        settings.set(name, settings[name])
    return settings
