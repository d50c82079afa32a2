# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Filebeat reads, one input a data set (private to this collection)."""

from __future__ import annotations

import re
from typing import Any

from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import (
    Faults,
    kind,
    shown,
)

_DATASET = re.compile(r"[a-z0-9_][a-z0-9_.]{0,99}")


# Where the sandbox of the unit shows an empty directory, and what opens it.
_HIDDEN = {
    "ProtectHome": ("/home/", "/root/", "/run/user/"),
    "PrivateTmp": ("/tmp/", "/var/tmp/"),  # noqa: S108  # not used, but refused
}


def filebeat_inputs(
    logs: Any,
    *,
    extra: Any = None,
    namespace: str = "default",
    version: str = "8",
    unit: Any = None,
) -> list[dict[str, Any]]:
    """Return inputs. logs: data set -> paths, or {paths, and keys of a filestream}.

    unit: what the inventory changes in Filebeat's unit.
    """
    faults = Faults()
    if not isinstance(logs, dict):
        faults.add("logs", f"{kind(logs)} is no dictionary of data set and paths")
        logs = {}
    found = [
        _input(str(name), given, namespace, version, faults) for name, given in logs.items()
    ] + _more(extra or [], faults)
    ids = [one.get("id") for one in found]
    for one in sorted({str(each) for each in ids if ids.count(each) > 1}):
        faults.add("extra", f"the id {shown(one)} stands twice; Filebeat would lose its place")
    for each in found:
        _check_seen(each, unit, faults)
    faults.refuse()
    return found


def _check_seen(one: dict[str, Any], unit: Any, faults: Faults) -> None:
    """What the unit's sandbox hides would never be read, and nothing would say so."""
    service = (unit or {}).get("Service") or {}
    for setting, places in _HIDDEN.items():
        if setting in service:
            continue  # somebody has decided
        for path in one.get("paths") or []:
            if str(path).startswith(places):
                value = "read-only" if setting == "ProtectHome" else "false"
                faults.add(
                    "logs",
                    f"{path} lies where the unit sees nothing ({setting}); move the log to /var/log, "
                    f"or set elk_filebeat_unit: {{Service: {{{setting}: {value}}}}}",
                )


def _input(name: str, given: Any, namespace: str, version: str, faults: Faults) -> dict[str, Any]:
    where = f"logs.{name}"
    if not _DATASET.fullmatch(name):
        text = "is no name of a data set (lower case, digits, _ and ., at most 100; no -)"
        faults.add("logs", f"{shown(name)} {text}")
    options = dict(given) if isinstance(given, dict) else {"paths": given}
    paths = options.pop("paths", None)
    paths = [paths] if isinstance(paths, str) else paths
    if not isinstance(paths, list) or not paths or not all(_is_path(path) for path in paths):
        faults.add(where, "needs absolute paths (example: [/var/log/app/*.log])")
    stream = {"type": "logs", "dataset": name, "namespace": namespace}
    found = {
        "type": "filestream",
        # With another one Filebeat would read every file again.
        "id": name,
        "paths": paths,
        "fields_under_root": True,
        "fields": {"data_stream": stream},
    }
    if version.partition(".")[0] not in ("7", "8"):
        # By its first 1024 bytes it would not know a shorter file, and not read it.
        found["prospector.scanner.fingerprint.enabled"] = False
        found["file_identity.native"] = None
    return {**found, **options}


def _is_path(path: Any) -> bool:
    return isinstance(path, str) and path.startswith("/")


def _more(extra: Any, faults: Faults) -> list[dict[str, Any]]:
    if not isinstance(extra, list) or not all(isinstance(one, dict) for one in extra):
        faults.add("extra", "is no list of inputs")
        return []
    for index, one in enumerate(extra):
        for key in ("type", "id"):
            if not isinstance(one.get(key), str):
                faults.add(f"extra[{index}]", f"needs the key {key}")
    return extra
