# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The memory of a daemon."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon import _store
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._errors import DaemonError
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._state import (
    Entry,
    State,
    digest,
)
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._store import Store


def state(*contents: bytes, version: str = "1.0") -> State:
    entries = {f"/{digest(c)[:4]}": Entry(digest(c)) for c in contents}
    return State(version, "a", "r", {**entries, "/link": Entry(target="x")})


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setattr(os, "fsync", lambda _fd: None)
    store = Store(str(tmp_path / "barehost/web"))
    store.create()
    yield store


def test_root_alone_can_read_it(store: Store) -> None:
    store.create()
    modes = [
        os.stat(path).st_mode & 0o777 for path in (store.directory, f"{store.directory}/objects")
    ]
    assert modes == [0o700, 0o700]
    store.salt(create=True)
    store.put(b"x")
    store.save_record(state())
    store.begin({}, "none")
    for path in Path(store.directory).rglob("*"):
        assert path.is_dir() or path.stat().st_mode & 0o777 == 0o600, path


def test_the_last_two_good_states_are_kept(store: Store) -> None:
    assert (store.record(), store.record("previous")) == (None, None)
    one, two = state(version="1"), state(version="2")
    store.save_record(one)
    assert (store.record(), store.record("previous")) == (one, None)
    store.save_record(one)
    assert (store.record(), store.record("previous")) == (one, None)
    store.save_record(two)
    store.save_record(two)
    assert (store.record(), store.record("previous")) == (two, one)


@pytest.mark.parametrize("text", ["", "{", "null", '{"format": 0}'])
def test_a_damaged_record_counts_as_none(store: Store, text: str) -> None:
    Path(store.directory, "record.json").write_text(text)
    assert store.record() is None
    store.save_record(state())
    assert store.record() == state()


def test_a_transaction_reads_as_it_was_begun(store: Store) -> None:
    assert store.transaction() is None
    before = {"/a": Entry("d", mode=0o600, secret=True), "/l": Entry(target="x"), "/n": None}
    store.begin(before, "reload")
    found = store.transaction()
    assert found is not None
    assert (found["before"], found["activation"]) == (before, "reload")
    store.end()
    store.end()
    assert store.transaction() is None


@pytest.mark.parametrize("text", ["{", "null", "{}", '{"before": {"/a": {"x": 1}}}'])
def test_a_damaged_transaction_is_told_in_a_sentence(store: Store, text: str) -> None:
    Path(store.directory, "transaction.json").write_text(text)
    with pytest.raises(DaemonError, match=r"transaction\.json"):
        store.transaction()


def test_contents_are_kept_by_their_digest(store: Store) -> None:
    name = store.put(b"x")
    assert (name, store.put(b"x"), store.get(name)) == (digest(b"x"), name, b"x")
    assert (store.has(name), store.has("none")) == (True, False)
    Path(store.directory, "objects", name).write_bytes(b"y")
    with pytest.raises(DaemonError, match="is damaged: the kept copy can not be restored"):
        store.get(name)


def test_only_what_a_state_names_is_kept(store: Store) -> None:
    for content in (b"1", b"2", b"3", b"4"):
        store.put(content)
    for kept in (b"1", b"2", b"3"):
        store.save_record(state(kept))
    Path(store.directory, "objects/.left.x.barehost").touch()
    store.collect()
    assert sorted(os.listdir(f"{store.directory}/objects")) == sorted([digest(b"2"), digest(b"3")])


def test_the_salt_is_made_once_and_never_in_check_mode(store: Store) -> None:
    assert store.salt(create=False) == b""
    assert os.listdir(store.directory) == ["objects"]
    salt = store.salt(create=True)
    assert len(salt) == 32
    assert store.salt(create=True) == store.salt(create=False) == salt


def test_all_is_forgotten(store: Store, tmp_path: Path) -> None:
    other = Store(str(tmp_path / "barehost/other"))
    other.create()
    store.remove()
    assert os.listdir(tmp_path / "barehost") == ["other"]
    other.remove()
    other.remove()
    assert os.listdir(tmp_path) == []


# -- lock ---------------------------------------------------------------------


def test_check_mode_needs_no_lock_on_a_fresh_host(tmp_path: Path) -> None:
    with Store(str(tmp_path / "b/web")).locked(0, create=False):
        assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("create", [True, False], ids=["run", "check"])
def test_a_held_lock_is_waited_for_then_named(store: Store, create: bool) -> None:
    with store.locked(0, create=True):
        begin = time.monotonic()
        with pytest.raises(DaemonError) as caught, store.locked(0.15, create=create):
            pytest.fail("got the lock")
        assert time.monotonic() - begin >= 0.15
    holder = f"another run holds {store.directory}/lock (process {os.getpid()}); waited 0.15 s"
    assert str(caught.value).startswith(holder)
    with store.locked(0, create=create):
        pass


def test_a_step_that_outlives_its_run_holds_the_lock_too(store: Store, tmp_path: Path) -> None:
    if not os.fork():
        with store.locked(0, create=True):
            step = subprocess.Popen(["sleep", "60"], pass_fds=store.held)
            (tmp_path / "step").write_text(str(step.pid))
            os._exit(0)  # a run that is killed does nothing more either
    pid, _status = os.wait()
    words = f"process {pid}, or a step that it has left behind"
    with pytest.raises(DaemonError, match=words), store.locked(0, create=True):
        pytest.fail("got the lock")
    os.kill(int((tmp_path / "step").read_text()), signal.SIGKILL)
    with store.locked(5, create=True):
        assert store.held
    assert not store.held


def test_the_second_run_goes_on_after_the_first(store: Store) -> None:
    order: list[str] = []

    def second() -> None:
        with store.locked(5, create=True):
            order.append("second")

    with store.locked(0, create=True):
        waiting = threading.Thread(target=second)
        waiting.start()
        time.sleep(0.05)
        order.append("first")
    waiting.join()
    assert order == ["first", "second"]


@pytest.mark.parametrize("create", [True, False], ids=["run", "check"])
def test_a_run_that_waited_for_an_uninstallation_begins_anew(
    store: Store, monkeypatch: pytest.MonkeyPatch, create: bool
) -> None:
    """The lock that it waited for is gone with its directory."""
    with store.locked(0, create=True):
        pass
    acquire = _store._acquire
    removed: list[str] = []

    def late(fd: int, path: str, timeout: float, deadline: float) -> None:
        if not removed:
            store.remove()
            removed.append(path)
        acquire(fd, path, timeout, deadline)

    monkeypatch.setattr(_store, "_acquire", late)
    with store.locked(1, create=create):
        assert os.path.exists(f"{store.directory}/lock") is create
        if create:
            path = f"{store.directory}/lock"
            with open(path, encoding="utf-8") as file, pytest.raises(BlockingIOError):
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
