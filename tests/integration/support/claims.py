# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests claim about a deployment, in words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from integration.support import snapshot
from integration.support.fake import Fake
from integration.support.host import Host, Result

# An account once made stays: systemd-sysusers never removes one, and files may belong to it.
ACCOUNTS = re.compile(r"/etc/(passwd|group|shadow|gshadow)-?|/etc/\.pwd\.lock")


def replaced(before: snapshot.Picture, after: snapshot.Picture, *ignored: str) -> dict[str, Any]:
    """Tell what differs, accounts and the named paths (with what is below them) aside."""
    return {
        path: pair
        for path, pair in before.differences(after).items()
        if not ACCOUNTS.fullmatch(path)
        and not any(path == name or path.startswith(f"{name}/") for name in ignored)
    }


@contextmanager
def untouched(fake: Fake) -> Iterator[None]:
    """Claim that the service runs on, the very same process, and that no file changed."""
    pid, before = fake.pid, snapshot.take(fake.host, times=False)
    assert pid, f"{fake.unit} does not run"
    yield
    changes = replaced(before, snapshot.take(fake.host, times=False))
    assert not changes, f"files changed: {changes}"
    assert fake.pid == pid, "the process is another one"
    assert fake.healthy(), "the service is not well"


def refused(fake: Fake, args: Mapping[str, Any], *patterns: str) -> Result:
    """Claim that a run is refused with a message that matches, and leaves the running service alone."""
    with untouched(fake):
        result = fake.refuse(args)
    assert not result.get("rolled_back"), str(result)
    for pattern in patterns:
        assert re.search(pattern, result.msg), f"{pattern!r} is not in: {result.msg}"
    return result


@contextmanager
def nothing_written(host: Host, *ignored: str) -> Iterator[None]:
    """Claim that no path of the host changes, not even its time stamp."""
    before = snapshot.take(host)
    yield
    differences = before.differences(snapshot.take(host))
    written = {path: pair for path, pair in differences.items() if path not in ignored}
    assert not written, f"written: {written}"


def converged(fake: Fake, args: Mapping[str, Any]) -> None:
    """Claim that a further run finds nothing to do."""
    result = fake.apply(args)
    assert not result.changed, str(result)
    assert fake.healthy()
