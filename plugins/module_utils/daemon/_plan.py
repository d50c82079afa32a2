# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to be done: the difference between what is wanted, recorded and observed. Pure.

Check mode returns the plan, a real run carries it out: the two can not differ.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ._spec import TRIGGERS, Prepare, Spec
from ._state import Entry, State
from ._systemd import Status


@dataclass(frozen=True)
class Observed:
    """The host as it is."""

    actual: Mapping[str, Entry | None]
    record: State | None
    transaction: Mapping[str, Any] | None
    status: Status
    process_state: str  # the state that the main process was started from
    release_fault: str  # why the release has to be installed; empty when it is there
    account_missing: bool
    untold: tuple[str, ...] = ()  # what the daemon does not know of its api, as far as it tells


@dataclass(frozen=True)
class Change:
    """A path that has to become something else (after None: nothing)."""

    path: str
    before: Entry | None
    after: Entry | None


@dataclass(frozen=True)
class Plan:
    """Everything that one run does, in its order."""

    install: str
    account: bool
    changes: tuple[Change, ...]
    prepare: tuple[Prepare, ...]
    enable: bool
    daemon_reload: bool
    activation: str  # none | reload | restart
    record: bool
    repaired: tuple[str, ...]
    actions: tuple[str, ...]

    @property
    def changed(self) -> bool:
        """Whether there is anything to do at all."""
        return bool(self.actions)


NOTHING = Plan(
    install="",
    account=False,
    changes=(),
    prepare=(),
    enable=False,
    daemon_reload=False,
    activation="none",
    record=False,
    repaired=(),
    actions=(),
)


def plan(spec: Spec, wanted: State, seen: Observed) -> Plan:
    """Compare and decide."""
    changes = _changes(spec, wanted, seen)
    prepare = _due(spec, wanted, seen)
    activation, reason = _activation(spec, wanted, seen, changes, bool(prepare))
    account = seen.account_missing and spec.account.user != "root"
    units = (spec.unit_path, spec.timer_path)
    daemon_reload = seen.status.needs_reload or any(c.path in units for c in changes)
    enable = not seen.status.enabled
    record = seen.record != wanted or seen.transaction is not None
    actions = []
    if seen.release_fault and spec.release:
        actions.append(f"install {spec.release.name} {spec.release.version} ({seen.release_fault})")
    if account:
        actions.append(f"create the account {spec.account.user}")
    actions += [f"{'write' if c.after else 'remove'} {c.path}" for c in changes]
    actions += [f"prepare: {step.name}" for step in prepare]
    if enable:
        actions.append(f"enable {spec.main_unit}")
    if activation != "none":
        verb = activation if seen.status.running else "start"
        actions.append(f"{verb} {spec.main_unit} ({reason})")
    actions += [f"tell {spec.name}: {name}" for name in seen.untold]
    if record and not actions:
        actions.append("record the state of the running service")
    return Plan(
        install=seen.release_fault,
        account=account,
        changes=changes,
        prepare=prepare,
        enable=enable,
        daemon_reload=daemon_reload,
        activation=activation,
        record=record,
        repaired=_repaired(spec, wanted, seen),
        actions=tuple(actions),
    )


def paths(wanted: State, record: State | None, transaction: Mapping[str, Any] | None) -> list[str]:
    """Every path that this run is answerable for."""
    known = set(wanted.entries) | set(record.entries if record else ())
    if transaction:
        # Data has lived on since the run that did not finish: only a roll-back puts it back.
        known |= set(transaction["before"]) - set(transaction.get("data", ()))
    return sorted(known)


def _changes(spec: Spec, wanted: State, seen: Observed) -> tuple[Change, ...]:
    changes = []
    for path in paths(wanted, seen.record, seen.transaction):
        actual = seen.actual.get(path)
        after = wanted.entries.get(path)
        if after is None and not (seen.record and path in seen.record.entries):
            # Only a run that did not finish knew this path: what was there before comes back.
            after = seen.transaction["before"].get(path) if seen.transaction else None
        if after is None and actual is None or after is not None and after.same(actual):
            continue
        changes.append(Change(path, _known(actual, path, seen), after))
    # The units go last: until then nothing that systemd sees has changed.
    units = (spec.unit_path, spec.timer_path)
    return tuple(sorted(changes, key=lambda c: (c.path in units, c.path)))


def _known(actual: Entry | None, path: str, seen: Observed) -> Entry | None:
    """What lies on the disk does not tell that it is a secret; record and transaction do."""
    recorded = seen.record.entries.get(path) if seen.record else None
    unfinished = seen.transaction.get("secrets", ()) if seen.transaction else ()
    secret = path in unfinished or (recorded is not None and recorded.secret)
    return replace(actual, secret=True) if actual and secret else actual


def _due(spec: Spec, wanted: State, seen: Observed) -> tuple[Prepare, ...]:
    done = seen.record.prepared if seen.record else {}
    # What a run that did not finish has prepared, nobody knows.
    unfinished = seen.transaction.get("steps", ()) if seen.transaction else ()
    return tuple(
        s
        for s in spec.prepare
        if done.get(s.name) != wanted.prepared[s.name] or s.name in unfinished
    )


