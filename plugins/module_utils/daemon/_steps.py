# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The product's own preparatory commands."""

from __future__ import annotations

import posixpath

from . import _files
from ._errors import DaemonError
from ._host import Host
from ._spec import Prepare, Spec
from ._store import Store


def run(spec: Spec, host: Host, store: Store, step: Prepare, release: str) -> None:
    """Run a step; release: the directory that {release} stands for.

    It holds the lock, too: where it outlives a run that is killed, the next one waits for it.
    """
    if step.user == spec.account.user and step.user:
        # Before the first start systemd has not made it yet.
        directory = posixpath.join(spec.data_directory, ".")
        _files.make_parents(directory, 0o750, spec.account.user, spec.account.group)
    stdin = step.stdin
    if step.stdin_file:
        with open(step.stdin_file, encoding="utf-8") as file:
            stdin = file.read()
    argv = [spec.expand(arg, release) for arg in step.argv]
    code, output = host.systemd.run(argv, stdin, step.user, store.held)
    if code != 0:
        raise DaemonError(f"prepare {step.name!r} failed (exit {code}): {output}")
