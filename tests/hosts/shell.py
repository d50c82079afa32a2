# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Commands, places and progress lines shared by the test tooling."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import NoReturn

CHECKOUT = Path(__file__).resolve().parents[2]
CACHE = CHECKOUT / ".cache"


def say(text: str) -> None:
    """Tell the person who waits what happens now."""
    print(f"    {text}", flush=True)


def give_up(text: str) -> NoReturn:
    """End with one clear sentence instead of a traceback."""
    sys.exit(f"error: {text}")


def run(*argv: str, stdin: str | None = None, check: bool = True, cwd: Path | None = None) -> str:
    """Run a command and return what it prints; its own words are the error."""
    done = subprocess.run(argv, input=stdin, capture_output=True, text=True, check=False, cwd=cwd)
    if check and done.returncode:
        give_up(f"{' '.join(argv)}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def succeeds(*argv: str) -> bool:
    """Tell whether a command can be run and returns 0."""
    try:
        return subprocess.run(argv, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False
