# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The phases of a deployment that change the host: stage, commit, activate, and tidying up."""

from __future__ import annotations

import os
import posixpath
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from . import (
    _desired,
    _files,
    _gate,
    _made,
    _plan,
    _release,
    _rollback,
    _stage,
    _steps,
    _versions,
)
from ._host import Host
from ._spec import TRIGGERS, Spec
from ._state import Entry
from ._store import Store

Observer = Callable[[str], None]


@dataclass
class Run:
    """The state of one run in progress."""

    spec: Spec
    host: Host
    store: Store
    observe: Observer
    back: bool = False  # to the state before the last good one
    phase: str = "plan"
    started: float = field(default_factory=time.time)

    def enter(self, phase: str) -> None:
        """Go on to the next phase."""
        self.phase = phase
        self.observe(phase)


def prepare_stage(
    current: Run, wanted: _desired.Desired, seen: _plan.Observed, plan: _plan.Plan
) -> str:
    spec, host, store = current.spec, current.host, current.store
    store.clear_stage()
    os.makedirs(store.stage, mode=0o700)
    _note_shared(spec, host, plan)
    if plan.install and spec.release:
        if seen.record and seen.record.version == spec.release.version:
            # What runs is about to be replaced on the disk: not even a kill may hide that.
            _note(current, seen, {}, "restart")
        _release.install(spec.release, host.machine, host.open_url)
    if _makes_account(spec, plan):
        path = posixpath.join(store.stage, "account.conf")
        _files.write(path, _desired.sysusers(spec.account).encode(), 0o644)
        host.systemd.sysusers(path)
    return _stage.build(spec, wanted, plan, store.stage)


def _note_shared(spec: Spec, host: Host, plan: _plan.Plan) -> None:
    """Write down what no other daemon nor the host itself has made: the last one takes it along."""
    paths = [change.path for change in plan.changes if change.after]
    missing = [directory for path in paths for directory in _made.missing(path)]
    # These come and go with the daemon itself.
    own = [spec.config_directory, spec.data_directory]
    own += [posixpath.dirname(spec.release_link)] if spec.release else []
    tops = tuple(f"{directory}/" for directory in own)
    shared = [directory for directory in missing if not f"{directory}/".startswith(tops)]
    _made.note(spec.layout.state, "directory", shared)
    if _makes_account(spec, plan):
        groups = [spec.account.group, *spec.account.groups]
        new = [group for group in groups if not host.has_group(group)]
        _made.note(spec.layout.state, "group", new)


def _makes_account(spec: Spec, plan: _plan.Plan) -> bool:
    return plan.account or any(change.path == spec.sysusers_path for change in plan.changes)


def remember(current: Run, seen: _plan.Observed, plan: _plan.Plan) -> dict[str, Entry | None]:
    """Keep what will be replaced and note that a transaction is under way."""
    known = {change.path: change.before for change in plan.changes}
    touched = [path for step in plan.prepare if not step.stop for path in step.touches]
    before: dict[str, Entry | None] = {}
    for path in (*known, *touched):
        entry, content = _files.read(path)
        if entry and not entry.is_link:
            current.store.put(content)
        old = known.get(path)
        before[path] = replace(entry, secret=True) if entry and old and old.secret else entry
    secrets = [change.path for change in plan.changes if change.after and change.after.secret]
    steps = [step.name for step in plan.prepare]
    return _note(current, seen, before, plan.activation, (*secrets, *touched), steps=steps)


def make_sure_of_room(current: Run, plan: _plan.Plan) -> None:
    """Nothing is stopped for a copy that does not fit, nor for one that could not come back."""
    current.store.room_for(_data(plan))


def _data(plan: _plan.Plan) -> list[str]:
    """The daemon's own data that the steps will change."""
    return [path for step in plan.prepare if step.stop for path in step.touches]


