# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prometheus' files: what is linked, what is copied, and when it is copied again."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.barehost.monitoring.plugins.module_utils.backup import (
    _copies,
    _prometheus,
)
from ansible_collections.barehost.monitoring.plugins.module_utils.backup._manifest import (
    Manifest,
)
from ansible_collections.barehost.monitoring.plugins.module_utils.backup._product import (
    Daemon,
)
from ansible_collections.barehost.monitoring.plugins.module_utils.backup._prometheus import (
    Prometheus,
)
from ansible_collections.barehost.monitoring.plugins.module_utils.backup._swap import Swap
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._errors import DaemonError

BLOCK, OTHER = "01KAZ3VJ8H5QW2N7M4T6R9XCDE", "01KAZ3VJ8H5QW2N7M4T6R9XCDF"


class Server:
    """A Prometheus that says one value to everything."""

    def __init__(self, value: str = "42", later: str | None = None) -> None:
        self.value, self.later = value, value if later is None else later
        self.snapshot: Callable[[], dict[str, Any]] = dict

    def send(self, _method: str, _path: str) -> Any:
        """Make a snapshot."""
        return {"data": self.snapshot()}

    def get(self, _path: str, **_query: str) -> Any:
        """Answer, the next time with what has arrived since."""
        series = [{"metric": {}, "value": [0, self.value]}] if self.value else []
        self.value = self.later
        return {"data": {"result": series}}


def store(folder: Path, *blocks: str, checkpoint: bool = False) -> Path:
    """A data directory."""
    for block in blocks:
        (folder / block / "chunks").mkdir(parents=True)
        (folder / block / "chunks/000001").write_text(block)
        (folder / block / "meta.json").write_text("{}")
    for name in ("wal", "chunks_head"):
        (folder / name).mkdir(parents=True)
    (folder / "wal/00000003").write_text("samples")
    if checkpoint:
        (folder / "wal/checkpoint.00000002").mkdir()
    for name in ("lock", "queries.active"):
        (folder / name).write_text("mine")
    return folder


