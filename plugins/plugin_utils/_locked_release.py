# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pin a release to the digests in a mirror's lock.json (private to this collection)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import InputError


def locked_release(release: Mapping[str, Any], lock: str, name: str) -> dict[str, Any]:
    """Return the release with the locked digest of each architecture in place of its checksum.

    lock: the text of lock.json; an empty one pins nothing. name: of the variable that says where it lies.
    """
    if not lock:
        return dict(release)
    address = str(release["url"]).replace("{version}", str(release["version"]))
    path = unquote(urlsplit(address.replace("{arch}", "%7Barch%7D")).path).lstrip("/")
    found: dict[int, dict[str, str]] = {}  # by the length of the path, since a longer one says more
    for place, digest in _files(lock, name).items():
        if match := _end(path, place.count("/") + 1).fullmatch(place):
            found.setdefault(place.count("/"), {})[match.groupdict().get("arch", "")] = digest
    if not found:
        what = f"{release['name']} {release['version']} ({path.rpartition('/')[2]})"
        raise InputError(
            [
                f"{name}: the lock does not have {what}. Mirror it with playbooks/mirror.yml, "
                "or let the variable name the lock of the mirror that has it"
            ]
        )
    digests = found[max(found)]
    return {**release, "checksum": digests.get("", digests)}


def _files(lock: str, name: str) -> dict[str, str]:
    try:
        raw = json.loads(lock)
        return {str(path): str(entry["digest"]) for path, entry in raw["files"].items()}
    except (ValueError, TypeError, LookupError, AttributeError) as exc:
        raise InputError([f"{name}: the lock can not be read ({exc})"]) from None


def _end(path: str, segments: int) -> re.Pattern[str]:
    """Match the last segments of a path in which the architecture is open."""
    end = "/".join(path.split("/")[-segments:])
    first, *more = map(re.escape, end.split("{arch}"))
    if not more:
        return re.compile(first)
    return re.compile(first + "(?P<arch>[A-Za-z0-9_]+)" + "(?P=arch)".join(more))
