# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Removing a daemon: everything that was deployed, and with purge its data and its account."""

from __future__ import annotations

import os
import posixpath
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from . import _files, _made, _release, _versions
from ._errors import DaemonError
from ._host import Host
from ._spec import Spec
from ._state import Entry, State
from ._store import Store
from ._systemd import Status
from ._transaction import Failure
from ._unit import directives

# Directories that systemd made for the unit; they hold data, so they go with purge only.
_DIRECTORIES = {"StateDirectory": "", "CacheDirectory": "/var/cache", "LogsDirectory": "/var/log"}


@dataclass(frozen=True)
class Removal:
    """What is there to remove."""

    paths: tuple[str, ...]
    restored: Mapping[str, Entry]
    stop: bool
    data: tuple[str, ...]
    account: str
    store: bool
    releases: tuple[tuple[_release.ReleaseSpec, str], ...] = ()  # each with a version of it
    timer: bool = False  # it was deployed as a job

    @property
    def actions(self) -> tuple[str, ...]:
        """In words."""
        found = ["stop and disable the unit"] if self.stop else []
        versions = [posixpath.join(r.root, r.name, version) for r, version in self.releases]
        found += [f"remove {path}" for path in (*self.paths, *self.data, *versions)]
        found += [f"restore {path}" for path in sorted(self.restored)]
        found += [f"remove the account {self.account}"] if self.account else []
        return tuple(found + (["forget the deployed state"] if self.store else []))


def remove(spec: Spec, host: Host, purge: bool, check_mode: bool, lock_timeout: float) -> Removal:
    """Remove the daemon; returns what was (in check mode: would be) removed."""
    store = Store(posixpath.join(spec.layout.state, spec.name))
    host.systemd.preflight()
    exists = os.path.isdir(store.directory)
    with store.locked(lock_timeout, create=exists and not check_mode):
        if store.unreadable():
            raise DaemonError(
                f"{store.directory}/record.json can not be read, so it is not known what was "
                f"deployed. Deploy {spec.name} once more, which writes it anew, then remove it"
            )
        if not purge:
            _refuse_cut_off(spec, store)
        record, transaction = store.record(), store.transaction()
        status = host.systemd.status(spec.unit_name)
        removal = _plan(spec, host, record, transaction, status, purge, exists)
        if not check_mode and removal.actions:
            try:
                _carry_out(spec, host, removal, store)
            except (DaemonError, _release.ReleaseError, OSError) as exc:
                text = f"{exc}. What was removed before that is gone; run again to remove the rest"
                raise Failure(text, "remove", False, []) from exc
    return removal


def _refuse_cut_off(spec: Spec, store: Store) -> None:
    """Data that stays would stay half restored: the note says where the rest of it is."""
    if os.path.exists(store.restore_note):
        raise DaemonError(
            f"a restore of {spec.name} was cut off here, and its data from before is still kept aside, "
            f"as {store.restore_note} says. Run restore.yml again, which takes it back or finishes, then remove it; "
            "or remove it with its data (purge). Nothing was touched"
        )


def _plan(
    spec: Spec,
    host: Host,
    record: State | None,
    transaction: Mapping[str, Any] | None,
    status: Status,
    purge: bool,
    exists: bool,
) -> Removal:
    entries = record.entries if record else {}
    before: Mapping[str, Entry | None] = transaction["before"] if transaction else {}
    # What a run that did not finish has replaced, and nobody of us had written.
    foreign = {path: entry for path, entry in before.items() if entry and path not in entries}
    kept = _keys(spec, entries)
    paths = {*entries, *before} - {*foreign, *kept} | (kept | _stamps(spec) if purge else set())
    data = [path for path in _data(spec) if _holds(path)] if purge else []
    alone = spec.account.user != "root" and not _account_shared(spec)
    account = spec.account.user if purge and alone and host.owns_account(spec.account) else ""
    ours = record is not None or bool(before)
    found = tuple(sorted(path for path in paths if os.path.lexists(path)))
    return Removal(
        paths=found,
        restored={
            path: entry
            for path, entry in foreign.items()
            if path not in paths and not entry.same(_files.look(path))
        },
        stop=ours and status.load not in ("", "not-found"),
        data=tuple(data),
        account=account,
        store=exists,
        releases=tuple(
            (release, version)
            for release in _releases(spec, record)
            for version in _versions.unused(spec.layout, release, spec.name, found)
        ),
        timer=spec.timer_path in {*entries, *before},
    )


