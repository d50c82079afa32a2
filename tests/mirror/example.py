# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The release of the example application, built from the checkout as it is.

It changes with the checkout, and so has a record of its own: no download is repeated because of it.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
from pathlib import Path

from hosts.shell import CACHE, CHECKOUT, run, say
from mirror.archives import digest

SOURCE = CHECKOUT / "examples" / "ai_assistant"
FOLDER = "barehost/ai_assistant/releases/download"
INPUTS = ("build.py", "launcher.py", "requirements.txt", "src/**/*.py")
RECORD = CACHE / "example"  # what the release was built from, and what came out


def fill(mirror: Path) -> None:
    """Build the release below the mirror unless the one that is there was built from the same."""
    recipe = _recipe()
    if RECORD.exists() and RECORD.read_text() == f"{recipe} {_result(mirror)}":
        return
    say("ai_assistant: building the release of the example application")
    shutil.rmtree(mirror / FOLDER, ignore_errors=True)
    target = mirror / FOLDER / f"v{_version()}"
    run(sys.executable, str(SOURCE / "build.py"), f"--output={target}")
    RECORD.write_text(f"{recipe} {_result(mirror)}")


def _version() -> str:
    code = "import build; print(build.version())"
    return run(sys.executable, "-c", code, cwd=SOURCE).strip()


def _recipe() -> str:
    files = sorted(path for pattern in INPUTS for path in SOURCE.glob(pattern))
    named = (f"{path.relative_to(SOURCE)} {digest(path)}" for path in files)
    return hashlib.sha256("\n".join(named).encode()).hexdigest()


def _result(mirror: Path) -> str:
    files = sorted(path for path in (mirror / FOLDER).rglob("*") if path.is_file())
    return hashlib.sha256("\n".join(map(digest, files)).encode()).hexdigest()
