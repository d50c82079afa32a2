# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the address at which a daemon's own host reaches it (private to this collection)."""

from __future__ import annotations

import re
from typing import Any

from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import Faults, shown

# host:port, [v6]:port or :port, as Go programs take them
_ADDRESS = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+(?:%\w+)?\]|[^\s:/\[\]]*):(?P<port>\d{1,5})")
_LOOPBACK = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "[::]": "[::1]"}


def local_url(addresses: Any, path: str = "", *, tls: bool = False) -> str:
    """Return the URL of path at the first address; the address of every interface is loopback."""
    listed = addresses if isinstance(addresses, list) else [addresses]
    faults = Faults()
    urls = [_url(address, index, faults) for index, address in enumerate(listed)]
    if not listed:
        faults.add("listen addresses", "there is none (example: 127.0.0.1:9090)")
    faults.refuse()
    return f"{'https' if tls else 'http'}://{urls[0]}{path}"


def _url(address: Any, index: int, faults: Faults) -> str:
    match = _ADDRESS.fullmatch(address) if isinstance(address, str) else None
    if not match or not 0 < int(match["port"]) < 65536:
        text = f"{shown(address)} is no address (examples: 127.0.0.1:9090, [::1]:9090, :9090)"
        faults.add(f"listen addresses[{index}]", text)
        return ""
    return f"{_LOOPBACK.get(match['host'], match['host'])}:{match['port']}"
