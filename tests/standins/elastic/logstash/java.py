# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of a Java that is not there: jvm.options, read and refused as the real start does."""

import os
import re
import sys
from pathlib import Path

from elastic.common import Refused

_LINE = re.compile(r"(?:\d+(?:-\d*)?:)?-.*")
_HEAP = re.compile(r"-Xm([sx])(\d+)([kKmMgGtT]?)")
_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


def check(path: Path) -> None:
    """Read the file and LS_JAVA_OPTS; raises Refused for what a Java would die of."""
    options: list[str] = []
    if path.exists():
        lines = [
            line
            for line in path.read_text(encoding="utf-8").splitlines()
            if line.strip() and not line.startswith("#")
        ]
        wrong = [line for line in lines if not _LINE.fullmatch(line)]
        if wrong:
            plural = "s" if len(wrong) > 1 else ""
            # What is wrong is said, and the start goes on without any of the options.
            print(
                f"encountered [{len(wrong)}] error{plural} parsing [{path}]: {wrong}",
                file=sys.stderr,
                flush=True,
            )
        else:
            options = lines
    else:
        print(
            f"Warning: jvm.options file does not exist or is not readable: `{path}`",
            file=sys.stderr,
            flush=True,
        )
    heap: dict[str, int] = {}
    for option in (*options, *os.environ.get("LS_JAVA_OPTS", "").split()):
        if found := _HEAP.fullmatch(option):
            heap[found[1]] = int(found[2]) * _UNITS[found[3].lower()]
        elif option.startswith("-Xm"):
            raise Refused(
                f"Invalid maximum heap size: {option}\nError: Could not create the Java Virtual "
                f"Machine."
            )
    least, most = heap.get("s", 0), heap.get("x", 1 << 62)
    if least > most:
        raise Refused(
            "Error occurred during initialization of VM\nInitial heap size set to a larger value "
            "than the maximum heap size"
        )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if least > memory:
        raise Refused(
            f"OpenJDK 64-Bit Server VM warning: INFO: os::commit_memory failed; error='Not "
            f"enough space' (errno=12)\n# Native memory allocation (mmap) failed to map {least} "
            f"bytes for committing reserved memory."
        )
