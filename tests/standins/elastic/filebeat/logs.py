# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Log lines in Filebeat's form: to its error output, or to a file below path.logs."""

import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

_LOCK = threading.Lock()
_FILE: list[Any] = []


def to_files(folder: Path) -> None:
    """Write to a file instead of the error output."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / time.strftime("filebeat-%Y%m%d.ndjson", time.gmtime())
    _FILE[:] = [path.open("a", encoding="utf-8")]


def log(level: str, message: str, **fields: Any) -> None:
    """Write one line."""
    when = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()) + ".000Z"
    told = {"log.level": level, "@timestamp": when, "message": message}
    line = json.dumps({**told, "service.name": "filebeat", "ecs.version": "1.6.0", **fields})
    with _LOCK:
        file = _FILE[0] if _FILE else sys.stderr
        file.write(line + "\n")
        file.flush()
