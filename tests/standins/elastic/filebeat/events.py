# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a line to the event that Filebeat sends."""

import copy
import socket
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from elastic.filebeat.harvest import Line
from elastic.filebeat.settings import Input

Data = dict[str, Any]


@dataclass
class Maker:
    """Makes events of one beat."""

    version: str
    name: str
    id: str
    ephemeral: str
    extra: Data
    under_root: bool
    tags: list[str]
    processors: list[Data]

    def event(self, line: Line, settings: Input) -> Data:
        """Make an event."""
        when = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        event: Data = {
            "@timestamp": when,
            "@metadata": {"beat": "filebeat", "type": "_doc", "version": self.version},
            "log": {"offset": line.offset, "file": {"path": line.path}},
            "message": line.text,
            "input": {"type": "filestream"},
            "ecs": {"version": "8.0.0"},
            "host": {"name": self.name},
            "agent": {
                "type": "filebeat",
                "version": self.version,
                "ephemeral_id": self.ephemeral,
                "id": self.id,
                "name": self.name,
            },
        }
        if line.truncated:
            event["log"]["flags"] = ["truncated"]
        for extra, under_root in (
            (self.extra, self.under_root),
            (settings.extra, settings.under_root),
        ):
            if extra:
                _merge(
                    event if under_root else event.setdefault("fields", {}), copy.deepcopy(extra)
                )
        tags = [*self.tags, *settings.tags]
        if tags:
            event["tags"] = tags
        for one in (*settings.processors, *self.processors):
            _process(event, *next(iter(one.items())))
        return event


def hostname() -> str:
    """Return this host's name."""
    return socket.gethostname()


def _merge(data: Data, more: Data) -> None:
    for key, value in more.items():
        *above, last = str(key).split(".")
        below = data
        for name in above:
            below = below.setdefault(name, {})
        if isinstance(value, dict) and isinstance(below.get(last), dict):
            _merge(below[last], value)
        elif isinstance(value, dict):
            below[last] = {}
            _merge(below[last], value)
        else:
            below[last] = value


def _process(event: Data, name: str, options: Any) -> None:
    if name == "add_fields":
        target = options.get("target", "fields")
        _merge(
            event.setdefault(target, {}) if target else event,
            copy.deepcopy(options.get("fields") or {}),
        )
    elif name == "add_tags":
        event[options.get("target", "tags")] = [*event.get("tags", []), *options["tags"]]
    elif name == "drop_fields":
        for path in options.get("fields", []):
            *above, last = path.split(".")
            data: Any = event
            for part in above:
                data = data.get(part, {}) if isinstance(data, dict) else {}
            if path not in ("@timestamp", "type") and isinstance(data, dict):
                data.pop(last, None)
