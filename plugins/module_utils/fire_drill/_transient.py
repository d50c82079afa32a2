# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A drill as a unit of systemd, which cleans up whatever becomes of the drill or of who asked for it."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from types import ModuleType

from ._settings import Settings

UNIT = "fire_drill_now"
PACKAGE = "fire_drill"
_PYTHON = "/usr/bin/python3"
_SANDBOX = (
    "NoNewPrivileges=yes",
    "CapabilityBoundingSet=",
    "PrivateDevices=yes",
    "PrivateTmp=yes",
    "ProtectSystem=strict",
    "ProtectHome=yes",
    "ProtectKernelTunables=yes",
    "ProtectControlGroups=yes",
    "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX",
    "RestrictSUIDSGID=yes",
    "LockPersonality=yes",
    "UMask=0077",
)


def command(settings: Settings, folder: str, user: int, group: int) -> list[str]:
    """Return the command that runs a drill and prints its report; it reads the settings.

    folder: where the program lies; it goes away with the unit. user, group: whom the directory of
    the metrics belongs to.
    """
    python = _PYTHON if os.path.exists(_PYTHON) else sys.executable
    program = f"{python} -B -m {PACKAGE}._main"
    clean = (
        f"{program} clean --textfile-directory={_word(settings.textfile_directory)} "
        f"--listen={settings.listen} --patience={settings.patience:g}"
    )
    longest = settings.wait + 9 * settings.patience + settings.hold + 60
    properties = (
        "Description=Fire drill of the alerting chain",
        f"User={user}",
        f"Group={group}",
        f"WorkingDirectory={folder}",
        f"RuntimeDirectory={UNIT}",
        f"ReadWritePaths={settings.textfile_directory}",
        f"RuntimeMaxSec={longest:.0f}",
        # The end of a drill that was killed may still have to be received.
        f"TimeoutStopSec={settings.patience + 30:.0f}",
        f"ExecStopPost=-{clean}",
        f"ExecStopPost=+/bin/rm -rf {folder}",
        *_SANDBOX,
    )
    options = ("--pipe", "--wait", "--collect", "--quiet", f"--unit={UNIT}")
    return [
        "systemd-run",
        *options,
        *(f"--property={one}" for one in properties),
        "--",
        *program.split(),
        "drill",
        "--settings=-",
        "--json",
    ]


def _word(text: str) -> str:
    """A word of a line of ExecStopPost=, as given."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"'


def sources(modules: tuple[ModuleType, ...]) -> dict[str, str]:
    """The text of the program's files; here they may lie in an archive that soon is gone."""
    found = {"__init__.py": ""}
    for module in modules:
        text = module.__loader__.get_source(module.__name__)  # type: ignore[union-attr]
        found[f"{module.__name__.rpartition('.')[2]}.py"] = text
    return found


def install(folder: str, files: Mapping[str, str]) -> None:
    """Write the program where every user can read it, and none but root write it."""
    package = os.path.join(folder, PACKAGE)
    for directory in (folder, package):
        os.mkdir(directory)
        os.chmod(directory, 0o755)
    for name, text in files.items():
        path = os.path.join(package, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, 0o644)


def uninstall(folder: str) -> None:
    """Remove it, where the unit did not."""
    shutil.rmtree(folder, ignore_errors=True)
