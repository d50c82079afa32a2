# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a drill is told: which services it asks, where it writes, where it listens."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

_ADDRESS = re.compile(r"https?://[^/\s]+(/\S*)?\Z")
_PLACE = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^\s:\[\]]*):([0-9]{1,5})\Z")


class SettingsError(Exception):
    """What is wrong with the settings, all of it."""


@dataclass(frozen=True)
class Settings:
    """Times are in seconds."""

    prometheus: tuple[str, ...] = ("http://127.0.0.1:9090",)
    alertmanagers: tuple[str, ...] = ("http://127.0.0.1:9093",)
    textfile_directory: str = "/var/lib/node_exporter/textfile"
    listen: str = "127.0.0.1:9195"
    receiver: str = "fire-drill"
    page: bool = False
    hold: float = 60  # how long the fault lasts for real receivers, whose routes wait first
    patience: float = 120  # for each hop
    wait: float = 120  # for another drill
    amtool: str = "/usr/local/bin/amtool"
    url_username: str = ""
    url_password: str = ""
    url_password_file: str = ""  # a relative one lies where systemd puts credentials
    ca_path: str = ""
    validate_certs: bool = True

    @property
    def alert(self) -> str:
        """The name of the alert: only the second one travels on to real receivers."""
        return "FireDrillPage" if self.page else "FireDrill"

    @property
    def place(self) -> tuple[str, int]:
        """Host and port to listen on."""
        host, _colon, port = self.listen.rpartition(":")
        return host.strip("[]"), int(port)

    @property
    def password(self) -> str:
        """The password for Prometheus and Alertmanager."""
        if not self.url_password_file:
            return self.url_password
        folder = os.environ.get("CREDENTIALS_DIRECTORY", "")
        with open(os.path.join(folder, self.url_password_file), encoding="utf-8") as file:
            return file.read().strip()


def read(raw: Mapping[str, Any]) -> Settings:
    """Check what was given; None counts as not given."""
    known = {one.name: one for one in fields(Settings)}
    faults = [f"{name}: no such setting" for name in raw if name not in known]
    given = {name: value for name, value in raw.items() if name in known and value is not None}
    for name in ("prometheus", "alertmanagers"):
        if name in given:
            given[name] = tuple(str(url).rstrip("/") for url in given[name])
    settings = Settings(**given)
    faults += _addresses("prometheus", settings.prometheus)
    faults += _addresses("alertmanagers", settings.alertmanagers)
    found = _PLACE.match(settings.listen)
    if not found or not 0 < int(found[2]) < 65536:
        faults.append(f"listen: {settings.listen!r} is no host:port (example: 127.0.0.1:9195)")
    if not settings.textfile_directory.startswith("/"):
        faults.append(f"textfile_directory: {settings.textfile_directory!r} is no absolute path")
    for name in ("hold", "patience", "wait"):
        if getattr(settings, name) < 0 or name == "patience" and not settings.patience:
            faults.append(f"{name}: {getattr(settings, name):g} is no number of seconds to wait")
    if faults:
        raise SettingsError("; ".join(faults))
    return settings


def _addresses(name: str, urls: tuple[str, ...]) -> list[str]:
    if not urls:
        return [f"{name}: needs at least one address (example: http://127.0.0.1:9090)"]
    return [
        f"{name}: {url!r} is no http:// or https:// address"
        for url in urls
        if not _ADDRESS.match(url)
    ]
