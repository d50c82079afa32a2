# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The description of one daemon, as typed, immutable data. Read by _parse, used by all others."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ._release import ReleaseSpec

TRIGGERS = ("none", "reload", "restart")  # in rising order: the strongest one of a run wins


@dataclass(frozen=True)
class Layout:
    """Where things are kept on a host. Tests move all of it below a directory of their own."""

    etc: str = "/etc"
    opt: str = "/opt"
    data: str = "/var/lib"
    state: str = "/var/lib/barehost"
    binaries: str = "/usr/local/bin"
    units: str = "/etc/systemd/system"
    sysusers: str = "/etc/sysusers.d"


@dataclass(frozen=True)
class Account:
    """The system user that the daemon runs as, made by systemd-sysusers."""

    user: str
    group: str
    groups: tuple[str, ...]
    home: str
    comment: str

    @property
    def gecos(self) -> str:
        """The comment as it stands in the user database."""
        return self.comment.replace('"', "")


@dataclass(frozen=True)
class FileSpec:
    """A file the daemon reads. Without content it is a secret that the host generates once."""

    path: str
    content: bytes | None
    mode: int
    owner: str
    group: str
    on_change: str
    secret: bool = False
    length: int = 0
    credential: str = ""
    fixed: bool = False  # the data depends on it: another content is refused


@dataclass(frozen=True)
class Check:
    """A command of the product that judges the staged set before it replaces the live one."""

    argv: tuple[str, ...]
    refuse: str
    name: str = ""  # what the error calls it; by default its command


@dataclass(frozen=True)
class Prepare:
    """A command that changes the product's own files (keystore, password), once per cause."""

    name: str
    argv: tuple[str, ...]
    stdin: str
    user: str
    depends: tuple[str, ...]
    touches: tuple[str, ...]
    stdin_file: str = ""  # absolute
    stop: bool = False  # what it touches is the daemon's own data


@dataclass(frozen=True)
class Metric:
    """A condition on one metric of a probe's answer."""

    name: str
    labels: Mapping[str, str]
    sum: bool
    equals: float | None
    at_least: float | None
    at_most: float | None
    since_activation: bool
    not_risen: bool
    optional: bool


@dataclass(frozen=True)
class Probe:
    """One request that a healthy daemon answers as described."""

    url: str
    status: int
    body: str
    metrics: tuple[Metric, ...]
    headers: Mapping[str, str] = field(default_factory=dict)
    final: tuple[int, ...] = ()
    hint: str = ""


@dataclass(frozen=True)
class Resource:
    """Something that the daemon is told over its API, and keeps."""

    name: str
    url: str
    body: Any
    method: str = "PUT"
    write_url: str = ""  # where the address to write to is not the one to read from
    answer: tuple[str, ...] = ()  # the way to it in the answer
    create: bool = False  # made when missing, and then left to people
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Health:
    """When a daemon counts as healthy. Times are in seconds."""

    timeout: float
    settle: float
    validate_certs: bool
    ca_path: str
    username: str
    password: str
    probes: tuple[Probe, ...]
    password_file: str = ""
    listens: tuple[str, ...] = ()  # host:port, where it is to listen besides the probes' places


@dataclass(frozen=True)
class Spec:
    """Everything one task says about one daemon."""

    name: str
    release: ReleaseSpec | None
    account: Account
    config_directory: str
    files: tuple[FileSpec, ...]
    requires: tuple[str, ...]
    checks: tuple[Check, ...]
    prepare: tuple[Prepare, ...]
    command: tuple[str, ...]
    environment: Mapping[str, str]
    unit: Mapping[str, Mapping[str, Any]]
    health: Health
    rollback: bool
    layout: Layout
    api: tuple[Resource, ...] = ()
    timer: Mapping[str, Any] = field(default_factory=dict)  # what starts it, where it is a job

    @property
    def unit_name(self) -> str:
        """The systemd unit."""
        return f"{self.name}.service"

    @property
    def timer_name(self) -> str:
        """The timer of a job."""
        return f"{self.name}.timer"

    @property
    def timer_path(self) -> str:
        """The file of the timer."""
        return posixpath.join(self.layout.units, self.timer_name)

    @property
    def main_unit(self) -> str:
        """What is enabled, started and looked at: of a job its timer."""
        return self.timer_name if self.timer else self.unit_name

    @property
    def unit_path(self) -> str:
        """The unit file."""
        return posixpath.join(self.layout.units, self.unit_name)

    @property
    def sysusers_path(self) -> str:
        """The account's description."""
        return posixpath.join(self.layout.sysusers, f"barehost-{self.name}.conf")

    @property
    def can_reload(self) -> bool:
        """Whether the unit says how the daemon reloads."""
        service = self.unit.get("Service")
        return isinstance(service, Mapping) and bool(service.get("ExecReload"))

    @property
    def data_directory(self) -> str:
        """The daemon's state directory, made by systemd."""
        return posixpath.join(self.layout.data, self.name)

    @property
    def release_link(self) -> str:
        """The link to the version in use. Instances of one product have a link each."""
        if self.release is None:
            return ""
        suffix = "" if self.release.name == self.name else f"-{self.name}"
        return posixpath.join(self.layout.opt, self.release.name, f"current{suffix}")

    @property
    def release_directory(self) -> str:
        """The directory of the wanted version."""
        if self.release is None:
            return ""
        return posixpath.join(self.layout.opt, self.release.name, self.release.version)

    def expand(self, text: str, release: str) -> str:
        """Replace the placeholders of command lines; other braces (regexes) stay as they are."""
        for name, value in (
            ("{release}", release),
            ("{config}", self.config_directory),
            ("{data}", self.data_directory),
        ):
            text = text.replace(name, value)
        return text
