# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What takes another's place gives it back, wherever the exchange is cut off."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.barehost.monitoring.plugins.module_utils.backup import _swap
from ansible_collections.barehost.monitoring.plugins.module_utils.backup._swap import (
    Swap,
    unfinished,
)
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._errors import DaemonError

OWNER = (os.getuid(), os.getgid())
OLD = {"wal": "old", "block": "old", "queries": "mine"}
NEW = {"wal": "new", "chunks": "new", "queries": "mine"}


class Cut(Exception):
    """The run is killed."""


def planned(folder: Path) -> Swap:
    """An exchange of three names in a directory, of which one is only new and one only old."""
    data = folder / "data"
    data.mkdir()
    for name, text in OLD.items():
        (data / name).write_text(text)
    swap = Swap(str(folder / "note"))
    place = Path(swap.work(str(data), OWNER))
    (place / "wal").write_text("new")
    (place / "chunks").write_text("new")
    swap.plan(str(data), "wal|block.*|chunks")
    return swap


def content(folder: Path) -> dict[str, str]:
    """The files that count."""
    return {path.name: path.read_text() for path in (folder / "data").iterdir() if path.is_file()}


@contextlib.contextmanager
def killed_at(number: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Rename as ever, but only so many times; then the run is killed."""
    rename, done = os.rename, [0]

    def counted(source: str, target: str) -> None:
        if done[0] == number:
            raise Cut
        done[0] += 1
        rename(source, target)

    with monkeypatch.context() as patched, contextlib.suppress(Cut):
        patched.setattr(_swap.os, "rename", counted)
        yield


def test_an_exchange_that_is_done_leaves_nothing_behind(tmp_path: Path) -> None:
    swap = planned(tmp_path)
    swap.exchange()
    swap.forget()
    assert content(tmp_path) == NEW
    assert sorted(os.listdir(tmp_path)) == ["data"]
    assert not (tmp_path / "data" / _swap.WORK).exists()


def test_an_exchange_that_is_taken_back_leaves_nothing_behind(tmp_path: Path) -> None:
    swap = planned(tmp_path)
    swap.exchange()
    swap.back(keep=True)
    assert content(tmp_path) == OLD
    assert sorted(os.listdir(tmp_path)) == ["data"]


@pytest.mark.parametrize("first", range(5))
@pytest.mark.parametrize("second", range(5))
def test_cut_off_anywhere_the_next_run_takes_it_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: int, second: int
) -> None:
    """Also when the way back is cut off as well."""
    swap = planned(tmp_path)
    with killed_at(first, monkeypatch):
        swap.exchange()
    with killed_at(second, monkeypatch):
        (unfinished(swap.note) or swap).back(keep=True)
    again = unfinished(swap.note)
    if again:
        again.back(keep=True)
    assert content(tmp_path) == OLD
    assert unfinished(swap.note) is None


def kept(folder: Path) -> dict[str, str]:
    """The files that were kept aside."""
    places = (folder / "data").glob(f"{_swap.KEPT}*")
    return {path.name: path.read_text() for place in places for path in place.iterdir()}


def test_what_comes_into_the_directory_before_the_daemon_stands_leaves_with_the_rest(
    tmp_path: Path,
) -> None:
    swap = planned(tmp_path)
    (tmp_path / "data/block2").write_text("old")
    swap.exchange()
    assert content(tmp_path) == NEW
    swap.back(keep=True)
    assert content(tmp_path) == {**OLD, "block2": "old"}


@pytest.mark.parametrize("first", range(5))
@pytest.mark.parametrize("second", range(12))
@pytest.mark.parametrize("appends", [False, True])
def test_what_a_daemon_wrote_in_between_is_kept_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: int, second: int, appends: bool
) -> None:
    """The host came up again, and started the daemon with what lay there; wherever it is cut off."""
    swap = planned(tmp_path)
    with killed_at(first, monkeypatch):
        swap.exchange()
    there = content(tmp_path)
    for name in ("wal", "chunks", "block1"):
        path = tmp_path / "data" / name
        if appends or not path.exists():
            path.write_text(f"{there.get(name, '')} written since")
    written = {n: t for n, t in content(tmp_path).items() if "written since" in t}
    with killed_at(second, monkeypatch):
        again = unfinished(swap.note)
        assert again
        again.back(keep=True)
    again = unfinished(swap.note)
    if again:
        told = again.back(keep=True)
        assert told == [str(path) for path in (tmp_path / "data").glob(f"{_swap.KEPT}*")]
    before = dict(OLD)
    if first == 0:  # nothing had moved: all is its own
        before.update(written)
    elif first == 1 and "wal" in written:  # only the block had moved
        before["wal"] = written["wal"]
    assert content(tmp_path) == before
    assert kept(tmp_path) == {n: t for n, t in written.items() if before.get(n) != t}
    assert not (tmp_path / "data" / _swap.WORK).exists()


@pytest.mark.parametrize("second", range(6))
def test_what_a_daemon_removed_in_between_is_not_mistaken_for_the_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, second: int
) -> None:
    swap = planned(tmp_path)
    (tmp_path / "data" / _swap.WORK / "new/block").write_text("new")
    swap.exchange()
    (tmp_path / "data/block").unlink()
    with killed_at(second, monkeypatch):
        swap.back(keep=True)
    again = unfinished(swap.note)
    if again:
        again.back(keep=True)
    assert content(tmp_path) == OLD
    assert kept(tmp_path) == {}


def test_what_nobody_wrote_to_is_not_kept(tmp_path: Path) -> None:
    """It is in the backup."""
    swap = planned(tmp_path)
    swap.exchange()
    again = unfinished(swap.note)
    assert again and again.back(keep=True) == []
    assert sorted(os.listdir(tmp_path / "data")) == sorted(OLD)


def test_what_was_moved_aside_is_not_removed_when_the_note_of_it_is_gone(tmp_path: Path) -> None:
    swap = planned(tmp_path)
    swap.exchange()
    (tmp_path / "note").unlink()  # the daemon was uninstalled in between, and its data stayed
    again = Swap(str(tmp_path / "note"))
    again.work(str(tmp_path / "data"), OWNER)
    (place,) = again.found
    assert kept(tmp_path) == {"wal": "old", "block": "old"}
    assert Path(place).parent == tmp_path / "data"
    again.forget()
    assert kept(tmp_path) == {"wal": "old", "block": "old"}


def test_a_removal_that_is_cut_off_is_not_mistaken_for_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    swap = planned(tmp_path)
    swap.exchange()
    with monkeypatch.context() as patched:
        patched.setattr(_swap.shutil, "rmtree", lambda *_given, **_more: None)  # killed
        swap.forget()
    again = Swap(swap.note)
    again.work(str(tmp_path / "data"), OWNER)
    again.forget()
    assert again.found == [] and kept(tmp_path) == {}
    assert sorted(os.listdir(tmp_path / "data")) == sorted(NEW)


@pytest.mark.parametrize("all_of_it", [False, True])
def test_what_was_removed_by_hand_is_given_up_and_the_rest_is_taken_back(
    tmp_path: Path, all_of_it: bool
) -> None:
    swap = planned(tmp_path)
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "key").write_text("old")
    Path(swap.work(str(secrets), OWNER), "key").write_text("new")
    swap.exchange()
    shutil.rmtree(tmp_path / "data" if all_of_it else tmp_path / "data" / _swap.WORK)
    again = unfinished(swap.note)
    assert again and again.drop_lost() == [str(tmp_path / "data" / _swap.WORK)]
    assert again.back(keep=True) == []
    assert (secrets / "key").read_text() == "old"
    assert all_of_it or content(tmp_path) == NEW
    assert unfinished(swap.note) is None


def test_a_note_that_cannot_be_read_says_where_the_old_data_is(tmp_path: Path) -> None:
    for text in ("", "{", "[]", '{"moves": 1}'):
        (tmp_path / "note").write_text(text)
        with pytest.raises(
            DaemonError, match=rf"{tmp_path}/note is damaged.*\.barehost-restore/old"
        ):
            unfinished(str(tmp_path / "note"))
