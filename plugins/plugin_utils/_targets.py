# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scrape targets of inventory hosts (private to this collection)."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.barehost.monitoring.plugins.plugin_utils import _alert_schema as schema
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import (
    Faults,
    kind,
    shown,
)

_HOST_NAME = re.compile(r"[a-zA-Z0-9_](?:[a-zA-Z0-9_.-]*[a-zA-Z0-9_])?\.?")
_EXAMPLE = "(examples: db1.example.com, 192.0.2.7, 2001:db8::7)"
_RESERVED = ("instance", "host")


ADDRESS, LABELS = "barehost_address", "barehost_labels"


def scrape_targets(
    hosts: Any,
    variables: Callable[[str], Mapping[str, Any] | None],
    names: Sequence[str],
    *,
    port: Any,
    labels: Any = None,
    scraper: Any = None,
) -> list[dict[str, Any]]:
    """Make one target group a host; refuse the input with all its faults."""
    faults = Faults()
    if not isinstance(hosts, list):
        faults.add("hosts", f"{shown(hosts)} is {kind(hosts)}, not a list of host names")
        hosts = []
    _check_port(port, "port", faults)
    common = _labels(labels, "labels", faults)
    groups: list[dict[str, Any]] = []
    done: set[str] = set()
    for index, host in enumerate(hosts):
        values = variables(host) if isinstance(host, str) else None
        if values is None:
            faults.add(f"hosts[{index}]", f"there is no host {shown(host)} in the inventory")
            continue
        if host in done:
            continue
        done.add(host)
        address = "127.0.0.1" if host == scraper else _address(host, values, names[:-1], faults)
        own = _labels(values.get(names[-1]), f"hostvars.{host}.{names[-1]}", faults)
        fixed = {"instance": f"{_bracketed(host)}:{port}", "host": host}
        groups.append(
            {
                "targets": [f"{_bracketed(address)}:{port}"],
                "labels": {**fixed, **common, **own},
            }
        )
    faults.refuse()
    return groups


def _check_port(port: Any, path: str, faults: Faults) -> None:
    number = int(port) if isinstance(port, str) and re.fullmatch(r"[0-9]{1,5}", port) else port
    if isinstance(number, bool) or not isinstance(number, int) or not 0 < number < 65536:
        faults.add(path, f"{shown(port)} is no port from 1 to 65535 (example: 9100)")


def _address(host: str, values: Mapping[str, Any], names: Sequence[str], faults: Faults) -> str:
    for name in names:
        address = values.get(name)
        if address in (None, ""):
            continue
        if not isinstance(address, str) or not _is_address(address):
            fault = f"{shown(address)} is no address {_EXAMPLE}"
            faults.add(f"hostvars.{host}.{name}", fault)
        return str(address)
    if not _is_address(host):
        fault = f'"{host}" is no address {_EXAMPLE}; set {names[0]}'
        faults.add(f"hostvars.{host}", fault)
    return host


def _is_address(text: str) -> bool:
    return bool(_HOST_NAME.fullmatch(text)) or _is_ipv6(text)


def _is_ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return True


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address and not address.startswith("[") else address


def _labels(given: Any, path: str, faults: Faults) -> dict[str, str]:
    if given is None:
        return {}
    if fault := schema.labels(given):
        faults.add(path, fault)
        return {}
    for name in _RESERVED:
        if name in given:
            faults.add(f"{path}.{name}", "is made from the inventory name; it cannot be set")
    return dict(given)


def hosts_of(targets: Any) -> Iterator[str]:
    """List the inventory names that targets carry; what is no target is refused elsewhere."""
    groups = [group for found in _values(targets) if isinstance(found, list) for group in found]
    labels = [group.get("labels") for group in groups if isinstance(group, dict)]
    names = [found.get("host") for found in labels if isinstance(found, dict)]
    yield from dict.fromkeys(name for name in names if isinstance(name, str))


def _values(given: Any) -> Iterable[Any]:
    return given.values() if isinstance(given, dict) else ()
