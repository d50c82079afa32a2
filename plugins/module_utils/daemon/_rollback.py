# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Taking a replaced state back: the last good one returns and is proved, or nothing is left."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace

from . import _files, _gate, _parse, _stage, _steps
from ._errors import DaemonError, Final
from ._health import Baseline
from ._host import Host
from ._spec import Health, Prepare, Spec
from ._state import Entry, State
from ._store import Store
from ._unit import STATE_VARIABLE


def roll_back(spec: Spec, host: Host, store: Store, before: Mapping[str, Entry | None]) -> str:
    """Restore the last good state, or what was there before a first installation.

    before: what the paths touched by the transaction looked like. Returns what was done.
    """
    record = store.record()
    # Where both know a path the record wins: an edit by hand does not count as good.
    targets = {**before, **(record.entries if record else {})}
    for file in spec.files:
        # A secret that was made here stays: the failed start may have locked the data with it.
        if file.content is None and targets.get(file.path) is None:
            targets.pop(file.path, None)
    first = record is None and spec.unit_path in targets and targets[spec.unit_path] is None
    transaction = store.transaction() or {}
    if first:
        _stop(spec, host)
    elif set(transaction.get("data", ())) & set(targets):
        host.systemd.control("stop", "--", spec.unit_name)  # its data is about to be replaced
    triggers = _restore(spec, store, targets)
    host.systemd.control("daemon-reload")
    if record:
        record = _repeat(spec, host, store, record, transaction.get("steps", ()))
        _reactivate(spec, host, record, triggers)
        done = f"the previous state (version {record.version or 'none'}) is back and healthy"
    else:
        _as_before(spec, host, store)
        done = "the files that were there before are back"
        if first:
            done = "the first installation was taken back; its data directory is kept"
    store.end()
    with suppress(OSError):
        store.collect()  # copies of data are large, and the next attempt makes its own
    return done


def _repeat(spec: Spec, host: Host, store: Store, record: State, steps: Iterable[str]) -> State:
    """What a step has changed elsewhere no file brings back: it runs again with the old input.

    Where that is not known, or fails, the next run has to repeat it.
    """
    known = set(steps) & set(record.prepared)
    lost = [step for step in spec.prepare if not step.touches and step.name in known]
    kept = dict(record.prepared)
    for step in lost:
        try:
            _again(spec, host, store, step, record.version)
        except (DaemonError, OSError):
            del kept[step.name]
    if kept != record.prepared:
        record = replace(record, prepared=kept)
        store.replace_record(record)
    return record


def _again(spec: Spec, host: Host, store: Store, step: Prepare, version: str) -> None:
    if not step.stdin_file:
        raise DaemonError("what it read is not known any more")
    if step.stop:
        host.systemd.control("stop", "--", spec.unit_name)
    # The old program: a newer one might migrate the data that is back.
    release = posixpath.join(spec.layout.opt, spec.release.name, version) if spec.release else ""
    _steps.run(spec, host, store, step, release)


def _stop(spec: Spec, host: Host) -> None:
    """A first installation failed: nothing of it may run, or come back at boot."""
    status = host.systemd.status(spec.main_unit)
    if status.load not in ("not-found", ""):
        host.systemd.control("disable", "--quiet", "--", spec.main_unit)
        host.systemd.control("stop", "--", *dict.fromkeys((spec.main_unit, spec.unit_name)))
        if host.systemd.status(spec.unit_name).active == "failed":
            host.systemd.control("reset-failed", "--", spec.unit_name)


def _restore(spec: Spec, store: Store, targets: Mapping[str, Entry | None]) -> set[str]:
    """Make each path what it was; returns the triggers of what changed."""
    triggers = set()
    # A directory of the failed state may stand where a file has to return: it goes first.
    for path in sorted((p for p in targets if targets[p] is None), reverse=True):
        if os.path.lexists(path) and not _files.is_directory(path):
            _files.remove(path)
            _files.remove_empty_parents(path, spec.config_directory)
            # What this path would have triggered is not known any more: assume the most.
            triggers.add("restart")
    for path in sorted(targets, key=lambda p: (p in (spec.unit_path, spec.timer_path), p)):
        entry = targets[path]
        if entry is None or entry.same(_files.look(path)):
            continue
        _stage.make_directories(spec, path, entry)
        _files.put(path, entry, b"" if entry.is_link else store.parts(entry.digest))
        triggers.add(entry.on_change)
    for directory in {posixpath.dirname(path) for path in targets}:
        if os.path.isdir(directory):
            _files.sync_directory(directory)
    return triggers


def _as_before(spec: Spec, host: Host, store: Store) -> None:
    """No state of ours is known: a unit that was there before does again what it did."""
    was = (store.transaction() or {}).get("unit", {})
    if host.systemd.status(spec.main_unit).load != "loaded":
        return
    if was.get("enabled"):
        host.systemd.control("enable", "--quiet", "--", spec.main_unit)
    if was.get("running"):
        health = _parse.health({}, [])
        baseline = _gate.activate(host, spec.main_unit, "restart", health)
        _gate.prove(host, spec.main_unit, health, baseline)


def _reactivate(spec: Spec, host: Host, record: State, triggers: set[str]) -> None:
    health = _parse.health(record.health, [])
    status = host.systemd.status(spec.main_unit)
    state = host.process_variable(status.main_pid, STATE_VARIABLE) if status.running else ""
    # A job takes up by itself what came back.
    other = state != record.activation and not spec.timer
    if other or not status.running or "restart" in triggers:
        verb = "restart"
    else:
        verb = "reload" if "reload" in triggers else "none"
    baseline = _gate.activate(host, spec.main_unit, verb, health)
    try:
        _prove_or_restart(host, spec.main_unit, health, verb, baseline)
    except DaemonError as exc:
        raise DaemonError(f"the previous state is back, but not healthy either: {exc}") from exc


def _prove_or_restart(
    host: Host, unit: str, health: Health, verb: str, baseline: Baseline | None
) -> None:
    """A daemon may not carry out its reload: a restart is better than no proof."""
    try:
        _gate.prove(host, unit, health, baseline)
    except DaemonError as exc:
        if verb == "restart" or verb == "none" and isinstance(exc, Final):
            raise
        _gate.prove(host, unit, health, _gate.activate(host, unit, "restart", health))


def remove_leftovers(paths: Mapping[str, Entry | None]) -> None:
    """Remove temporary files of a run that was killed between write and rename."""
    for path in paths:
        for temporary in _files.temporaries(path):
            _files.remove(temporary)