def _keys(spec: Spec, entries: Mapping[str, Entry]) -> set[str]:
    """What belongs to the data and stays with it.

    The account's description names its owner; a secret that was made here, or a store that a
    command of the product wrote, may be the key to it.
    """
    made = {file.path for file in spec.files if file.content is None}
    made |= {path for path, entry in entries.items() if entry.generated}
    return {spec.sysusers_path, *made, *(path for step in spec.prepare for path in step.touches)}


def _stamps(spec: Spec) -> set[str]:
    """Where systemd remembers when the timer has fired (Persistent=)."""
    name = f"systemd/timers/stamp-{spec.timer_name}"
    return {posixpath.join(spec.layout.data, name)} if spec.timer else set()


def _holds(path: str) -> bool:
    """Whether there is a directory to remove; one that is a file system can only be emptied."""
    return os.path.isdir(path) and bool(os.listdir(path) or not os.path.ismount(path))


def _data(spec: Spec) -> list[str]:
    """The directories that systemd made for the unit."""
    found = [spec.data_directory]
    for directive, root in _DIRECTORIES.items():
        for name in directives(spec.unit, directive):
            found.append(posixpath.join(root or spec.layout.data, name))
    # One inside another goes with it.
    return [path for path in dict.fromkeys(found) if not any(_below(path, o) for o in found)]


def _below(path: str, directory: str) -> bool:
    return path.startswith(f"{directory}/")


def _account_shared(spec: Spec) -> bool:
    """Whether another daemon of ours runs as the same user."""
    needle = f"u {spec.account.user} "
    with suppress(FileNotFoundError):
        for name in os.listdir(spec.layout.sysusers):
            path = posixpath.join(spec.layout.sysusers, name)
            if name.startswith("barehost-") and path != spec.sysusers_path:
                with open(path, encoding="utf-8") as file:
                    if any(line.startswith(needle) for line in file):
                        return True
    return False


def _carry_out(spec: Spec, host: Host, removal: Removal, store: Store) -> None:
    if removal.stop:
        unit = spec.timer_name if removal.timer else spec.unit_name
        host.systemd.control("disable", "--quiet", "--now", "--", unit)
        if removal.timer:
            host.systemd.control("stop", "--", spec.unit_name)
        if host.systemd.status(spec.unit_name).active == "failed":
            host.systemd.control("reset-failed", "--", spec.unit_name)
    for path in removal.paths:
        _files.remove(path)
        _files.remove_empty_parents(path, spec.config_directory)
    for path, entry in removal.restored.items():
        _files.put(path, entry, b"" if entry.is_link else store.parts(entry.digest))
    if removal.stop:
        host.systemd.control("daemon-reload")
    for path in removal.data:
        _remove_tree(path)
    with suppress(OSError):
        os.rmdir(spec.config_directory)
    if removal.account:
        _remove_account(host, removal.account)
        _remove_groups(spec, host)
    for release, version in removal.releases:
        _release.remove(release, version)
    _made.remove_empty_directories(spec.layout.state)
    store.remove()


def _releases(spec: Spec, record: State | None) -> list[_release.ReleaseSpec]:
    """The release of the task, or what the record knows of it when the task names none."""
    if spec.release or record is None:
        return [spec.release] if spec.release else []
    links = [path for path, entry in record.entries.items() if entry.target == record.version]
    return [
        _release.ReleaseSpec(
            name=posixpath.basename(posixpath.dirname(link)),
            version=record.version,
            url="",
            checksum="",
            format="",
            arch_names={},
            binaries=(),
            strip=0,
            keep=0,
            root=spec.layout.opt,
        )
        for link in links
        if link.startswith(f"{spec.layout.opt}/")
    ]


def _remove_account(host: Host, user: str) -> None:
    code, output = host.systemd.run(["userdel", user], "", "")
    if code != 0:
        raise DaemonError(f"the account {user} can not be removed (exit {code}): {output}")


def _remove_groups(spec: Spec, host: Host) -> None:
    """Remove the groups that were made for the account, unless another one is in them."""
    state = spec.layout.state
    for group in (spec.account.group, *spec.account.groups):
        there = host.has_group(group)  # its user's own one has gone with the user
        if not _made.known(state, "group", group) or (there and not host.group_is_empty(group)):
            continue
        if there:
            code, output = host.systemd.run(["groupdel", group], "", "")
            if code != 0:
                raise DaemonError(f"the group {group} can not be removed (exit {code}): {output}")
        _made.forget(state, "group", group)


def _remove_tree(path: str) -> None:
    """Remove a directory, also when it is a link, or empty it where it is a file system."""
    with os.scandir(path) as found:
        entries = list(found)
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path)
        else:
            os.unlink(entry.path)
    if os.path.islink(path):
        os.unlink(path)
    elif not os.path.ismount(path):
        os.rmdir(path)
