# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Take memory for a while. It is this process', and goes with it."""

from __future__ import annotations

from pathlib import Path

from . import TooMuch

MEGABYTE = 1024 * 1024
RESERVE = 256  # megabytes that stay available whatever is asked for


def take(megabytes: int, meminfo: Path = Path("/proc/meminfo")) -> bytearray:
    """Return that much memory, touched, so that it is really used."""
    available = _available(meminfo)
    if megabytes > available - RESERVE:
        text = f"{megabytes} MB is more than the {available} MB that are available less {RESERVE}"
        raise TooMuch(text)
    # Should the host run short of memory after all, this process is the one to go.
    Path("/proc/self/oom_score_adj").write_text("1000")
    return bytearray(b"\1") * (megabytes * MEGABYTE)


def _available(meminfo: Path) -> int:
    for line in meminfo.read_text().splitlines():
        name, _colon, rest = line.partition(":")
        if name == "MemAvailable":
            return int(rest.split()[0]) // 1024
    raise TooMuch(f"{meminfo} does not say how much memory is available")
