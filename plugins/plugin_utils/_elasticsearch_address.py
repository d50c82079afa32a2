# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where an Elasticsearch node listens, by all that its settings say (private to this collection)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.barehost.monitoring.plugins.plugin_utils._elasticsearch_config import (
    merged,
)
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import Faults, shown

PORTS = {"http": 9200, "transport": 9300}  # where nothing is said
_LOOPBACK = {"_local_": "127.0.0.1", "_local:ipv4_": "127.0.0.1", "_local:ipv6_": "::1"}


def elasticsearch_address(settings: Any, *, extra: Any = None, service: str = "http") -> str:
    """Return the first address as host:port; those of extra go before settings."""
    faults = Faults()
    if service not in PORTS:
        faults.add("service", f"{shown(service)} is none of {', '.join(PORTS)}")
        faults.refuse()
    # What is more particular goes first.
    names = (f"{service}.bind_host", f"{service}.host", "network.bind_host", "network.host")
    wanted = (*names, f"{service}.port")
    if isinstance(settings, Mapping):
        # No other one is looked at: some of them take their time.
        settings = {name: settings[name] for name in wanted if name in settings}
    found = merged(settings, extra or {}, faults)
    faults.refuse()
    given = [found[name] for name in names if name in found]
    hosts = given[0] if given else "_local_"
    host = str((hosts if isinstance(hosts, list) else str(hosts).split(","))[0]).strip()
    host = _LOOPBACK.get(host, host)
    # Of a range Elasticsearch takes the first one that is free.
    port = str(found.get(f"{service}.port", PORTS[service])).partition("-")[0]
    return f"[{host}]:{port}" if ":" in host and not host.startswith("[") else f"{host}:{port}"
