# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The drill's files of metrics: the fault itself, and the result of the last drill."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Mapping
from contextlib import suppress

FAULT = "barehost_fire_drill.prom"
RESULT = "barehost_fire_drill_result.prom"
METRIC = "barehost_fire_drill_until_seconds"
_SUCCESS = "barehost_fire_drill_last_success_timestamp_seconds"


def fault(drill: str, page: bool, until: float) -> str:
    """The synthetic fault: it lasts until a time, even where nobody is left to end it."""
    label = ',page="yes"' if page else ""
    return (
        f"# HELP {METRIC} Until when a fire drill's synthetic fault lasts; 0 before it begins.\n"
        f"# TYPE {METRIC} gauge\n"
        f'{METRIC}{{drill="{drill}"{label}}} {until:.0f}\n'
    )


def result(passed: bool, at: float, hops: Mapping[str, float], before: str) -> str:
    """The result of a drill. before: the last result, which knows the last success."""
    found = re.search(rf"^{_SUCCESS} ([0-9.]+)$", before, re.MULTILINE)
    success = f"{at:.0f}" if passed else found[1] if found else ""
    lines = [
        *_metric("success", "Whether the last fire drill passed.", f"{int(passed)}"),
        *_metric("last_run_timestamp_seconds", "When the last fire drill ended.", f"{at:.0f}"),
    ]
    if success:
        lines += _metric(
            "last_success_timestamp_seconds", "When the last drill that passed ended.", success
        )
    name = "barehost_fire_drill_hop_seconds"
    if hops:
        lines += [f"# HELP {name} How long each hop of the last fire drill took."]
        lines += [f"# TYPE {name} gauge"]
    lines += [f'{name}{{hop="{hop}"}} {seconds:.3f}' for hop, seconds in hops.items()]
    return "".join(f"{line}\n" for line in lines)


def _metric(name: str, help_text: str, value: str) -> list[str]:
    full = f"barehost_fire_drill_{name}"
    return [f"# HELP {full} {help_text}", f"# TYPE {full} gauge", f"{full} {value}"]


def write(directory: str, name: str, text: str) -> None:
    """Exchange a file as a whole: node_exporter never reads the half of it."""
    handle, path = tempfile.mkstemp(prefix=f".{name}.", dir=directory)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            os.fchmod(handle, 0o644)
        os.rename(path, os.path.join(directory, name))
    except BaseException:
        os.unlink(path)
        raise


def read(directory: str, name: str) -> str:
    """The text of a file; nothing when there is none."""
    try:
        with open(os.path.join(directory, name), encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def remove(directory: str) -> None:
    """End the fault; what a killed drill was about to write goes too."""
    for name in os.listdir(directory):
        if name == FAULT or name.startswith((f".{FAULT}.", f".{RESULT}.")):
            with suppress(FileNotFoundError):
                os.unlink(os.path.join(directory, name))
