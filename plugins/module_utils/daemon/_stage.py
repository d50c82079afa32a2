# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The staged set: what would be live, complete, in a place of its own, and judged there."""

from __future__ import annotations

import os
import posixpath
import re

from . import _files, _tree, _unit
from ._desired import Desired
from ._errors import DaemonError
from ._host import Host
from ._plan import Plan
from ._spec import Check, Spec
from ._state import Entry
from ._systemd import Status

_READABLE = 'for path; do test -r "$path" || printf "%s\\n" "$path"; done'


def build(spec: Spec, wanted: Desired, plan: Plan, stage: str) -> str:
    """Lay out the configuration directory as it would be: files of others, plus ours, less pruned.

    Returns the staged directory.
    """
    top = posixpath.join(stage, "config")
    if os.path.isdir(spec.config_directory):
        _tree.copy(spec.config_directory, top)
    else:
        os.makedirs(top)
        os.chmod(top, 0o755)
    for change in plan.changes:
        inside = posixpath.relpath(change.path, spec.config_directory)
        if inside.startswith("../"):
            continue
        path = _tree.place(spec.config_directory, top, inside)
        _files.remove(path)
        if change.after is not None and change.path in wanted.state.entries:
            make_directories(spec, path, change.after)
            _files.put(path, change.after, wanted.contents.get(change.after.digest, b""))
    return top


def make_directories(spec: Spec, path: str, entry: Entry) -> None:
    """Make the missing directories above path; those of secrets are closed to others."""
    closed = entry.secret and posixpath.dirname(path) != spec.config_directory
    mode, group = (0o750, spec.account.group) if closed else (0o755, "root")
    _files.make_parents(path, mode, "root", group)


def verify_unit(spec: Spec, wanted: Desired, host: Host, stage: str) -> list[str]:
    """Let systemd judge the staged unit, with the staged release's binaries."""
    release = spec.release_directory
    text = _unit.render(spec, wanted.state.activation, release)
    path = posixpath.join(stage, spec.unit_name)
    _files.write(path, text.encode(), 0o644)
    faults = [f"{spec.unit_path}: {line}" for line in host.systemd.verify(path)]
    if spec.timer:
        # Beside it, so that the timer finds what it starts.
        path = posixpath.join(stage, spec.timer_name)
        _files.write(path, _unit.render_timer(spec).encode(), 0o644)
        faults += [f"{spec.timer_path}: {line}" for line in host.systemd.verify(path)]
    return faults


def check(
    spec: Spec, host: Host, staged: str, status: Status, starts: bool, faults: list[str]
) -> None:
    """Everything that can be known before anything is replaced; all faults in one error.

    faults: those found already.
    """
    if spec.requires:
        faults += _unreadable(spec, host, staged)
    said: set[str] = set()
    for one in spec.checks:
        faults += _run(spec, host, staged, one, said)
    if starts:
        faults += host.foreign_holders(spec.health, status)
    if faults:
        raise DaemonError("; ".join(faults) if len(faults) == 1 else _numbered(faults))


def _numbered(faults: list[str]) -> str:
    return "\n".join(f"{number}. {fault}" for number, fault in enumerate(faults, 1))


def _unreadable(spec: Spec, host: Host, staged: str) -> list[str]:
    paths = [
        posixpath.join(spec.config_directory, spec.expand(p, spec.release_directory))
        for p in spec.requires
    ]
    code, output = _as_daemon(spec, host, staged, ("/bin/sh", "-c", _READABLE, "sh", *paths))
    if code != 0:
        return [f"testing the required files failed (exit {code}): {output}"]
    user = spec.account.user
    return [f"{path} is missing or not readable by the user {user}" for path in output.splitlines()]


def _run(spec: Spec, host: Host, staged: str, check: Check, said: set[str]) -> list[str]:
    """Let one checker judge. Words that an earlier one has said too are not repeated."""
    argv = tuple(spec.expand(arg, spec.release_directory) for arg in check.argv)
    code, output = _as_daemon(spec, host, staged, argv)
    command = check.name or " ".join((posixpath.basename(argv[0]), *argv[1:]))
    match = re.search(check.refuse, output) if check.refuse else None
    if (code == 0 and not match) or output in said:
        return []
    if output:
        said.add(output)
    how = f"reports {match.group()!r}" if match and code == 0 else f"refuses it (exit {code})"
    return [f"{command} {how}: {output}"]


def _as_daemon(spec: Spec, host: Host, staged: str, argv: tuple[str, ...]) -> tuple[int, str]:
    return host.systemd.run_as(
        argv,
        spec.account.user,
        spec.account.group,
        binds={spec.config_directory: staged},
        directory=spec.config_directory,
        environment=spec.environment,
    )
