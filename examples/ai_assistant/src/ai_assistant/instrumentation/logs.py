# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One JSON object a line on standard output, whoever writes it; on request in a file, too."""

from __future__ import annotations

import json
import logging
import logging.handlers
import math
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import Any

import structlog
from structlog import processors, stdlib
from structlog.typing import EventDict, Processor

# Characters of a text, bytes of a line. The journal cuts lines at 48 KiB, and half an object is none.
LONGEST = 16_000
LONGEST_LINE = 48_000
DEEPEST = 8  # below that, and so in circles, things are shown as text

log = stdlib.get_logger("process")


def configure_logging(level: str = "INFO", file: Path | None = None, **fields: Any) -> None:
    """Set up structlog and the standard library's logging; call it before the first line is logged.

    file: where each line is also appended to, for a shipper of logs; an OSError when that is not
    possible. Whoever rotates it renames it: the next line makes a new one.
    fields: what every line carries besides, such as service="my-app".
    """

    def common(_logger: Any, _name: str, event: EventDict) -> EventDict:
        return {**fields, **event}

    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        stdlib.add_log_level,
        stdlib.add_logger_name,
        stdlib.ExtraAdder(),
        processors.TimeStamper(fmt="iso", utc=True, key="@timestamp"),
        processors.StackInfoRenderer(),
        processors.format_exc_info,
        common,
    ]
    structlog.configure(
        processors=[
            stdlib.filter_by_level,
            stdlib.PositionalArgumentsFormatter(),
            *shared,
            stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=stdlib.LoggerFactory(),
        wrapper_class=stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    formatter = stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            stdlib.ProcessorFormatter.remove_processors_meta,
            _without_colours,
            processors.EventRenamer("message"),
            processors.JSONRenderer(serializer=to_json),
        ],
    )
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stdout)]
    if file:
        handlers.append(logging.handlers.WatchedFileHandler(file, encoding="utf-8"))
    for handler in handlers:
        handler.setFormatter(formatter)
    logging.basicConfig(handlers=handlers, level=level, force=True)
    # Libraries tell what they do; this is the place for what the application does.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    logging.captureWarnings(True)
    sys.excepthook = _last_words
    threading.excepthook = _last_words_of_thread


def to_json(event: EventDict, **_options: Any) -> str:
    """Return valid JSON whatever the event holds, in a line that is not too long."""
    for longest in (LONGEST, LONGEST // 8, LONGEST // 64):
        line = json.dumps({_text(key, longest): _plain(event[key], longest) for key in event})
        if len(line) <= LONGEST_LINE:
            return line
    # Many texts. Each field becomes one, short enough even if every character needs twelve bytes.
    longest = max(LONGEST_LINE // 64 // max(len(event), 1), 2)
    return json.dumps({_text(key, longest): _text(event[key], longest) for key in event})


def _plain(value: Any, longest: int, depth: int = 0) -> Any:
    if isinstance(value, (dict, list, tuple, set, frozenset)) and depth < DEEPEST:
        if isinstance(value, dict):
            return {
                _text(key, longest): _plain(each, longest, depth + 1) for key, each in value.items()
            }
        return [_plain(each, longest, depth + 1) for each in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)  # JSON knows neither NaN nor infinity
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int) and value.bit_length() <= 64:
        return value
    return _text(value, longest)


def _text(value: Any, longest: int) -> str:
    try:
        text = str(value)
    except Exception as exc:  # what cannot be shown is no reason to lose the line
        text = f"<{type(value).__name__}: {type(exc).__name__}>"
    return text if len(text) <= longest else f"{text[: longest // 2]} ... {text[-longest // 2 :]}"


def _without_colours(_logger: Any, _name: str, event: EventDict) -> EventDict:
    event.pop("color_message", None)  # uvicorn's second copy, with escape codes
    return event


def _last_words(
    kind: type[BaseException], fault: BaseException, trace: TracebackType | None
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    log.critical("the process ends by an exception", exc_info=(kind, fault, trace))


def _last_words_of_thread(hook: threading.ExceptHookArgs) -> None:
    if hook.exc_value:
        _last_words(hook.exc_type, hook.exc_value, hook.exc_traceback)
