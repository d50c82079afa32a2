# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Elasticsearch: everything that it holds, as a snapshot of its own making."""

from __future__ import annotations

import os
import posixpath
import re
import shutil
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from ..daemon._errors import DaemonError
from . import _copies, _snapshots
from ._manifest import TIME, Manifest
from ._product import Check, Daemon, Product
from ._web import Api

_FOLDER = "repository"
_PREFIX = "barehost-backup-"
# Users made by hand come back only with the password of the old elastic, which this host does not have.
_LEFT_OUT = ("security",)
_TRIES = 5
_SOURCE, _BEFORE = "source", "before"
_FRESH = 3600  # seconds in which what Kibana and others have made is that of a new host
# Features whose data comes anew, or is of no use later.
_PASSING = ("tasks", "async_search", "geoip")


class Elasticsearch(Product):
    """The cluster that a node on this host belongs to.

    place: the directory in which Elasticsearch writes and reads snapshots (path.repo); nothing
    stays in it. Other clusters may use the same one: ours bears the name of this cluster. data: the
    node's data, whose owner is Elasticsearch's.
    """

    kind = "elasticsearch"

    def __init__(self, api: Api, place: str, data: str) -> None:
        self.api = api
        self.place = place
        self.data = data
        self._cluster = ""

    def _path(self, what: str) -> str:
        """A directory of this cluster's in the place for snapshots."""
        return posixpath.join(self.place, f"barehost-{self._identity()}-{what}")

    def _identity(self) -> str:
        """What no other cluster has, whatever it is called."""
        if not self._cluster:
            found = str((self.api.get("/") or {}).get("cluster_uuid", "_na_"))
            if found == "_na_":
                raise DaemonError(
                    "Elasticsearch has not formed a cluster yet: wait until its nodes have found each "
                    "other (its journal says what it waits for), then run again"
                )
            self._cluster = found
        return self._cluster

    def misplaced(self, backups: str) -> list[str]:
        """Refuse snapshots among the backups: Elasticsearch may remove what is in its directory."""
        place, other = os.path.realpath(self.place), os.path.realpath(backups)
        if os.path.commonpath([place, other]) not in (place, other):
            return []
        return [
            f"Elasticsearch writes its snapshots into {self.place}, and the backups lie in {backups}: "
            "one must not be in the other. Name another directory in elk_elasticsearch_repository and "
            "deploy (site.yml), or another one for the backups in barehost_backup_directory"
        ]

    # -- save -------------------------------------------------------------------

    def plan_save(
        self, daemon: Daemon, target: str, previous: str
    ) -> tuple[list[str], list[str], int]:
        """How much it is, Elasticsearch knows; what the last backup has is taken for linked."""
        daemon.must_run("only a running Elasticsearch makes a snapshot")
        size, place = self._stored(), self.place if os.path.isdir(self.place) else self.data
        last = self._linkable(previous, place)
        new = max(0, size - _copies.size([last])) if last else size
        faults: list[str] = []
        if not _copies.one_system(place, target):
            # It passes through here, and is copied there whole.
            faults, new = _copies.room(place, new, f"a snapshot of {daemon.name}"), size
        return [f"let Elasticsearch make a snapshot in {self.place}"], faults, new

    def _stored(self) -> int:
        stats = self.api.get("/_stats/store", filter_path="_all.primaries.store.size_in_bytes")
        found = stats.get("_all", {}).get("primaries", {}).get("store", {})
        return int(found.get("size_in_bytes") or 0)

    def save(self, daemon: Daemon, target: str, name: str, previous: str) -> Mapping[str, Any]:
        """Let it make a snapshot beside those of the last backup, and move that one into this backup.

        Elasticsearch never changes a file of a repository, it makes and removes some: what two
        backups have in common has two names, and each backup is whole without the other.
        """
        repository, location = f"{_PREFIX}{name.lower()}", self._path(name)
        _copies.make(self.place, _copies.owner(self.data))
        last = self._linkable(previous, self.place)
        if last:
            _copies.tree(last, location, _copies.owner(self.data), linked=True)
        _snapshots.register(self.api, repository, location)
        found = _snapshots.take(self.api, repository, name.lower())
        _snapshots.drop_others(self.api, repository, name.lower())
        _snapshots.forget(self.api, repository)
        _copies.tree(location, posixpath.join(target, _FOLDER), _copies.ROOT, linked=True)
        shutil.rmtree(location)
        features = found.get("feature_states") or []
        return {
            "snapshot": name.lower(),
            "indices": sorted(found["indices"]),
            "data_streams": sorted(found["data_streams"]),
            "features": {one["feature_name"]: sorted(one["indices"]) for one in features},
            "shards": found["shards"]["total"],
        }

    def _linkable(self, previous: str, place: str) -> str:
        """The snapshot of the last backup, if its files can have a second name that Elasticsearch may read."""
        if not previous:
            return ""
        last = posixpath.join(previous, _FOLDER)
        paths = [
            posixpath.join(folder, name) for folder, _f, names in os.walk(last) for name in names
        ]
        device, owner = os.stat(place).st_dev, _copies.owner(self.data)
        fit = all(os.stat(p).st_dev == device and _copies.owner(p) == owner for p in paths)
        return last if fit else ""

    def clean(self, daemon: Daemon) -> None:
        """Forget the repositories of runs that were cut off, and what they wrote."""
        if daemon.running():
            for repository in _snapshots.known(self.api, _PREFIX):
                _snapshots.forget(self.api, repository)
        elif not self._cluster:
            return  # the next run that finds it up does it
        # The directory may hold other repositories, and those of other clusters: only ours go.
        ours = rf"barehost-{re.escape(self._identity())}-({TIME}|{_SOURCE})"
        for name in os.listdir(self.place) if os.path.isdir(self.place) else []:
            if re.fullmatch(ours, name):
                shutil.rmtree(posixpath.join(self.place, name))

    def cut_off(self, daemon: Daemon) -> bool:
        """Whether what was there before is still kept. One that is down is refused soon after."""
        known = self._cluster or daemon.running()
        return bool(known) and os.path.isdir(self._path(_BEFORE))

    def recover(self, daemon: Daemon) -> None:
        """Bring back what a restore that was cut off had kept."""
        if not self.cut_off(daemon):
            return
        daemon.must_run("only a running Elasticsearch takes back a restore that was cut off")
        _snapshots.register(self.api, f"{_PREFIX}{_BEFORE}", self._path(_BEFORE))
        kept = _snapshots.kept(self.api, f"{_PREFIX}{_BEFORE}", _BEFORE)
        if kept:
            self._remove(kept.names)
            self._put_back(kept)
        self._forget_before()

    def _put_back(self, kept: _snapshots.Kept) -> None:
        _snapshots.put_back(self.api, f"{_PREFIX}{_BEFORE}", _BEFORE, kept.names, kept.features)

    def _forget_before(self) -> None:
        _snapshots.forget(self.api, f"{_PREFIX}{_BEFORE}")
        shutil.rmtree(self._path(_BEFORE), ignore_errors=True)

    # -- restore ----------------------------------------------------------------

    def check(self, daemon: Daemon, manifest: Manifest, data: str) -> Check:
        """What has the name of something saved gives way only if it is empty, or that of a new host."""
        daemon.must_run("only a running Elasticsearch restores a snapshot")
        check = Check()
        wanted, there = self._wanted(manifest), _snapshots.present(self.api)
        full = {name: there[name] for name in wanted if there.get(name, 0) != 0}
        told = [f"{name} ({_documents(count)})" for name, count in full.items()]
        told += [f"{name} (of Kibana, or another part of it)" for name in self._old(manifest)]
        if told and not daemon.replace:
            check.faults.append(
                f"Elasticsearch holds these already: {', '.join(told)}; give -e "
                "barehost_restore_replace=true to replace them"
            )
        # Once where Elasticsearch reads it, once in its indices; and what is there, until that is proved.
        needed = 2 * manifest.size + (self._stored() if full else 0)
        check.faults += _copies.room(self.data, needed, f"a restore of {daemon.name}")
        lost = [name for name, count in full.items() if count is None]
        check.actions = [f"replace {name}" for name in full if name not in lost]
        check.actions += [
            f"replace {name}, of which nothing can be kept meanwhile" for name in lost
        ]
        check.actions += [f"restore {name}" for name in wanted if name not in full]
        check.actions += self._replaced(manifest)
        check.actions.append("replace the templates, life cycles and settings of the cluster")
        return check

    def _old(self, manifest: Manifest) -> list[str]:
        """What Kibana and others have there for longer than a deployment takes, and would lose."""
        going = [name for name in _features(manifest) if name not in _PASSING]
        stems = tuple(stem for name in going for stem in _stems(manifest, name))
        made = _snapshots.system(self.api) if stems else {}
        return [n for n, t in made.items() if n.startswith(stems) and t < time.time() - _FRESH]

    def _broken(self, manifest: Manifest) -> list[str]:
        """The features of which no snapshot can be made, since shards are missing."""
        red = _snapshots.red(self.api)
        return [
            feature
            for feature in _features(manifest)
            if any(name.startswith(_stems(manifest, feature)) for name in red)
        ]

    def _replaced(self, manifest: Manifest) -> list[str]:
        broken = self._broken(manifest)
        lost = ", of which nothing can be kept meanwhile"
        return [
            f"replace what is of the feature {one}{lost if one in broken else ''}"
            for one in _features(manifest)
        ]

    def _wanted(self, manifest: Manifest) -> list[str]:
        """The names to restore: data streams, and indices that belong to nothing else."""
        seen = manifest.seen
        own = {name for names in seen["features"].values() for name in names}
        plain = _snapshots.outside(seen["indices"], seen["data_streams"])
        return [*seen["data_streams"], *(name for name in plain if name not in own)]

    def restore(self, daemon: Daemon, manifest: Manifest, data: str) -> list[str]:
        """Restore all; what gives way is kept in a snapshot until that is done."""
        self.clean(daemon)
        owner = _copies.owner(self.data)
        _copies.make(self.place, owner)
        wanted, there = self._wanted(manifest), _snapshots.present(self.api)
        leaving, source = [name for name in wanted if name in there], self._path(_SOURCE)
        broken = self._broken(manifest)
        lost = [name for name in leaving if there[name] is None] + broken
        whole = [name for name in _features(manifest) if name not in broken]
        try:
            _copies.tree(posixpath.join(data, _FOLDER), source, owner)
            _snapshots.register(self.api, f"{_PREFIX}{_SOURCE}", source, readonly=True)
            kept = self._keep([name for name in leaving if there[name]], whole)
            try:
                self._exchange(manifest, leaving, wanted, _features(manifest))
            except BaseException as exc:
                raise DaemonError(f"{exc}. {self._back(wanted, kept, lost)}") from exc
            self._forget_before()
        except BaseException:
            with suppress(DaemonError, OSError):  # the first fault is the one to tell
                self.clean(daemon)
            raise
        self.clean(daemon)
        return self._warnings(manifest)

    def _keep(self, names: Sequence[str], features: Sequence[str]) -> _snapshots.Kept:
        """Templates, settings and features give way whether or not there is a document."""
        ours = not os.path.isdir(self._path(_BEFORE))
        try:
            _snapshots.register(self.api, f"{_PREFIX}{_BEFORE}", self._path(_BEFORE))
            _snapshots.take(self.api, f"{_PREFIX}{_BEFORE}", _BEFORE, names, features)
            found = _snapshots.kept(self.api, f"{_PREFIX}{_BEFORE}", _BEFORE)
        except DaemonError:
            with suppress(DaemonError):
                if ours:  # nothing was replaced yet
                    self._forget_before()
            raise
        return found or _snapshots.Kept([], [])

    def _exchange(
        self,
        manifest: Manifest,
        leaving: Sequence[str],
        wanted: Sequence[str],
        features: Sequence[str],
    ) -> None:
        """Who goes on writing may make an index anew between its removal and its return: try again."""
        for attempt in range(_TRIES):
            self._remove(leaving if attempt == 0 else wanted)
            try:
                snapshot = manifest.seen["snapshot"]
                _snapshots.put_back(self.api, f"{_PREFIX}source", snapshot, wanted, features)
                return
            except DaemonError as exc:
                again = "same name already exists" in str(exc) or "existing data stream" in str(exc)
                if not again or attempt == _TRIES - 1:
                    hint = ". Something writes into it: stop Logstash meanwhile" if again else ""
                    raise DaemonError(f"{exc}{hint}") from exc

    def _remove(self, names: Sequence[str]) -> None:
        there, streams = _snapshots.present(self.api), _snapshots.streams(self.api)
        for name in names:
            if name in there:
                path = f"/_data_stream/{name}" if name in streams else f"/{name}"
                self.api.send("DELETE", path)

    def _back(self, wanted: Sequence[str], kept: _snapshots.Kept, lost: Sequence[str]) -> str:
        """Take away what was restored, and bring back what was there."""
        try:
            self._remove(wanted)
            self._put_back(kept)
            self._forget_before()
        except DaemonError as exc:
            return (
                f"TAKING IT BACK FAILED: {exc}. What was there is kept in {self._path(_BEFORE)}: mend "
                "the cause and run restore.yml again"
            )
        same = [
            "the templates, life cycles and settings of the cluster",
            *kept.features,
            *kept.names,
        ]
        words = f"What was restored is gone again, and as before are {', '.join(same)}"
        gone = f". {', '.join(lost)} could not be kept, and is gone" if lost else ""
        return words + gone

    def _warnings(self, manifest: Manifest) -> list[str]:
        if not any(manifest.seen["features"].get(name) for name in _LEFT_OUT):
            return []
        return [
            "users and roles that were made in Elasticsearch by hand are not restored: those of the "
            "inventory are there, make the others anew"
        ]


def _features(manifest: Manifest) -> list[str]:
    """The features whose state is restored."""
    return [name for name in manifest.seen["features"] if name not in _LEFT_OUT]


def _stems(manifest: Manifest, feature: str) -> tuple[str, ...]:
    """How the names of its indices begin; at their end are versions: .kibana_8.5.0_001."""
    names = manifest.seen["features"][feature]
    found = (re.match(r"\.[a-z]+", name) for name in names)
    return tuple(sorted({one[0] for one in found if one}))


def _documents(count: int | None) -> str:
    if count is None:
        return "closed or lacking shards, so nobody knows how many documents: it cannot be kept"
    return f"{count} documents"