def product(data: Path, value: str = "42") -> Prometheus:
    """The product on such a directory."""
    return Prometheus(str(data), Server(value), False)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for nothing."""
    monkeypatch.setattr(_prometheus.time, "sleep", lambda _seconds: None)


def test_blocks_are_linked_and_the_rest_is_copied(
    daemon: Callable[..., Daemon], tmp_path: Path
) -> None:
    data, target = store(tmp_path / "data", BLOCK), tmp_path / "target"
    target.mkdir()
    seen = product(data).save(daemon(), str(target), "", "")
    assert (seen["method"], seen["value"]) == ("copy", "42")
    assert sorted(os.listdir(target)) == [BLOCK, "chunks_head", "wal"]
    assert (target / BLOCK / "meta.json").samefile(data / BLOCK / "meta.json")
    assert not (target / "wal/00000003").samefile(data / "wal/00000003")


def cut_log(data: Path) -> None:
    """Prometheus has made a block and needs the beginning of its log no more."""
    (data / "wal/00000003").rename(data / "wal/00000004")


def new_block(data: Path) -> None:
    """It has written a block, and goes on to cut its log."""
    (data / OTHER).mkdir()


def new_checkpoint(data: Path) -> None:
    """It has put what it still needs of its log into another place."""
    (data / "wal/checkpoint.00000002").mkdir()


def block_begun(data: Path) -> None:
    """It is writing a block."""
    (data / f"{OTHER}.tmp-for-creation").mkdir()


@pytest.mark.parametrize("change", [cut_log, new_block, new_checkpoint, block_begun])
def test_what_is_rewritten_meanwhile_is_copied_again(
    daemon: Callable[..., Daemon],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[Path], None],
) -> None:
    data, target = store(tmp_path / "data", BLOCK), tmp_path / "target"
    target.mkdir()
    copied: list[str] = []
    tree = _copies.tree

    def watched(source: str, into: str, *rest: Any, **given: Any) -> None:
        tree(source, into, *rest, **given)
        if source == str(data / "wal"):
            copied.append(source)
            if len(copied) == 1:
                change(data)

    monkeypatch.setattr(_copies, "tree", watched)
    product(data).save(daemon(), str(target), "", "")
    assert len(copied) == 2
    assert sorted(os.listdir(target / "wal")) == sorted(os.listdir(data / "wal"))


def test_a_new_segment_of_the_log_is_no_reason_to_begin_again(
    daemon: Callable[..., Daemon], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, target = store(tmp_path / "data"), tmp_path / "target"
    target.mkdir()
    before = product(data)._form()
    (data / "wal/00000004").write_text("more")
    assert product(data)._form() == before


def test_one_that_never_rests_is_told(
    daemon: Callable[..., Daemon], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, target = store(tmp_path / "data"), tmp_path / "target"
    target.mkdir()
    forms = iter(range(100))
    monkeypatch.setattr(Prometheus, "_form", lambda _self: (next(forms),))
    with pytest.raises(DaemonError, match="rewritten by Prometheus during each of 10 copies"):
        product(data).save(daemon(), str(target), "", "")


@pytest.mark.parametrize(
    ("one_system", "copied"), [(True, len("samples")), (False, len("samples" + BLOCK + "{}"))]
)
def test_blocks_need_room_where_they_cannot_be_linked(
    daemon: Callable[..., Daemon],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    one_system: bool,
    copied: int,
) -> None:
    web = product(store(tmp_path / "data", BLOCK))
    target = str(tmp_path / "not/there/yet")
    if not one_system:
        monkeypatch.setattr(_copies, "one_system", lambda _one, _other: False)
    actions, faults, size = web.plan_save(daemon(), target, "")
    assert (faults, size) == ([], copied)
    assert actions[0].startswith("link the blocks" if one_system else "copy the blocks")


# -- snapshots of Prometheus' own making --------------------------------------------

OWN = "20261126T081500Z-00c0ffee00c0ffee"  # somebody's


def stamped(since: float) -> str:
    """The name of a snapshot that was begun then."""
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(since)) + "-5bdb4c1d7e0cf4a7"


def with_admin(data: Path, ends: str = "") -> tuple[Prometheus, Server]:
    """A Prometheus that makes snapshots, or does not come to an end with one."""
    server = Server()

    def snapshot() -> dict[str, Any]:
        made = data / "snapshots" / stamped(time.time())
        (made / OTHER).mkdir(parents=True)
        (made / OTHER / "meta.json").write_text("{}")
        if ends:
            raise DaemonError(ends)
        return {"name": made.name}

    server.snapshot = snapshot
    (data / "snapshots" / OWN).mkdir(parents=True)
    return Prometheus(str(data), server, True), server  # type: ignore[arg-type]


@pytest.mark.parametrize("ends", ["", "gives no answer"])
def test_a_snapshot_goes_and_those_of_others_stay(
    daemon: Callable[..., Daemon], tmp_path: Path, ends: str
) -> None:
    data, target = store(tmp_path / "data"), tmp_path / "target"
    target.mkdir()
    web, _server = with_admin(data, ends)
    if ends:
        with pytest.raises(DaemonError, match=ends):
            web.save(daemon(), str(target), "", "")
    else:
        assert web.save(daemon(), str(target), "", "")["method"] == "snapshot"
        assert os.listdir(target) == [OTHER]
    assert os.listdir(data / "snapshots") == [OWN]
    assert not os.path.exists(daemon().store.snapshot_note)


@pytest.mark.parametrize(
    ("note", "made", "gone"),
    [
        ({"name": stamped(5)}, [stamped(5)], True),
        ({"since": 5, "there": []}, [stamped(6)], True),
        ({"since": 5, "there": []}, [stamped(500)], False),  # somebody made it afterwards
        ({"since": 5, "there": []}, [stamped(6), f"{stamped(7)}a"], False),  # which is whose?
        ({"since": 5, "there": [stamped(5)]}, [stamped(5)], False),
        ({"name": ".."}, [stamped(5)], False),
        ([], [stamped(5)], False),
    ],
)
def test_what_a_run_that_was_killed_had_made_goes_with_the_next(
    daemon: Callable[..., Daemon], tmp_path: Path, note: Any, made: list[str], gone: bool
) -> None:
    data = store(tmp_path / "data")
    for name in made:
        (data / "snapshots" / name).mkdir(parents=True)
    Path(daemon().store.snapshot_note).write_text(json.dumps(note))
    product(data).clean(daemon())
    assert os.listdir(data / "snapshots") == [] or not gone
    assert sorted(os.listdir(data / "snapshots")) == sorted(made) or gone
    assert not os.path.exists(daemon().store.snapshot_note)


# -- restore ----------------------------------------------------------------------


def saved(folder: Path, value: str = "42") -> tuple[Manifest, str]:
    """A backup of one block and a log."""
    data = folder / "backup/data"
    (data / OTHER).mkdir(parents=True)
    (data / OTHER / "meta.json").write_text("saved")
    (data / "wal").mkdir()
    (data / "wal/00000000").write_text("saved")
    seen = {"query": "q", "moment": 1.0, "value": value}
    return Manifest("prometheus", "web", "1", "h", "20261126T081500Z", {}, seen), str(data)


def names(data: Path) -> list[str]:
    """What is in a data directory."""
    return sorted(os.listdir(data))


def test_a_restore_replaces_what_belongs_to_the_store(
    daemon: Callable[..., Daemon], machine: Any, tmp_path: Path
) -> None:
    data, (manifest, source) = store(tmp_path / "data"), saved(tmp_path)
    assert product(data).check(daemon(), manifest, source).faults == []
    product(data).restore(daemon(), manifest, source)
    assert names(data) == [OTHER, "lock", "queries.active", "wal"]
    assert not (data / OTHER / "meta.json").samefile(f"{source}/{OTHER}/meta.json")
    assert machine.calls == ["stop", "restart"]


@pytest.mark.parametrize(
    ("given", "full"),
    [({}, False), ({"blocks": (BLOCK,)}, True), ({"checkpoint": True}, True)],
)
def test_what_is_more_than_a_deployment_makes_is_replaced_only_when_asked(
    daemon: Callable[..., Daemon], tmp_path: Path, given: dict[str, Any], full: bool
) -> None:
    data = store(tmp_path / "data", *given.pop("blocks", ()), **given)
    manifest, source = saved(tmp_path)
    faults = product(data).check(daemon(), manifest, source).faults
    assert ("holds data already" in str(faults)) is full
    assert product(data).check(daemon(replaced=True), manifest, source).faults == []


@pytest.mark.parametrize(
    ("first", "later", "restored", "proved"),
    [
        ("42", "42", "42", True),
        ("42", "42", "43", False),
        ("42", "44", "42", True),  # what arrived late is in the backup or not, or some of it
        ("42", "44", "43.5", True),
        ("42", "44", "44", True),
        ("42", "44", "45", False),
        ("42", "44", "", False),
        ("", "44", "", True),
        ("", "44", "9", True),
        ("", "", "9", False),
        ("44", "42", "43", True),
        ("9", "10", "9.5", True),
    ],
)
def test_what_arrives_late_is_no_difference(
    daemon: Callable[..., Daemon],
    tmp_path: Path,
    first: str,
    later: str,
    restored: str,
    proved: bool,
) -> None:
    data, (manifest, source) = store(tmp_path / "data"), saved(tmp_path)
    (tmp_path / "target").mkdir()
    server = Server(first, later)
    web = Prometheus(str(data), server, False)  # type: ignore[arg-type]
    seen = web.save(daemon(), str(tmp_path / "target"), "", "")
    assert (seen["value"], seen["later"]) == (first, later)
    after = product(data, restored)
    if proved:
        after.restore(daemon(), replace(manifest, seen=seen), source)
        return
    with pytest.raises(DaemonError, match="when the backup was made"):
        after.restore(daemon(), replace(manifest, seen=seen), source)


@pytest.mark.parametrize(("sick", "value"), [(1, "42"), (0, "41")])
def test_what_is_not_healthy_or_not_the_same_is_taken_back(
    daemon: Callable[..., Daemon], machine: Any, tmp_path: Path, sick: int, value: str
) -> None:
    data, (manifest, source) = store(tmp_path / "data", BLOCK), saved(tmp_path)
    machine.sick, before = sick, names(data)
    with pytest.raises(DaemonError, match="The data that was there before is back"):
        product(data, value).restore(daemon(replaced=True), manifest, source)
    assert names(data) == before
    assert (data / "wal/00000003").read_text() == "samples"
    assert machine.calls == ["stop", "restart"] * 2


def test_when_that_fails_too_the_old_data_is_kept_for_the_next_run(
    daemon: Callable[..., Daemon], machine: Any, tmp_path: Path
) -> None:
    data, (manifest, source) = store(tmp_path / "data", BLOCK), saved(tmp_path)
    machine.sick = 2
    with pytest.raises(DaemonError, match="TAKING IT BACK FAILED"):
        product(data).restore(daemon(replaced=True), manifest, source)
    assert (data / BLOCK).is_dir()


def cut(web: Prometheus, daemon: Daemon, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A restore that ends after the exchange."""
    manifest, source = saved(folder)
    with monkeypatch.context() as patched:
        patched.setattr(_prometheus, "exchange", lambda _daemon, swap, _prove: swap.exchange())
        web.restore(daemon, manifest, source)