def _set_aside(
    current: Run, seen: _plan.Observed, plan: _plan.Plan, before: dict[str, Entry | None]
) -> None:
    """Stop the daemon and keep the data that the steps will change: no copy of files in use is good.

    What is kept joins before.
    """
    spec, host, store = current.spec, current.host, current.store
    if not any(step.stop for step in plan.prepare):
        return
    # One in a crash loop does not run, but would come up while its data changes.
    if host.systemd.status(spec.unit_name).active not in ("", "inactive", "failed"):
        host.systemd.control("stop", "--", spec.unit_name)
    images = {path: store.keep(path) for path in _data(plan)}
    steps = [step.name for step in plan.prepare]
    before |= _note(current, seen, {**before, **images}, plan.activation, (), images, steps)


def _note(
    current: Run,
    seen: _plan.Observed,
    before: Mapping[str, Entry | None],
    activation: str,
    secrets: Iterable[str] = (),
    data: Iterable[str] = (),
    steps: Iterable[str] = (),
) -> dict[str, Entry | None]:
    """Write down what to go back to; returns it.

    Where a run did not finish its images count: what lies there now is the half of a state.
    """
    earlier = seen.transaction or {"before": {}, "activation": "none", "secrets": ()}
    noted = current.store.transaction() or earlier  # by this run, or else by the earlier one
    unit = {"running": seen.status.running, "enabled": seen.status.enabled}
    merged = {**before, **earlier["before"]}
    current.store.begin(
        merged,
        max(activation, earlier["activation"], key=TRIGGERS.index),
        {*secrets, *noted["secrets"]},
        earlier.get("unit", unit),
        {*data, *earlier.get("data", ())},
        {*steps, *earlier.get("steps", ())},
    )
    return merged


def commit(
    current: Run,
    wanted: _desired.Desired,
    seen: _plan.Observed,
    plan: _plan.Plan,
    before: dict[str, Entry | None],
) -> None:
    spec, store = current.spec, current.store
    current.enter("commit")
    _set_aside(current, seen, plan, before)
    _rollback.remove_leftovers({**before, **wanted.state.entries})
    for content in wanted.contents.values():
        store.put(content)
    for change in plan.changes:
        current.observe(f"commit:{change.path}")
        if change.after is None:
            _files.remove(change.path)
        else:
            _stage.make_directories(spec, change.path, change.after)
            content = b"" if change.after.is_link else store.get(change.after.digest)
            _files.put(change.path, change.after, content)
    for path in before:
        if not os.path.lexists(path):  # also when a killed run has removed it
            _files.remove_empty_parents(path, spec.config_directory)
    for directory in {posixpath.dirname(c.path) for c in plan.changes}:
        if os.path.isdir(directory):
            _files.sync_directory(directory)
    for step in plan.prepare:
        _steps.run(spec, current.host, store, step, spec.release_directory)


def activate(current: Run, plan: _plan.Plan) -> tuple[str, ...]:
    spec, host = current.spec, current.host
    current.enter("activate")
    if plan.enable:
        # Without --no-reload it would reload the manager a second time.
        host.systemd.control("enable", "--quiet", "--no-reload", "--", spec.main_unit)
    if plan.daemon_reload or plan.enable:
        host.systemd.control("daemon-reload")
    if spec.timer:
        _gate.forget_failure(host, spec.unit_name)
    baseline = _gate.activate(host, spec.main_unit, plan.activation, spec.health)
    current.enter("gate")
    warnings = _gate.prove(host, spec.main_unit, spec.health, baseline)
    if spec.timer:
        _gate.prove_job(host, spec.unit_name)
    return warnings


def tell(current: Run) -> None:
    """Once it is healthy: what it keeps itself, where that is not so already."""
    spec = current.spec
    if spec.api:
        current.enter("api")
    for one in spec.api:
        current.host.settle(one, spec.health)


def tidy_up(current: Run) -> list[str]:
    """Forget what no state needs any more. The service is deployed: trouble here is a warning."""
    spec = current.spec
    try:
        current.store.collect()
        if spec.release:
            _versions.prune(spec.layout, spec.release)
    except (_release.ReleaseError, OSError) as exc:
        return [f"deployed, but old versions could not be removed: {exc}"]
    return []
