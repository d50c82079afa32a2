# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stop, put, start, prove - or all of it back: for data that a daemon reads only when it starts."""

from __future__ import annotations

import time
from collections.abc import Callable

from ..daemon._errors import DaemonError
from ._product import Daemon
from ._swap import Swap


def exchange(daemon: Daemon, swap: Swap, prove: Callable[[], None]) -> None:
    """Exchange the data while the daemon stands still.

    prove: asks the running daemon for what was saved.
    """
    since = time.time()
    if swap.found:
        daemon.warn(
            f"there was data that an earlier restore of {daemon.name} had moved aside, and that nobody "
            f"had brought back; it is kept in {' and '.join(swap.found)}. Look whether you need it, "
            "then remove it"
        )
    try:
        daemon.stop()
        swap.exchange()
        daemon.start()
        prove()
    except BaseException as exc:
        words = str(exc) or "interrupted"
        if isinstance(exc, DaemonError):
            words += daemon.last_words(since)
        raise DaemonError(f"{words}. {_back(daemon, swap)}") from exc
    swap.forget()


def _back(daemon: Daemon, swap: Swap) -> str:
    try:
        daemon.stop()
        swap.back(keep=False)
        daemon.start()
    except Exception as exc:
        return (
            f"TAKING IT BACK FAILED: {exc}. Mend the cause and run restore.yml again: the data that "
            "was there before is still kept"
        )
    return f"The data that was there before is back, and {daemon.unit} is healthy with it"