def refused(spec: Spec, wanted: State, seen: Observed) -> list[str]:
    """What may not become something else, and would: the version of data, and keys to it.

    Without a record what lies there counts: a removal leaves the data, and the key that was made for it.
    """
    lying = {path: entry for path, entry in seen.actual.items() if entry}
    known = seen.record.entries if seen.record else lying
    return (
        _refused_kind(spec, seen.record)
        + _refused_version(spec, seen.record)
        + [
            f"{file.path}: its content may not change (on_change: refuse), since the data of {spec.name} "
            "depends on it. Give back the old content; the one on the host is still in place"
            for file in spec.files
            if file.fixed
            and file.path in known
            and known[file.path].digest != wanted.entries[file.path].digest
        ]
    )


def _refused_kind(spec: Spec, record: State | None) -> list[str]:
    """What runs all the time can not become what runs now and then, nor the other way round."""
    if record is None or bool(spec.timer) == (spec.timer_path in record.entries):
        return []
    kinds = {True: "a job with a timer", False: "a daemon without one"}
    was, new = kinds[not spec.timer], kinds[bool(spec.timer)]
    return [f"{spec.name} is {was} on this host, not {new}; remove it first (state: absent)"]


def _refused_version(spec: Spec, record: State | None) -> list[str]:
    if not migrates(spec, record) or not spec.release or not record:
        return []
    new, old, oldest = spec.release.version, record.version, spec.release.data_from
    what = f"{spec.name} {old} is on this host, and its data"
    if _number(new) < _number(old):
        return [f"{what} cannot be read by {new}, which is older. Restore a backup made with {new}"]
    if _number(old) < _number(oldest):
        return [f"{what} cannot be taken over by {new}: upgrade to {oldest} or later first"]
    return []


def migrates(spec: Spec, record: State | None) -> bool:
    """Whether this run makes another version of data that none goes back from."""
    old = record.version if record else ""
    return bool(spec.release and spec.release.data_from and old not in ("", spec.release.version))


def _number(version: str) -> tuple[int, ...]:
    """8.5.0+something counts as 8.5.0."""
    found = re.match(r"\d+(\.\d+)*", version)
    return tuple(int(part) for part in found[0].split(".")) if found else ()


def _activation(
    spec: Spec, wanted: State, seen: Observed, changes: tuple[Change, ...], prepares: bool
) -> tuple[str, str]:
    """The strongest trigger and its reason."""
    if not seen.status.running:
        return "restart", f"it is {seen.status.active}"
    if spec.timer:
        return _activation_of_timer(spec, seen, changes)
    if seen.process_state != wanted.activation:
        return "restart", "the running process was started from another state"
    if seen.release_fault:
        return "restart", "its release is installed anew"
    if prepares:
        return "restart", "prepared anew"
    triggers = [(_trigger(c, seen.record), f"{c.path} changes") for c in changes]
    if seen.transaction:
        triggers.append((seen.transaction["activation"], "an earlier run did not finish"))
    loaded = seen.record.reloadable if seen.record else ""
    if loaded != wanted.reloadable and _uses_reload(wanted):
        triggers.append(("reload", "the loaded configuration is not the recorded one"))
    if any(t[0] == "reload" for t in triggers) and not spec.can_reload:
        triggers.append(("restart", "it can not be reloaded"))
    return max(triggers, key=lambda t: TRIGGERS.index(t[0]), default=("none", ""))


def _activation_of_timer(
    spec: Spec, seen: Observed, changes: tuple[Change, ...]
) -> tuple[str, str]:
    """A job takes up what has changed by itself, at its next turn. Only its turns are new."""
    if any(change.path == spec.timer_path for change in changes):
        return "restart", f"{spec.timer_path} changes"
    if seen.transaction:
        return seen.transaction["activation"], "an earlier run did not finish"
    return "none", ""


def _trigger(change: Change, record: State | None) -> str:
    """A removed path triggers what its change would have triggered."""
    entry = change.after or (record.entries.get(change.path) if record else None)
    return entry.on_change if entry else "none"


def _uses_reload(wanted: State) -> bool:
    return any(entry.on_change == "reload" for entry in wanted.entries.values())


def _repaired(spec: Spec, wanted: State, seen: Observed) -> tuple[str, ...]:
    """What somebody else changed since the last good run."""
    if seen.record is None or seen.transaction is not None:
        return ()
    found = []
    for path, entry in sorted(seen.record.entries.items()):
        actual = seen.actual.get(path)
        if not entry.same(actual):
            found.append(f"{path} was {_drift(entry, actual)}")
    if seen.release_fault and seen.record.version == wanted.version:
        found.append(f"the release {wanted.version}: {seen.release_fault}")
    if not seen.status.running:
        found.append(f"{spec.main_unit} was {seen.status.active} ({seen.status.result})")
    elif not spec.timer and seen.process_state != seen.record.activation:
        found.append(f"{spec.unit_name} was not running the recorded state")
    if not seen.status.enabled:
        found.append(f"{spec.main_unit} was not enabled")
    return tuple(found)


def _drift(entry: Entry, actual: Entry | None) -> str:
    if actual is None:
        return "removed"
    if (entry.digest, entry.target) != (actual.digest, actual.target):
        return "edited" if not entry.is_link else "pointed elsewhere"
    return (
        f"given another mode or owner ({actual.mode:04o} {actual.owner}:{actual.group}, "
        f"wanted {entry.mode:04o} {entry.owner}:{entry.group})"
    )
