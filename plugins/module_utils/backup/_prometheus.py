# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prometheus: its blocks, which never change, and the samples since the last one.

With the admin API Prometheus makes a snapshot itself. Without it (the role leaves it off, since
everybody who reaches the port could delete data) blocks are linked and the log of the samples since
is copied as it is on the disk. That log is made for being read after a crash, at any moment: it only
grows, until a new block makes its beginning superfluous. When that happens meanwhile, the copy is
made again.
"""

from __future__ import annotations

import os
import posixpath
import re
import shutil
import time
from collections.abc import Mapping
from typing import Any

from ..daemon._errors import DaemonError
from . import _copies, _tsdb
from ._exchange import exchange
from ._manifest import Manifest
from ._product import Check, Daemon, Product
from ._swap import Swap
from ._web import Api

_BLOCK = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}")  # a ULID
# Chunks first: every sample of a chunk is in the log too, but not the other way round.
_HEAD = ("chunks_head", "wbl", "wal")
_OURS = rf"{_BLOCK.pattern}(\..+)?|chunks_head|wbl|wal|chunk_snapshot\..+"
_TRIES = 10
_PAUSE = 3.0
_LATE = 15  # seconds after which all samples of a moment have arrived
_AGENT = (
    "runs as an agent, which forwards its samples and has no store of them (back up the Prometheus "
    "that they are forwarded to)"
)
_COUNT = "sum(scrape_samples_scraped)"


class Prometheus(Product):
    """The store of one Prometheus."""

    kind = "prometheus"

    def __init__(self, data: str, api: Api, admin: bool, agent: bool = False) -> None:
        self.stateless = _AGENT if agent else ""
        self.data = data
        self.api = api
        self.admin = admin

    # -- save -------------------------------------------------------------------

    def plan_save(
        self, daemon: Daemon, target: str, previous: str
    ) -> tuple[list[str], list[str], int]:
        """The blocks need no room where they can be linked."""
        daemon.must_run("only a running Prometheus tells what it holds")
        linked, copied = "link", list(_HEAD)
        if not _copies.one_system(self.data, target):
            linked = "copy"
            copied += [name for name in os.listdir(self.data) if _BLOCK.fullmatch(name)]
        what = f"{linked} the blocks in {self.data} and copy what came since"
        if self.admin:
            what = f"let Prometheus make a snapshot of {self.data}"
        return [what], [], _copies.size(posixpath.join(self.data, name) for name in copied)

    def save(self, daemon: Daemon, target: str, name: str, previous: str) -> Mapping[str, Any]:
        """Take everything up to now."""
        moment = time.time() - _LATE
        seen = {"moment": moment, "query": _COUNT, "value": self._value(_COUNT, moment)}
        if self.admin:
            self._snapshot(daemon, target)
        else:
            self._copy(target)
        # What arrived late may be in the copy or not.
        later = self._value(_COUNT, moment)
        return {**seen, "later": later, "method": "snapshot" if self.admin else "copy"}

    def _value(self, query: str, moment: float) -> str:
        answer = self.api.get("/api/v1/query", query=query, time=f"{moment:.3f}")
        series = answer["data"]["result"]
        return str(series[0]["value"][1]) if series else ""

    def _snapshot(self, daemon: Daemon, target: str) -> None:
        with _tsdb.snapshot(self.api, self.data, daemon.store.snapshot_note) as made:
            for block in sorted(os.listdir(made)):
                source = posixpath.join(made, block)
                _copies.tree(source, posixpath.join(target, block), _copies.ROOT, linked=True)

    def clean(self, daemon: Daemon) -> None:
        """Remove the snapshot of a run that was cut off."""
        _tsdb.clean(self.data, daemon.store.snapshot_note)

    def _copy(self, target: str) -> None:
        for _try in range(_TRIES):
            before = self._form()
            try:
                self._copy_once(target)
            except FileNotFoundError:
                pass  # Prometheus has removed what it no longer needs
            else:
                if self._form() == before:
                    return
            for name in os.listdir(target):
                shutil.rmtree(posixpath.join(target, name))
            time.sleep(_PAUSE)
        raise DaemonError(
            f"{self.data} was rewritten by Prometheus during each of {_TRIES} copies; try again later"
        )

    def _form(self) -> tuple[Any, ...]:
        """What changes when Prometheus makes a block and cuts its log; new segments do not count."""
        names = set(os.listdir(self.data))
        blocks = sorted(name for name in names if _BLOCK.fullmatch(name))
        firsts = []
        for head in _HEAD:
            path = posixpath.join(self.data, head)
            inside = sorted(os.listdir(path)) if head in names else []
            firsts.append(([n for n in inside if n.startswith("checkpoint")], inside[:1]))
        return (blocks, firsts, sorted(name for name in names if ".tmp-for-" in name))

    def _copy_once(self, target: str) -> None:
        for name in sorted(os.listdir(self.data)):
            if _BLOCK.fullmatch(name):
                source = posixpath.join(self.data, name)
                _copies.tree(source, posixpath.join(target, name), _copies.ROOT, linked=True)
        for name in _HEAD:
            source = posixpath.join(self.data, name)
            if os.path.isdir(source):
                _copies.tree(source, posixpath.join(target, name), _copies.ROOT)

    # -- restore ----------------------------------------------------------------

    def check(self, daemon: Daemon, manifest: Manifest, data: str) -> Check:
        """A store that has not made a block yet is one that was just deployed."""
        check = Check()
        if not os.path.isdir(self.data):
            check.faults.append(f"{self.data} is missing: deploy Prometheus first (site.yml)")
            return check
        blocks = [name for name in os.listdir(self.data) if _BLOCK.fullmatch(name)]
        if (blocks or self._has_checkpoint()) and not daemon.replace:
            check.faults.append(
                f"{self.data} holds data already ({len(blocks)} blocks); give "
                "-e barehost_restore_replace=true to replace it"
            )
        check.faults += _copies.room(self.data, manifest.size, f"a restore of {daemon.name}")
        check.actions = [
            f"stop {daemon.unit}",
            f"replace the data in {self.data} ({len(blocks)} blocks and what came since)",
            f"start {daemon.unit}",
        ]
        return check

    def _has_checkpoint(self) -> bool:
        wal = posixpath.join(self.data, "wal")
        names = os.listdir(wal) if os.path.isdir(wal) else []
        return any(name.startswith("checkpoint") for name in names)

    def restore(self, daemon: Daemon, manifest: Manifest, data: str) -> list[str]:
        """Put it into the place of what is there."""
        owner, swap = _copies.owner(self.data), Swap(daemon.note)
        new = swap.work(self.data, owner)
        try:
            for name in sorted(os.listdir(data)):
                _copies.tree(posixpath.join(data, name), posixpath.join(new, name), owner)
        except BaseException:
            swap.forget()
            raise
        swap.plan(self.data, _OURS)
        exchange(daemon, swap, lambda: self._prove(manifest))
        return []

    def _prove(self, manifest: Manifest) -> None:
        """Ask what was asked before and after the backup was made."""
        seen = manifest.seen
        value, told = self._value(seen["query"], seen["moment"]), seen["value"]
        later = seen.get("later", told)
        if not _between(value, told, later):
            words = (
                told or "nothing"
                if later == told
                else f"{told or 'nothing'} to {later or 'nothing'}"
            )
            raise DaemonError(
                f"Prometheus is up, but says {value or 'nothing'} to {seen['query']} at "
                f"{seen['moment']:.0f}, and said {words} when the backup was made"
            )


def _between(value: str, one: str, other: str) -> bool:
    """Whether it is one of two answers, or between them; no answer counts as 0."""
    if one == other or value in (one, other):
        return value in (one, other)
    try:
        low, high = sorted((float(one or 0), float(other or 0)))
        return low <= float(value or 0) <= high
    except ValueError:
        return False
