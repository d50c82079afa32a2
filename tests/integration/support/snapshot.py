# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of a host's file system, to compare before and after."""

from __future__ import annotations

import re
from dataclasses import dataclass

from integration.support.host import Host

# What a host writes by itself while nobody touches it.
NOISE = re.compile(
    r"/(var/log(/.*)?|var/lib/systemd(/timers.*|/random-seed|/credential\.secret)?|var/tmp(/systemd-private-.*)?|root)"
)


@dataclass(frozen=True)
class Picture:
    """Path -> type, mode, owner, size, time of change, inode, target of a link."""

    entries: dict[str, str]

    def differences(self, other: Picture) -> dict[str, tuple[str | None, str | None]]:
        """Tell what differs between two pictures."""
        paths = self.entries.keys() | other.entries.keys()
        pairs = {path: (self.entries.get(path), other.entries.get(path)) for path in sorted(paths)}
        return {path: pair for path, pair in pairs.items() if pair[0] != pair[1]}


def take(host: Host, *, times: bool = True, contents: bool = False) -> Picture:
    """Take a picture of everything on the root file system but what the host writes by itself.

    Without `times` it holds what a user sees: type, mode, owner, size, target; directories without size.
    With `contents`, the digest of each file beside it.
    """
    seen = r"%p\t%y %m %U:%G %s %l %T@ %i\n" if times else r"%p\t%y %m %U:%G %s %l\n"
    lines = host.out("find", "/", "-xdev", "-printf", seen).splitlines()
    entries = dict(line.split("\t", 1) for line in lines)
    if not times:
        entries = {p: re.sub(r"^(d \S+ \S+) \d+", r"\1", entry) for p, entry in entries.items()}
    if contents:
        digests = host.out("find", "/", "-xdev", "-type", "f", "-exec", "sha256sum", "{}", "+")
        for line in digests.splitlines():
            digest, path = line.split("  ", 1)
            entries[path] = f"{entries.get(path, 'came meanwhile')} {digest}"
    return Picture({path: entry for path, entry in entries.items() if not NOISE.fullmatch(path)})
