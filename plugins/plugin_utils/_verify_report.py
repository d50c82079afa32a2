# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was found on all hosts, as data and as a table that a person reads (private to this collection)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.barehost.monitoring.plugins.plugin_utils._this_run import of_this_run

_PREFIX = "barehost_verified_"
_LEAD = ("version", "listens", "exposure", "disk_free")
# Said with each daemon that is well, so they go without saying.
_SILENT = ("active", "restarts")
_UNKNOWN = "unknown"


def report(facts: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Gather what the daemons' tasks of this run have left in the facts of each host.

    Returns faults, warnings and daemons that could not be looked at (their number), and by host and daemon
    the verdict, the findings and what was seen.
    """
    looks = {host: of_this_run(known, _PREFIX) for host, known in facts.items()}
    hosts = {
        host: {name: {"verdict": _verdict(daemon), **daemon} for name, daemon in daemons.items()}
        for host, daemons in looks.items()
        if daemons
    }
    found = [
        f for daemons in hosts.values() for daemon in daemons.values() for f in daemon["findings"]
    ]
    warnings = sum(bool(finding["warning"]) for finding in found)
    return {
        "daemons": sum(map(len, hosts.values())),
        "faults": len(found) - warnings,
        "warnings": warnings,
        "unknown": sum(
            d["verdict"] == _UNKNOWN for known in hosts.values() for d in known.values()
        ),
        "hosts": hosts,
    }


def table(made: Mapping[str, Any]) -> str:
    """Draw a line for each daemon, then each finding with its remedy."""
    rows = [("HOST", "DAEMON", "VERDICT", "SEEN")]
    rows += [
        (host, name, daemon["verdict"], _seen(daemon["seen"]))
        for host, daemons in made["hosts"].items()
        for name, daemon in daemons.items()
    ]
    return "\n".join([*_columns(rows), *_findings(made), "", summary(made)])


def summary(made: Mapping[str, Any]) -> str:
    """Say in one line how it stands."""
    where = f"{_count(made['daemons'], 'daemon')} on {_count(len(made['hosts']), 'host')}"
    if not made["faults"] and not made["warnings"] and not made["unknown"]:
        return f"{where}: all as described, and well"
    found = f"{_count(made['faults'], 'fault')}, {_count(made['warnings'], 'warning')}"
    return f"{where}: {found}" + (f", {made['unknown']} unknown" if made["unknown"] else "")


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _verdict(daemon: Mapping[str, Any]) -> str:
    """What nobody could look at is not ok; why is told of another daemon of the host."""
    findings = daemon["findings"]
    if not findings:
        return _UNKNOWN if daemon["seen"].get("active") == _UNKNOWN else "ok"
    return "warning" if all(finding["warning"] for finding in findings) else "FAULT"


def _seen(seen: Mapping[str, Any]) -> str:
    """The lines of what was seen, the same in each table first."""
    words = []
    for key in (*_LEAD, *(key for key in seen if key not in _LEAD)):
        value = seen.get(key)
        if value in (None, "", []) or key in _SILENT:
            continue
        words.append(_word(key, value))
    return ", ".join(words)


def _word(key: str, value: Any) -> str:
    if key == "version":
        return str(value)
    if key == "listens":
        return " ".join(map(str, value))
    if key == "exposure":
        return f"sandbox {value:g}"
    if key == "disk_free":
        return f"disk {value:.0%} free"
    return f"{key.replace('_', ' ')} {value}"


def _columns(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _findings(made: Mapping[str, Any]) -> Iterator[str]:
    for host, daemons in made["hosts"].items():
        for name, daemon in daemons.items():
            for finding in daemon["findings"]:
                kind = "warning" if finding["warning"] else "FAULT"
                yield ""
                yield f"{kind}: {host}: {name}: {finding['check']}: {finding['fault']}"
                yield f"    {finding['remedy']}"