def test_where_the_old_data_was_removed_by_hand_the_daemon_starts_and_it_is_told(
    daemon: Callable[..., Daemon], machine: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    web, asked = product(store(tmp_path / "data", BLOCK)), daemon(replaced=True)
    cut(web, asked, tmp_path, monkeypatch)
    shutil.rmtree(tmp_path / "data/.barehost-restore")
    web.recover(asked)
    assert machine.calls == ["stop", "restart"] and machine.active == "active"
    (said,) = machine.warned
    assert "cannot be taken back" in said and "barehost_restore_replace=true" in said
    assert not web.cut_off(asked)


@pytest.mark.parametrize(("ran", "calls"), [(True, ["stop", "restart"]), (False, ["stop"])])
def test_a_way_back_that_fails_is_told_and_leaves_the_daemon_as_it_was(
    daemon: Callable[..., Daemon],
    machine: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    ran: bool,
    calls: list[str],
) -> None:
    web, asked = product(store(tmp_path / "data", BLOCK)), daemon(replaced=True)
    cut(web, asked, tmp_path, monkeypatch)
    machine.active = "active" if ran else "inactive"

    def full(_swap: Swap) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Swap, "_remember", full)
        with pytest.raises(DaemonError, match="No space left.*still kept: mend the cause and run"):
            web.recover(asked)
    assert machine.calls == calls and web.cut_off(asked)
    web.recover(asked)
    assert (tmp_path / "data" / BLOCK).is_dir() and not web.cut_off(asked)


