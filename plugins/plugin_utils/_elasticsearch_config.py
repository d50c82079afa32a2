# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of an Elasticsearch node, merged and checked (private to this collection)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import (
    Faults,
    kind,
    shown,
)

MAJORS = ("8", "9")
_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
_LARGEST_HEAP = 31 << 30  # above, Java's pointers double
_BESIDE_HEAP = 384 << 20  # the machine itself, its threads, the launcher
_LOOPBACK = re.compile(r"127(\.\d+){3}|::1|\[::1\]|localhost|_local_")


def elasticsearch_config(
    settings: Any,
    *,
    extra: Any = None,
    version: Any = "8",
    heap: Any = "512m",
    memory_max: Any = "",
    plain_http: Any = False,
    nodes: Any = None,
    peers: Any = None,
) -> dict[str, Any]:
    """Return the settings with dotted names; those that are null are left out.

    nodes: the members of the cluster. peers: hosts that would be clusters of the same name without them.
    """
    faults = Faults()
    found = merged(settings, extra or {}, faults)
    if str(version).partition(".")[0] not in MAJORS:
        faults.add("version", f"{shown(version)} is no version that is known here (8.x, 9.x)")
    check_memory(heap, memory_max, faults)
    _check_openness(found, bool(plain_http), faults)
    _check_cluster(list(nodes or []), list(peers or []), faults)
    faults.refuse()
    return found


def merged(settings: Any, extra: Any, faults: Faults) -> dict[str, Any]:
    """Return settings by dotted name, those of extra before others, without those that are null."""
    found: dict[str, Any] = {}
    for name, given in (("settings", settings), ("extra", extra)):
        if isinstance(given, Mapping):
            found |= _flat(given, name, faults)
        else:
            faults.add(name, f"{shown(given)} is {kind(given)}, not a dictionary of settings")
    return {key: value for key, value in found.items() if value is not None}


def _flat(given: Mapping[Any, Any], where: str, faults: Faults, prefix: str = "") -> dict[str, Any]:
    """Nested and dotted names mean the same; of both at once Elasticsearch would take neither."""
    found: dict[str, Any] = {}
    for key, value in given.items():
        name = f"{prefix}{key}"
        inner = (
            _flat(value, where, faults, f"{name}.") if isinstance(value, Mapping) else {name: value}
        )
        for each in set(inner) & set(found):
            faults.add(where, f"{each} is given twice")
        found |= inner
    return found


def size(text: Any) -> int | None:
    """Return bytes of 512m, 2G; nothing when it is no size."""
    match = re.fullmatch(r"(\d+)([kmgt]?)", str(text), re.IGNORECASE)
    return int(match[1]) * _UNITS[match[2].lower()] if match else None


def check_memory(heap: Any, memory_max: Any, faults: Faults, buffers: float = 1.5) -> None:
    """A heap that can be had, and room beside it. buffers: what heap and buffers take, in heaps."""
    wanted = size(heap)
    if not wanted:
        faults.add("heap", f"{shown(heap)} is no size of a heap (examples: 512m, 4g)")
    elif wanted > _LARGEST_HEAP:
        faults.add("heap", f"{heap} is more than 31g, above which a heap holds less than before")
    if memory_max in (None, "", "infinity") or str(memory_max).endswith("%"):
        return
    limit = size(memory_max)
    if not limit:
        faults.add("memory_max", f"{shown(memory_max)} is no size (examples: 2G, 6G)")
    # Buffers outside the heap may take half as much again.
    elif wanted and limit < wanted * buffers + _BESIDE_HEAP:
        needed = int(wanted * buffers + _BESIDE_HEAP) >> 20
        text = f"{memory_max} leaves no room beside a heap of {heap}: {needed}m are needed in all"
        faults.add("memory_max", text)


def _check_openness(found: Mapping[str, Any], plain_http: bool, faults: Faults) -> None:
    """Who listens to others without TLS or passwords has to say so."""
    hosts = found.get("http.host", found.get("network.host", "_local_"))
    hosts = hosts if isinstance(hosts, list) else [hosts]
    if re.fullmatch(r"_(?!local_).*_", str(hosts[0]) if hosts else ""):
        text = f"begins with {hosts[0]}, which is no address to ask; begin with one (127.0.0.1)"
        faults.add("network_host", text)
    security = found.get("xpack.security.enabled") is True
    tls = found.get("xpack.security.http.ssl.enabled") is True
    if not plain_http:
        check_reach(hosts, faults, where="network_host", security=security, tls=tls)
    many = found.get("discovery.type") != "single-node"
    if security and many and found.get("xpack.security.transport.ssl.enabled") is not True:
        faults.add("certificate", "nodes of a cluster with security talk by TLS alone: give one")


def _check_cluster(nodes: list[Any], peers: list[Any], faults: Faults) -> None:
    if len(peers) > 1 and not nodes:
        faults.add(
            "nodes",
            f"is empty, so {', '.join(map(str, peers))} would be as many clusters of one name; "
            "list the nodes of the cluster, or give each host an elk_elasticsearch_cluster of its own",
        )


def check_reach(hosts: list[Any], faults: Faults, *, where: str, security: bool, tls: bool) -> None:
    """Addresses that others reach need passwords and TLS."""
    outside = [str(host) for host in hosts if not _LOOPBACK.fullmatch(str(host))]
    if outside and not (security and tls):
        lacks = "passwords" if tls else "TLS" if security else "passwords or TLS"
        faults.add(
            where,
            f"{', '.join(outside)} is reached by others without {lacks}; set elk_security "
            "and give a certificate, or allow it with elk_allow_plain_http",
        )
