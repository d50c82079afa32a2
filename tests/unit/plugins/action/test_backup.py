# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller chooses an archive, and takes one for fetched when it is whole."""

from __future__ import annotations

import hashlib
import os
import posixpath
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure
from ansible_collections.barehost.monitoring.plugins.action.backup import (
    ActionModule,
    _archive,
    _prune,
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


def test_a_connection_that_is_lost_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(self: Connection, _remote: str, local: str) -> None:
        Path(local).write_bytes(b"wh")
        raise AnsibleConnectionFailure("unreachable")

    monkeypatch.setattr(Connection, "fetch_file", lost)
    target = tmp_path / "monitor/prometheus/x.tar"
    with pytest.raises(AnsibleConnectionFailure):
        fetched(target, b"")
    assert list(target.parent.iterdir()) == []


def test_what_does_not_is_no_archive(tmp_path: Path) -> None:
    target = tmp_path / "monitor/prometheus/x.tar"
    with pytest.raises(AnsibleActionFail, match="what arrived is not what was sent"):
        fetched(target, b"who")
    assert list(target.parent.iterdir()) == []


ARCHIVES = [f"2026112{day}T000000Z.tar" for day in range(6)]
OTHERS = ["20261120T000000Z.tar.gpg", "20261120T000000Z.tar.sha256", "notes", "x.tar"]


@pytest.mark.parametrize(("keep", "left"), [(0, 6), (1, 1), (2, 2), (6, 6), (9, 6)])
def test_the_newest_archives_stay_and_what_is_not_ours(
    tmp_path: Path, keep: int, left: int
) -> None:
    for name in (*ARCHIVES, *OTHERS):
        (tmp_path / name).write_text(name)
    removed = _prune(tmp_path, keep)
    assert [path.name for path in removed] == ARCHIVES[: 6 - left]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        [*ARCHIVES[6 - left :], *OTHERS]
    )


def test_what_fetches_left_that_were_killed_goes_when_nobody_fetches_any_more(
    tmp_path: Path,
) -> None:
    old, new = (tmp_path / f".{name}.partial" for name in ARCHIVES[:2])
    for path in (old, new, tmp_path / "mine.partial"):
        path.write_text("half")
        os.utime(path, (time.time(), time.time() - (0 if path == new else 2 * 86400)))
    _prune(tmp_path, 1)
    assert sorted(path.name for path in tmp_path.iterdir()) == [new.name, "mine.partial"]


@pytest.mark.parametrize(
    ("given", "left"),
    [
        ({}, 3),
        ({"keep": 2}, 2),
        ({"keep": 2, "fetch_keep": 4}, 4),
        ({"keep": 1, "fetch_keep": 0}, 7),
    ],
)
def test_as_many_stay_on_the_controller_as_on_the_host_unless_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: dict[str, Any], left: int
) -> None:
    folder = tmp_path / "monitor/prometheus"
    folder.mkdir(parents=True)
    for name in ARCHIVES:
        (folder / name).write_text(name)
    monkeypatch.setattr(ActionModule, "_fetch", lambda _action, _remote, to, _sum: to.touch())
    answer = {"backup": NEW, "archive_sha256": "", "actions": ["copy"]}
    _action, result = acted({"state": "saved", "fetch": str(tmp_path), **given}, answer)
    assert len(list(folder.iterdir())) == left and (folder / f"{NEW}.tar").exists()
    assert result["actions"] == [
        "copy",
        *(f"remove {folder / name} on the controller" for name in ARCHIVES[: 7 - left]),
    ]


# -- with the module --------------------------------------------------------------


class Action(ActionModule):  # type: ignore[misc]  # ansible-core is not typed
    """The controller's side, with a module and a host that only note what they are told."""

    def __init__(self, arguments: dict[str, Any], answer: dict[str, Any], check_mode: bool) -> None:
        shell = SimpleNamespace(tmpdir=None, join_path=posixpath.join)
        self._connection = SimpleNamespace(_shell=shell)
        self._task = SimpleNamespace(
            args=arguments, check_mode=check_mode, async_val=0, diff=False, environment=[]
        )
        self.answer, self.there, self.given = answer, set[str](), dict[str, Any]()

    def _make_tmp_path(self, remote_user: str | None = None) -> str:
        self._connection._shell.tmpdir = "/home/me/.ansible/tmp/ansible-tmp-1"
        self.there.add(self._connection._shell.tmpdir)
        return str(self._connection._shell.tmpdir)

    def _transfer_file(self, local_path: str, remote_path: str) -> str:
        self.there.add(remote_path)
        return remote_path

    def _execute_module(self, module_args: Any = None, **_given: Any) -> dict[str, Any]:
        self.given = module_args
        return dict(self.answer)

    def _remove_tmp_path(self, tmp_path: str | None, force: bool = False) -> None:
        self.there = {path for path in self.there if not tmp_path or not path.startswith(tmp_path)}


def acted(
    arguments: dict[str, Any], answer: dict[str, Any], check_mode: bool = False
) -> tuple[Action, dict[str, Any]]:
    """Run the action for the host `monitor`."""
    action = Action({"name": "prometheus", **arguments}, answer, check_mode)
    return action, action.run(task_vars={"inventory_hostname": "monitor"})


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize("answer", [{"changed": True}, {"failed": True}])
def test_what_was_brought_to_the_host_goes_away(
    folder: Path, check_mode: bool, answer: dict[str, Any]
) -> None:
    arguments = {"state": "restored", "source": str(folder)}
    action, _result = acted(arguments, answer, check_mode)
    assert action.given["archive"].endswith("/barehost-backup.tar")
    assert action.there == set()


@pytest.mark.parametrize("directory", ["backups", "./backups", ""])
def test_a_relative_directory_is_refused_before_anything_is_brought(
    folder: Path, directory: str
) -> None:
    arguments = {"state": "restored", "source": str(folder), "directory": directory}
    action = Action({"name": "prometheus", **arguments}, {}, False)
    with pytest.raises(AnsibleActionFail, match="is no absolute path.*on monitor"):
        action.run(task_vars={"inventory_hostname": "monitor"})
    assert (action.given, action.there) == ({}, set())


@pytest.mark.parametrize("state", ["saved", "restored"])
def test_an_agent_needs_no_archive(tmp_path: Path, state: str) -> None:
    elsewhere = {"fetch": str(tmp_path / "kept"), "source": str(tmp_path / "none")}
    arguments = {"state": state, **elsewhere, "prometheus": {"agent": True}}
    action, result = acted(arguments, {"skipped": True})
    assert "archive" not in action.given and result["skipped"]
    assert not (tmp_path / "kept").exists()
