# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has arrived, one JSON object a line, readable by its owner alone."""

from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path
from typing import Any

Message = dict[str, Any]


class Store:
    """Keeps messages in the order of their arrival."""

    def __init__(self, path: Path) -> None:
        self.path, self._lock = path, threading.Lock()
        path.touch(mode=0o600)

    def keep(self, kind: str, **content: Any) -> None:
        """Add a message, with the time of its arrival in seconds since the epoch."""
        line = json.dumps({"kind": kind, "at": time.time(), **content}, ensure_ascii=False)
        with self._lock, self.path.open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")
            file.flush()
            os.fsync(file.fileno())

    def messages(self, kind: str = "", since: float = 0) -> list[Message]:
        """Return what has arrived since a time, of one kind or of all."""
        with self._lock:
            text = self.path.read_text(encoding="utf-8")
        return chosen(text, kind, since)


def chosen(text: str, kind: str = "", since: float = 0) -> list[Message]:
    """Choose from the lines of a store."""
    messages = [json.loads(line) for line in text.splitlines()]
    return [m for m in messages if m["at"] >= since and kind in ("", m["kind"])]
