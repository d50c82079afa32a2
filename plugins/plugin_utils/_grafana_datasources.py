# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make Grafana data sources of scrape targets (private to this collection)."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import (
    Faults,
    kind,
    shown,
)

# Name and settings of the products whose hosts are known to the inventory.
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "prometheus": (
        "Prometheus",
        {"httpMethod": "POST", "timeInterval": "15s", "manageAlerts": True},
    ),
    "alertmanager": (
        "Alertmanager",
        {"implementation": "prometheus", "handleGrafanaManagedAlerts": False},
    ),
    "elasticsearch": (
        "Elasticsearch",
        {
            "index": "logs-*",
            "timeField": "@timestamp",
            "logMessageField": "message",
            "logLevelField": "log.level",
        },
    ),
}
_LONGEST = 40  # letters of a uid that Grafana takes


def grafana_datasources(
    targets: Any, *, kind_: Any, scheme: Any = "http", settings: Any = None
) -> list[dict[str, Any]]:
    """Return one data source a host. The first bears the product's name, so that it never changes."""
    faults = Faults()
    if not isinstance(kind_, str) or kind_ not in KINDS:
        faults.add("type", f"{shown(kind_)} is none of {', '.join(KINDS)}")
    if scheme not in ("http", "https"):
        faults.add("scheme", f"{shown(scheme)} is neither http nor https")
    settings = {} if settings is None else settings
    if not isinstance(settings, dict):
        faults.add("settings", f"{shown(settings)} is {kind(settings)}, not a dictionary")
    elif not isinstance(settings.get("jsonData", {}), dict):
        faults.add("settings.jsonData", f"{shown(settings['jsonData'])} is no dictionary")
    if not isinstance(targets, list):
        faults.add("targets", f"{shown(targets)} is {kind(targets)}, not a list of target groups")
        targets = []
    found = [_target(target, f"targets[{i}]", faults) for i, target in enumerate(targets)]
    faults.refuse()
    return [
        _source(number, host, f"{scheme}://{address}", kind_, settings)
        for number, (host, address) in enumerate(found)
    ]


def _target(group: Any, where: str, faults: Faults) -> tuple[str, str]:
    try:
        address, host = group["targets"][0], group["labels"]["host"]
    except (TypeError, KeyError, IndexError):
        address = host = None
    if not isinstance(address, str) or not isinstance(host, str):
        faults.add(where, f"{shown(group)} does not come from the filter scrape_targets")
        return "", ""
    return host, address


def _source(
    number: int, host: str, url: str, kind_: str, settings: dict[str, Any]
) -> dict[str, Any]:
    name, known = KINDS[kind_]
    source = {
        "name": f"{name} {host}" if number else name,
        "uid": _uid(f"{kind_}-{host}") if number else kind_,
        "type": kind_,
        "url": url,
        "isDefault": kind_ == "prometheus" and number == 0,
    }
    made: dict[str, Any] = known | settings.get("jsonData", {})
    if "index" in made:
        # Grafana before 10 reads the pattern of indices there, and later ones where it is not in jsonData.
        source["database"] = made["index"]
    return source | settings | {"jsonData": made}


def _uid(text: str) -> str:
    """Letters that Grafana takes; what is too long is told apart by its digest.

    Grafana 9 takes a hyphen, too, but loses its way to a data source with one.
    """
    uid = re.sub(r"[^A-Za-z0-9_]", "_", text)
    if len(uid) <= _LONGEST:
        return uid
    return f"{uid[: _LONGEST - 9]}_{hashlib.sha256(text.encode()).hexdigest()[:8]}"
