# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the four products have in common for who saves and restores them."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from ..daemon import _gate, _parse_health
from ..daemon._errors import DaemonError
from ..daemon._host import Host
from ..daemon._spec import Health
from ..daemon._store import Store
from ._manifest import Manifest
from ._swap import Swap, unfinished


def _unheard(_warning: str) -> None:
    """Nobody listens."""


@dataclass(frozen=True)
class Daemon:
    """The daemon on this host, whose lock is held."""

    name: str
    asked: Health | None  # how it is asked; nothing for as it was last deployed
    host: Host
    store: Store
    replace: bool = False  # data that is there may be replaced
    warn: Callable[[str], None] = _unheard  # told also when the run fails after that

    @property
    def unit(self) -> str:
        """Its unit of systemd."""
        return f"{self.name}.service"

    @property
    def health(self) -> Health:
        """How it is asked, and when it is healthy: read anew, since a restore may put that back."""
        if self.asked:
            return self.asked
        record = self.store.record()
        return _parse_health.health(record.health if record else {}, [])

    @property
    def note(self) -> str:
        """Where an exchange of its data is remembered."""
        return self.store.restore_note

    def running(self) -> bool:
        """Whether it is up."""
        return self.host.systemd.status(self.unit).running

    def must_run(self, why: str) -> None:
        """Refuse when it is down."""
        status = self.host.systemd.status(self.unit)
        if not status.running:
            raise DaemonError(
                f"{self.unit} is {status.active} ({status.sub}), but {why}. Start it first: "
                f"systemctl start {self.unit}"
            )

    def stop(self) -> None:
        """Stop it; what it holds in memory is on the disk then."""
        self.host.systemd.control("stop", "--", self.unit)

    def start(self) -> None:
        """Start it and wait until it is healthy. Raises DaemonError."""
        baseline = _gate.activate(self.host, self.unit, "restart", self.health)
        _gate.prove(self.host, self.unit, self.health, baseline)

    def last_words(self, since: float) -> str:
        """What it said last: most often the very reason."""
        lines = self.host.systemd.journal(self.unit, since)
        own = [line for line in lines if self.unit not in line]
        return f" (its last words: {own[-1].strip()})" if own else ""


@dataclass
class Check:
    """What a restore would do, and why it may not."""

    actions: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    nothing: bool = False  # there is nothing left to do


class Product:
    """One kind of daemon. Subclasses know its data."""

    kind = ""
    stateless = ""  # why it has no data, if that is so

    def save(self, daemon: Daemon, target: str, name: str, previous: str) -> Mapping[str, Any]:
        """Write the data into an empty directory; returns what the running service says.

        name: of the backup. previous: the data of the one before, or empty.
        """
        raise NotImplementedError

    def plan_save(
        self, daemon: Daemon, target: str, previous: str
    ) -> tuple[list[str], list[str], int]:
        """What saving does, what speaks against it, and about how many bytes it writes anew.

        target: a directory for backups, maybe not there yet. previous: as in save.
        """
        raise NotImplementedError

    def misplaced(self, backups: str) -> list[str]:
        """What speaks against the directory that the daemon's backups lie in."""
        return []

    def check(self, daemon: Daemon, manifest: Manifest, data: str) -> Check:
        """Look at what is there before anything is touched."""
        raise NotImplementedError

    def restore(self, daemon: Daemon, manifest: Manifest, data: str) -> list[str]:
        """Put the data into its place and prove it, or take it back. Returns warnings."""
        raise NotImplementedError

    def clean(self, daemon: Daemon) -> None:
        """Remove what a backup that was cut off has left outside the backups."""

    def cut_off(self, daemon: Daemon) -> bool:
        """Whether a restore was cut off after it had begun to replace data."""
        return os.path.exists(daemon.note)

    def recover(self, daemon: Daemon) -> None:
        """Take back a restore that was cut off."""
        swap = unfinished(daemon.note)
        if swap:
            ran = daemon.running()
            daemon.stop()
            try:
                _settle(daemon, swap)
            except (DaemonError, OSError) as exc:
                if ran:
                    with suppress(DaemonError):  # the first fault is the one to tell
                        daemon.start()
                raise DaemonError(
                    f"a restore was cut off here, and cannot be taken back: {exc}. The data that was "
                    "there before is still kept: mend the cause and run restore.yml again"
                ) from exc
            daemon.start()


def _settle(daemon: Daemon, swap: Swap) -> None:
    lost = swap.drop_lost()
    if lost:
        daemon.warn(
            f"a restore of {daemon.name} was cut off, and what was there before cannot be taken back: "
            f"{' and '.join(lost)} is gone, in which it was kept. What lies there now may be half of "
            "it: restore a backup with -e barehost_restore_replace=true"
        )
    kept = swap.back(keep=True)
    if kept:
        daemon.warn(
            f"{daemon.name} wrote data after a restore was cut off and before it was taken back now; "
            f"it is kept in {' and '.join(kept)}. Look whether you need it, then remove it"
        )
