# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshots of Prometheus' own making, and which of them are ours to remove.

People make some too, in the same directory. A note in the daemon's state says which one is ours; before
Prometheus has told its name, it says since when, for a snapshot is named after the time it begins.
"""

from __future__ import annotations

import json
import os
import posixpath
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone

from ..daemon import _files
from ._web import Api

_NAME = re.compile(r"(\d{8}T\d{6}Z)-[0-9a-f]+")
_SOON = 5  # seconds in which Prometheus begins with what it is told


@contextmanager
def snapshot(api: Api, data: str, note: str) -> Iterator[str]:
    """Let Prometheus make a snapshot; yields its directory, which is removed afterwards."""
    _remember(note, {"since": time.time(), "there": _there(data)})
    try:
        name = api.send("POST", "/api/v1/admin/tsdb/snapshot")["data"]["name"]
        _remember(note, {"name": name})
        yield posixpath.join(data, "snapshots", name)
    finally:
        clean(data, note)


def _remember(note: str, what: dict[str, object]) -> None:
    _files.write(note, json.dumps(what).encode(), 0o600)


def _there(data: str) -> list[str]:
    folder = posixpath.join(data, "snapshots")
    return sorted(os.listdir(folder)) if os.path.isdir(folder) else []


def clean(data: str, note: str) -> None:
    """Remove the snapshot that the note is of, whatever of it is there."""
    try:
        with open(note, encoding="utf-8") as file:
            told = json.load(file)
        names = [told["name"]] if "name" in told else _begun(data, told["since"], told["there"])
    except FileNotFoundError:
        return
    except (ValueError, TypeError, KeyError):
        names = []  # a snapshot that stays costs room, another's that goes costs more
    for name in names:
        if _NAME.fullmatch(name):
            shutil.rmtree(posixpath.join(data, "snapshots", name), ignore_errors=True)
    _files.remove(note)


def _begun(data: str, since: float, before: list[str]) -> list[str]:
    found = []
    for name in _there(data):
        match = _NAME.fullmatch(name)
        if match and name not in before:
            moment = datetime.strptime(match[1], "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc)
            if since - 1 <= moment.timestamp() <= since + _SOON:
                found.append(name)
    return found if len(found) == 1 else []  # of two, one is somebody else's
