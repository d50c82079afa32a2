# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Take disk space for a while.

The file has no name, so the space is given back when the process ends, however it ends.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from . import TooMuch

MEGABYTE = 1024 * 1024
# What stays free whatever is asked for: a fiftieth of the file system, and of a large one so many megabytes.
RESERVE_PART, RESERVE = 50, 64


@contextmanager
def taken(directory: Path, megabytes: int) -> Iterator[None]:
    """Hold that much space of the directory's file system."""
    status = os.statvfs(directory)
    size, free = (n * status.f_frsize // MEGABYTE for n in (status.f_blocks, status.f_bavail))
    reserve = min(size // RESERVE_PART, RESERVE)
    if megabytes > free - reserve:
        text = f"{megabytes} MB is more than the {free} MB that are free less {reserve}"
        raise TooMuch(f"{directory}: {text}")
    with tempfile.TemporaryFile(dir=directory) as file:
        os.posix_fallocate(file.fileno(), 0, megabytes * MEGABYTE)
        yield
