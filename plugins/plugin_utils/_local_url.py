# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the addresses a daemon listens on to the one where its own host reaches it.

Private to this collection.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

# host:port, [v6]:port or :port, as Go programs take them
_ADDRESS = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+(?:%\w+)?\]|[^\s:/\[\]]*):(?P<port>\d{1,5})\Z")
_WILDCARDS = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "[::]": "[::1]"}


class AddressError(ValueError):
    """Every address that cannot be listened on, one a line."""


def local_url(addresses: Sequence[str], path: str = "", *, tls: bool = False) -> str:
    """Return the URL of path at the first address; an address of every interface means loopback."""
    matches = [(address, _ADDRESS.match(address)) for address in addresses]
    faults = [
        f"{address!r} is no listening address (examples: 127.0.0.1:9090, [::1]:9090, :9090)"
        for address, match in matches
        if match is None or not 0 < int(match["port"]) < 65536
    ]
    if faults or not matches:
        raise AddressError("\n".join(faults) or "names no listening address (example: 127.0.0.1:9090)")
    match = matches[0][1]
    assert match is not None
    host = _WILDCARDS.get(match["host"], match["host"])
    return f"{'https' if tls else 'http'}://{host}:{match['port']}{path}"
