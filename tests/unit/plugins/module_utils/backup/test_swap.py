# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What takes another's place gives it back, wherever the exchange is cut off."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.barehost.monitoring.plugins.module_utils.backup import _swap
from ansible_collections.barehost.monitoring.plugins.module_utils.backup._swap import (
    Swap,
    unfinished,
)

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
    swap.plan(str(data), ["wal", "block"])
    return swap


def content(folder: Path) -> dict[str, str]:
    """The files that count."""
    return {path.name: path.read_text() for path in (folder / "data").iterdir() if path.is_file()}


def killed_at(number: int, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Rename as ever, but only so many times."""
    rename, done = os.rename, [0]

    def counted(source: str, target: str) -> None:
        if done[0] == number:
            raise Cut
        done[0] += 1
        rename(source, target)

    monkeypatch.setattr(_swap.os, "rename", counted)
    return rename


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
    swap.back()
    assert content(tmp_path) == OLD
    assert sorted(os.listdir(tmp_path)) == ["data"]


@pytest.mark.parametrize("first", range(5))
@pytest.mark.parametrize("second", range(5))
def test_cut_off_anywhere_the_next_run_takes_it_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: int, second: int
) -> None:
    """Also when the way back is cut off as well."""
    swap = planned(tmp_path)
    with monkeypatch.context() as patched:
        killed_at(first, patched)
        with contextlib.suppress(Cut):
            swap.exchange()
    with monkeypatch.context() as patched:
        killed_at(second, patched)
        with contextlib.suppress(Cut):
            (unfinished(swap.note) or swap).back()
    again = unfinished(swap.note)
    if again:
        again.back()
    assert content(tmp_path) == OLD
    assert unfinished(swap.note) is None


def test_what_a_daemon_made_in_between_does_not_stand_in_the_way(tmp_path: Path) -> None:
    """Somebody started it while its files were neither here nor there."""
    swap = planned(tmp_path)
    swap.exchange()
    os.rename(tmp_path / "data/wal", swap.moves[-1].new)
    (tmp_path / "data/wal").write_text("made in between")
    swap.back()
    assert content(tmp_path) == OLD
