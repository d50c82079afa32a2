# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller chooses an archive, and takes one for fetched when it is whole."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail
from ansible_collections.barehost.monitoring.plugins.action.backup import (
    ActionModule,
    _archive,
)

OLD, NEW = "20261125T000000Z", "20261126T000000Z"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a directory with two backups of one host."""
    for name in (OLD, NEW):
        path = tmp_path / f"monitor/prometheus/{name}.tar"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path


@pytest.mark.parametrize(("wanted", "chosen"), [("", NEW), (None, NEW), (OLD, OLD)])
def test_the_newest_is_chosen_or_the_wanted_one(
    folder: Path, wanted: str | None, chosen: str
) -> None:
    arguments = {"name": "prometheus", "backup": wanted}
    assert _archive(str(folder), "monitor", arguments).read_text() == chosen


@pytest.mark.parametrize(
    ("host", "wanted", "said"),
    [
        ("fresh", "", "another host than fresh are restored with -e barehost_restore_origin=HOST"),
        ("monitor", "x", f"there is no backup x in .*; there are: {OLD}, {NEW}"),
    ],
)
def test_what_is_not_there_is_told(folder: Path, host: str, wanted: str, said: str) -> None:
    with pytest.raises(AnsibleActionFail, match=said):
        _archive(str(folder), host, {"name": "prometheus", "backup": wanted})


class Connection:
    """Brings a file that everybody may read, whole or not."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def fetch_file(self, _remote: str, local: str) -> None:
        """Fetch."""
        Path(local).write_bytes(self.content)
        Path(local).chmod(0o644)


def fetched(target: Path, arrives: bytes) -> None:
    """Fetch what was sent as b"whole"."""
    action: Any = ActionModule.__new__(ActionModule)
    action._connection = Connection(arrives)
    action._fetch("/tmp/backup.tar", target, hashlib.sha256(b"whole").hexdigest())


def test_what_arrives_whole_is_for_its_owner_alone(tmp_path: Path) -> None:
    target = tmp_path / "monitor/prometheus/x.tar"
    fetched(target, b"whole")
    assert target.read_bytes() == b"whole"
    assert target.stat().st_mode & 0o077 == target.parent.stat().st_mode & 0o077 == 0


def test_what_does_not_is_no_archive(tmp_path: Path) -> None:
    target = tmp_path / "monitor/prometheus/x.tar"
    with pytest.raises(AnsibleActionFail, match="what arrived is not what was sent"):
        fetched(target, b"who")
    assert list(target.parent.iterdir()) == []
