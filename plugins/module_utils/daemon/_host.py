# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run needs of its host, bundled so that unit tests can bring a host of their own."""

from __future__ import annotations

import grp
import platform
import pwd
import secrets
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from . import _api, _files, _health, _plan, _release
from ._health import Baseline
from ._sockets import Listener
from ._spec import Account, FileSpec, Health, Resource, Spec
from ._state import Entry, State
from ._store import Store
from ._systemd import Status, Systemd, process_variable
from ._unit import STATE_VARIABLE

_ALPHABET = string.ascii_letters + string.digits  # survives every configuration syntax


def has_account(user: str) -> bool:
    """Whether the host knows the user."""
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True


def has_group(group: str) -> bool:
    """Whether the host knows the group."""
    try:
        grp.getgrnam(group)
    except KeyError:
        return False
    return True


def group_is_empty(group: str) -> bool:
    """Whether no account has the group, neither as its first one nor as another."""
    found = grp.getgrnam(group)
    return not found.gr_mem and all(user.pw_gid != found.gr_gid for user in pwd.getpwall())


def owns_account(account: Account) -> bool:
    """Whether the user looks as sysusers made it for us: a database's own user does not."""
    try:
        found = pwd.getpwnam(account.user)
    except KeyError:
        return False
    return (found.pw_gecos, found.pw_dir) == (account.gecos, account.home)


@dataclass(frozen=True)
class Host:
    """The host's side: systemd, downloads, probes, /proc."""

    open_url: _release.Opener
    systemd: Systemd = field(default_factory=Systemd)
    machine: str = field(default_factory=platform.machine)
    probe: Callable[[Health, Baseline | None], _health.Report] = _health.probe
    foreign_holders: Callable[..., list[str]] = _health.foreign_holders
    unowned: Callable[..., list[str]] = _health.unowned
    held: Callable[[Status], list[Listener]] = _health.held
    certificate_end: Callable[[str, Health], float] = _health.certificate_end
    due: Callable[[Resource, Health], bool | None] = _api.due
    settle: Callable[[Resource, Health], bool] = _api.settle
    process_variable: Callable[[int, str], str] = process_variable
    has_account: Callable[[str], bool] = has_account
    has_group: Callable[[str], bool] = has_group
    group_is_empty: Callable[[str], bool] = group_is_empty
    owns_account: Callable[[Account], bool] = owns_account


@dataclass(frozen=True)
class Observation:
    """The host as it is, with the contents that a diff shows."""

    seen: _plan.Observed
    contents: Mapping[str, bytes]


def observe(spec: Spec, wanted: State, host: Host, store: Store) -> Observation:
    """Look at every path that this run is answerable for, and ask systemd once."""
    record, transaction = store.record(), store.transaction()
    actual: dict[str, Entry | None] = {}
    contents: dict[str, bytes] = {}
    for path in _plan.paths(wanted, record, transaction):
        if path not in wanted.entries and _files.is_directory(path):
            # Where a file of ours was, there is a directory now: ours is gone.
            actual[path], contents[path] = None, b""
        else:
            actual[path], contents[path] = _files.read(path)
    status = host.systemd.status(spec.main_unit)
    running = status.main_pid if status.running else 0
    seen = _plan.Observed(
        actual=actual,
        record=record,
        transaction=transaction,
        status=status,
        process_state=host.process_variable(running, STATE_VARIABLE) if running else "",
        release_fault=_release_fault(spec, host),
        account_missing=not host.has_account(spec.account.user),
        untold=_untold(spec, host, record, status.running),
    )
    return Observation(seen, contents)


def _untold(spec: Spec, host: Host, record: State | None, running: bool) -> tuple[str, ...]:
    """What a daemon that runs does not know; one that never ran knows nothing."""
    if not running:
        return () if record else tuple(one.name for one in spec.api)
    return tuple(one.name for one in spec.api if host.due(one, spec.health))


def _release_fault(spec: Spec, host: Host) -> str:
    return (_release.fault(spec.release, host.machine) or "") if spec.release else ""


def generated(spec: Spec, store: Store) -> dict[str, bytes]:
    """The secrets that the host makes: as they are, as they were kept, or new."""
    record = store.record()
    return {f.path: _generated(f, record, store) for f in spec.files if f.content is None}


def _generated(file: FileSpec, record: State | None, store: Store) -> bytes:
    kept = record.entries.get(file.path) if record else None
    known = kept is not None and store.has(kept.digest)
    entry, content = _files.read(file.path)
    # The key to the data is what was recorded, whatever somebody has made of the file.
    if entry and content.strip() and not (file.fixed and known):
        return content
    if kept and known:
        return store.get(kept.digest)
    return "".join(secrets.choice(_ALPHABET) for _letter in range(file.length)).encode()
