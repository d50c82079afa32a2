# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The registry: how far each file was read and acknowledged, on disk."""

import fcntl
import json
import os
import uuid
from pathlib import Path
from typing import Any

from elastic.common import Refused


class Registry:
    """Offsets by input and identity of a file; a write survives a kill."""

    def __init__(self, data: Path) -> None:
        data.mkdir(parents=True, exist_ok=True)
        self._lock = (data / "filebeat.lock").open("wb")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Refused(
                f"{data}/filebeat.lock: data path already locked by another beat. Please make "
                f"sure that "
                "multiple beats are not sharing the same data path (path.data)."
            ) from None
        self._path = data / "registry" / "filebeat" / "log.json"
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._states: dict[str, dict[str, Any]] = _read(self._path) or {}
        meta = data / "meta.json"
        self.uuid = (_read(meta) or {}).get("uuid") or str(uuid.uuid4())
        _write(meta, {"uuid": self.uuid})

    def offset(self, key: str) -> int | None:
        """Return the offset of a file, None if it is new."""
        state = self._states.get(key)
        return None if state is None else int(state["offset"])

    def keep(self, offsets: dict[str, tuple[int, str]]) -> None:
        """Set offsets and paths."""
        for key, (offset, path) in offsets.items():
            self._states[key] = {"offset": offset, "source": path}
        _write(self._path, self._states)

    def forget(self, prefix: str, alive: set[str]) -> None:
        """Remove an input's files that are gone."""
        gone = [key for key in self._states if key.startswith(prefix) and key not in alive]
        for key in gone:
            del self._states[key]
        if gone:
            _write(self._path, self._states)

    def close(self) -> None:
        """Let go."""
        self._lock.close()


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _write(path: Path, data: Any) -> None:
    fresh = path.with_suffix(".new")
    with fresh.open("w", encoding="utf-8") as file:
        json.dump(data, file)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