def test_data_that_no_note_tells_of_is_kept_and_told(
    daemon: Callable[..., Daemon], machine: Any, tmp_path: Path
) -> None:
    data, (manifest, source) = store(tmp_path / "data"), saved(tmp_path)
    old = data / ".barehost-restore/old"
    old.mkdir(parents=True)
    (old / "wal").write_text("all that there is")
    product(data).restore(daemon(), manifest, source)
    (aside,) = data.glob("barehost-kept-*")
    assert (aside / "wal").read_text() == "all that there is"
    assert str(aside) in machine.warned[0] and "remove it" in machine.warned[0]


def test_what_was_written_after_a_restore_that_was_cut_off_is_kept_and_told(
    daemon: Callable[..., Daemon], machine: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The host lost its power before the restore was proved, came up, and scraped for a while."""
    data = store(tmp_path / "data", BLOCK)
    web, before = product(data), names(data)
    cut(web, daemon(replaced=True), tmp_path, monkeypatch)
    (data / "wal/00000009").write_text("scraped since")
    (data / "01KAZ3VJ8H5QW2N7M4T6R9XCDG").mkdir()
    (data / "01KAZ3VJ8H5QW2N7M4T6R9XCDG/meta.json").write_text("compacted since")
    assert web.cut_off(daemon())
    machine.sick = 1
    with pytest.raises(DaemonError, match="not healthy"):
        web.recover(daemon())
    (aside,) = data.glob("barehost-kept-*")
    assert [name for name in names(data) if name != aside.name] == before
    assert (aside / "wal/00000009").read_text() == "scraped since"
    assert (aside / "01KAZ3VJ8H5QW2N7M4T6R9XCDG/meta.json").is_file()
    assert str(aside) in machine.warned[0] and "remove" in machine.warned[0]
    assert not web.cut_off(daemon())
