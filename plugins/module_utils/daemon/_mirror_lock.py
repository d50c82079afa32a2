# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""lock.json of a mirror: which file lies at which path, by its digest.

{"format": 1, "files": {"<path below the mirror>": {"address", "digest", "release", "size"}}}
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from . import _files
from ._errors import DaemonError

NAME = "lock.json"
_FORMAT = 1


@dataclass(frozen=True)
class Locked:
    """A file as it was when it was mirrored."""

    digest: str  # in the algorithm in which upstream publishes it: sha256:<hex>, sha512:<hex>
    size: int
    address: str  # where it came from, without credentials
    release: str  # whose it is, as "prometheus 3.5.3"


def load(directory: str) -> dict[str, Locked]:
    """Return path -> file; nothing where there is no lock yet. Raises DaemonError."""
    path = os.path.join(directory, NAME)
    try:
        with open(path, encoding="utf-8") as file:
            raw = json.load(file)
        if raw["format"] != _FORMAT:
            raise DaemonError(f"{path} has format {raw['format']}, and {_FORMAT} alone is known")
        return {name: Locked(**entry) for name, entry in raw["files"].items()}
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError, LookupError, AttributeError) as exc:
        raise DaemonError(
            f"{path} can not be read ({exc}). Bring it back from where you keep it; or remove it, and "
            "everything is mirrored anew and trusted as it comes"
        ) from None


def save(directory: str, files: Mapping[str, Locked]) -> None:
    """Write the lock, always in the same order."""
    entries = {path: asdict(entry) for path, entry in files.items()}
    text = json.dumps({"format": _FORMAT, "files": entries}, indent=2, sort_keys=True)
    _files.write(os.path.join(directory, NAME), f"{text}\n".encode(), 0o644)
    _files.sync_directory(directory)
