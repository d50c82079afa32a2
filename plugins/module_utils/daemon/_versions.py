# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which versions of a product are still needed on a host where several daemons may share it."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Collection
from contextlib import suppress

from . import _release
from ._release import ReleaseSpec
from ._spec import Layout
from ._store import Store


def in_use(layout: Layout, product: str, but: str = "", gone: Collection[str] = ()) -> set[str]:
    """The versions of a product that any daemon on this host has or may go back to.

    but: a daemon whose memory does not count, since it is being removed. gone: links that go with it.
    """
    directory = posixpath.join(layout.opt, product)
    links = posixpath.join(directory, "current")
    found = set()
    for name in os.listdir(layout.state) if os.path.isdir(layout.state) else []:
        if not os.path.isdir(memory := posixpath.join(layout.state, name)):
            continue  # the list of what daemons share
        store = Store(memory)
        states = [store.record(), store.record("previous")] if name != but else []
        entries = [item for state in states if state for item in state.entries.items()]
        found |= {e.target for path, e in entries if e.is_link and path.startswith(links)}
    # A daemon whose deployment did not end well runs what no record knows.
    for name in os.listdir(directory) if os.path.isdir(directory) else []:
        path = posixpath.join(directory, name)
        if name.startswith("current") and os.path.islink(path) and path not in gone:
            found.add(os.readlink(path))
    return found


def discard(layout: Layout, release: ReleaseSpec) -> None:
    """Do not leave behind a version that was installed for nothing."""
    with suppress(_release.ReleaseError, OSError):
        if release.version not in in_use(layout, release.name):
            _release.remove(release, release.version)


def prune(layout: Layout, release: ReleaseSpec) -> None:
    """Remove old versions beyond what is to be kept. Raises ReleaseError, OSError."""
    _release.prune(release, in_use(layout, release.name))


def unused(layout: Layout, release: ReleaseSpec, but: str, gone: Collection[str]) -> list[str]:
    """Every installed version that no other daemon needs. but, gone: as in in_use."""
    used = in_use(layout, release.name, but, gone)
    return [version for version in _release.installed_versions(release) if version not in used]
