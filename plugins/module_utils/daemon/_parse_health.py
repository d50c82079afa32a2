# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The health group: from the module's parameters, or from a record, to a Health."""

from __future__ import annotations

import math
import re
import urllib.parse
from collections.abc import Mapping, Sequence
from typing import Any

from ._spec import Health, Metric, Probe, Resource
from ._values import shown, texts


def health(raw: Mapping[str, Any], faults: list[str]) -> Health:
    """Read the health group; also used for the one that was recorded with the last good state."""
    for index, place in enumerate(raw.get("listens") or ()):
        if not re.match(r"(\[[0-9a-fA-F:.]+\]|[^\s:]+):[0-9]{1,5}\Z", str(place)):
            faults.append(
                f"health.listens[{index}]: {place!r} is no host:port (example: 127.0.0.1:5044)"
            )
    return Health(
        timeout=_seconds(raw, "timeout", 60, faults),
        settle=_seconds(raw, "settle", 1, faults),
        validate_certs=bool(raw.get("validate_certs", True)),
        ca_path=raw.get("ca_path") or "",
        username=raw.get("url_username") or "",
        password=raw.get("url_password") or "",
        password_file=raw.get("url_password_file") or "",
        listens=tuple(raw.get("listens") or ()),
        probes=tuple(
            _probe(probe, f"health.probes[{index}]", faults)
            for index, probe in enumerate(raw.get("probes") or ())
        ),
    )


def _seconds(raw: Mapping[str, Any], key: str, default: float, faults: list[str]) -> float:
    value = float(raw.get(key, default))
    # Nothing is ever later than nan.
    if not 0 <= value < math.inf:
        faults.append(f"health.{key}: {shown(raw[key])} is no number of seconds (example: 60)")
    return value


def _probe(raw: Mapping[str, Any], where: str, faults: list[str]) -> Probe:
    fault = _address_fault(raw["url"])
    if fault:
        faults.append(f"{where}.url: {fault}")
    return Probe(
        url=raw["url"],
        status=raw.get("status") or 200,
        body=raw.get("body") or "",
        metrics=tuple(
            _metric(metric, f"{where}.metrics[{index}]", faults)
            for index, metric in enumerate(raw.get("metrics") or ())
        ),
        headers=texts(raw.get("headers") or {}, f"{where}.headers", faults),
        final=tuple(raw.get("final") or ()),
        hint=raw.get("hint") or "",
    )


def resources(raw: Sequence[Mapping[str, Any]], faults: list[str]) -> tuple[Resource, ...]:
    """Read the group api."""
    found = []
    for index, one in enumerate(raw):
        where = f"api[{index}]"
        for key in ("url", "write_url"):
            if one.get(key) and (fault := _address_fault(one[key])):
                faults.append(f"{where}.{key}: {fault}")
        found.append(
            Resource(
                name=one["name"],
                url=one["url"],
                body=one["body"],
                method=one.get("method") or "PUT",
                write_url=one.get("write_url") or "",
                answer=tuple(str(step) for step in one.get("answer") or ()),
                create=bool(one.get("create")),
                headers=texts(one.get("headers") or {}, f"{where}.headers", faults),
            )
        )
    return tuple(found)


def _address_fault(url: str) -> str:
    if not re.match(r"https?://\S+\Z", url):
        return f"{url!r} is no http:// or https:// address"
    fault = ""
    try:
        parts = urllib.parse.urlsplit(url)
        if "@" in parts.netloc:  # not repeated: it may hold a password
            return "holds a user name or password; give health.url_username and url_password"
        if not parts.hostname:
            fault = "it names no host"
        elif parts.port == 0:
            fault = "its port is 0"
        elif not re.match(r"[!-~]+\Z", url):
            fault = "it holds other characters than those of ASCII"
    except ValueError as exc:
        fault = str(exc)
    if not fault:
        return ""
    return f"{url!r} is no valid address: {fault} (example: http://127.0.0.1:9090/-/ready)"


def _metric(raw: Mapping[str, Any], where: str, faults: list[str]) -> Metric:
    return Metric(
        name=raw["name"],
        labels=texts(raw.get("labels") or {}, f"{where}.labels", faults),
        sum=bool(raw.get("sum")),
        equals=raw.get("equals"),
        at_least=raw.get("at_least"),
        at_most=raw.get("at_most"),
        since_activation=bool(raw.get("since_activation")),
        not_risen=bool(raw.get("not_risen")),
        optional=bool(raw.get("optional")),
    )
