# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writing what would be deployed below a local directory: nothing else is touched or asked."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Mapping
from typing import Any

from . import _desired, _files
from ._errors import SpecError
from ._spec import Spec

_PLACEHOLDER = b"<secret: deployed, but never rendered>\n"


def render(
    spec: Spec, destination: str, health: Mapping[str, Any], check_mode: bool
) -> tuple[str, ...]:
    """Write every file below destination; returns those that changed."""
    if not posixpath.isabs(destination):
        # Ansible would take it from the folder of the playbook, which may be that of an installed collection.
        text = (
            f"destination: {destination!r} is no absolute path (example: /tmp/rendered); the roles"
        )
        raise SpecError([f"{text} take its beginning from barehost_render_directory"])
    # A fixed salt: a rendering shall be the same on every machine.
    wanted = _desired.build(spec, b"rendered", {}, health)
    changed = []
    for path, entry in sorted(wanted.state.entries.items()):
        target = posixpath.join(destination, path.lstrip("/"))
        content = _PLACEHOLDER if entry.secret else wanted.contents.get(entry.digest, b"")
        if _is(target, content, entry.target):
            continue
        changed.append(target)
        if check_mode:
            continue
        os.makedirs(posixpath.dirname(target), exist_ok=True)
        if entry.is_link:
            _files.link(target, entry.target)
        else:
            _files.write(target, content, 0o600 if entry.secret else 0o644)
    return tuple(changed)


def _is(path: str, content: bytes, target: str) -> bool:
    if target:
        return os.path.islink(path) and os.readlink(path) == target
    try:
        with open(path, "rb") as file:
            return not os.path.islink(path) and file.read() == content
    except OSError:
        return False
