# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Log lines in Logstash's form, to its output and to a file below path.logs."""

import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

LEVELS = ("trace", "debug", "info", "warn", "error", "fatal")


class Sink:
    """Where all lines go."""

    def __init__(self) -> None:
        self.level, self.json = "info", False
        self._file: Any = None
        self._lock = threading.Lock()

    def open(self, folder: Path) -> None:
        """Write to a file, too."""
        name = "logstash-json.log" if self.json else "logstash-plain.log"
        try:
            self._file = (folder / name).open("a", encoding="utf-8", errors="replace")
        except OSError as exc:
            print(f"main ERROR Unable to create file {folder / name}: {exc}", file=sys.stderr)

    def write(
        self, level: str, logger: str, pipeline: str, message: str, fields: dict[str, Any]
    ) -> None:
        """Write one line unless its level is too low."""
        if LEVELS.index(level) < LEVELS.index(self.level):
            return
        line = self._line(level, logger, pipeline, message, fields)
        with self._lock:
            for file in (sys.stdout, self._file):
                if file:
                    file.write(line + "\n")
                    file.flush()

    def _line(
        self, level: str, logger: str, pipeline: str, message: str, fields: dict[str, Any]
    ) -> str:
        if self.json:
            event = {"message": message, **{k: str(v) for k, v in fields.items()}}
            told = {
                "level": level.upper(),
                "loggerName": logger,
                "timeMillis": int(time.time() * 1000),
            }
            if pipeline:
                told["pipeline.id"] = pipeline
            return json.dumps({**told, "logEvent": event})
        now = time.time()
        when = (
            time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(now))
            + f",{int(now * 1000) % 1000:03d}"
        )
        more = ", ".join(f":{key}=>{_shown(value)}" for key, value in fields.items())
        where = f"[{pipeline}]" if pipeline else ""
        return f"[{when}][{level.upper():<5}][{logger:<25}]{where} {message}" + (
            f" {{{more}}}" if more else ""
        )


def _shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


SINK = Sink()


class Log:
    """A logger with a name, maybe of one pipeline."""

    def __init__(self, name: str, pipeline: str = "") -> None:
        self._name, self._pipeline = name, pipeline

    def debug(self, text: str, **fields: Any) -> None:
        """Write at this level."""
        SINK.write("debug", self._name, self._pipeline, text, fields)

    def info(self, text: str, **fields: Any) -> None:
        """Write at this level."""
        SINK.write("info", self._name, self._pipeline, text, fields)

    def warn(self, text: str, **fields: Any) -> None:
        """Write at this level."""
        SINK.write("warn", self._name, self._pipeline, text, fields)

    def error(self, text: str, **fields: Any) -> None:
        """Write at this level."""
        SINK.write("error", self._name, self._pipeline, text, fields)

    def fatal(self, text: str, **fields: Any) -> None:
        """Write at this level."""
        SINK.write("fatal", self._name, self._pipeline, text, fields)
