# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Alertmanager: has it loaded what was rendered, and does it know its peers?"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..daemon._finding import Finding
from ..daemon._metrics import samples
from ._client import Client, Unanswered, Verdict
from ._prometheus import same_version, version_finding

_HASH = "alertmanager_config_hash"
_SUCCESSFUL = "alertmanager_config_last_reload_successful"


@dataclass(frozen=True)
class Wanted:
    """What the inventory says of it."""

    unit: str
    version: str
    file: str  # its configuration
    members: int  # of its cluster, itself included; 1: it is alone
    mute: str = ""  # the receiver of the root route, where it has nobody to tell


def verify(client: Client, wanted: Wanted) -> Verdict:
    """Ask it everything. A part that is not answered is a finding; the others are still asked."""
    verdict = Verdict()
    for part in (_configuration, _receivers, _status):
        try:
            verdict.findings += part(client, wanted, verdict.seen)
        except Unanswered as exc:
            name = part.__name__.strip("_")
            verdict.findings.append(Finding(name, str(exc), f"systemctl status {wanted.unit}"))
    return verdict


def _configuration(client: Client, wanted: Wanted, seen: dict[str, Any]) -> Iterator[Finding]:
    found = {
        name: value
        for name, _labels, value in samples(client.text("/metrics"), (_HASH, _SUCCESSFUL))
    }
    remedy = f"amtool check-config {wanted.file}, then systemctl reload {wanted.unit}"
    if found.get(_SUCCESSFUL) != 1:
        yield Finding("configuration", "the last reload has failed", remedy)
    try:
        with open(wanted.file, "rb") as file:
            written = config_hash(file.read())
    except OSError as exc:
        yield Finding("configuration", f"{wanted.file}: {exc.strerror}", "deploy it with site.yml")
        return
    loaded = found.get(_HASH)
    seen["config_hash"] = int(loaded or 0)
    if loaded != written:
        fault = f"what is loaded is not what {wanted.file} says"
        yield Finding("configuration", fault, remedy)


def _receivers(_client: Client, wanted: Wanted, _seen: dict[str, Any]) -> Iterator[Finding]:
    if wanted.mute:
        fault = f"nobody is told about alerts: the receiver {wanted.mute} has neither mail nor another way"
        remedy = "fill in alertmanager_email or alertmanager_slack, or name another receiver in alertmanager_route"
        yield Finding("receivers", fault, remedy, True)


def config_hash(content: bytes) -> float:
    """The value that Alertmanager's metric has for a configuration: 48 bits of its MD5, little end first."""
    try:
        digest = hashlib.md5(content, usedforsecurity=False).digest()
    except TypeError:  # a Python whose hashlib takes no such word
        digest = hashlib.md5(content).digest()  # noqa: S324
    return float(int.from_bytes(digest[:6], "little"))


def _status(client: Client, wanted: Wanted, seen: dict[str, Any]) -> Iterator[Finding]:
    status = client.get("/api/v2/status")
    running = str(status["versionInfo"]["version"])
    seen["version"] = running
    if not same_version(running, wanted.version):
        yield version_finding(running, wanted.version, wanted.unit)
    cluster = status["cluster"]
    members = max(len(cluster.get("peers") or ()), 1)
    seen["members"] = members
    if cluster["status"] == "settling":
        fault = "its cluster is still settling"
        yield Finding("peers", fault, "wait a minute, then verify again", True)
    if members != wanted.members:
        fault = f"its cluster has {members} of {wanted.members} members"
        remedy = "do they reach each other at the cluster's port, by TCP and by UDP?"
        yield Finding("peers", fault, remedy)
