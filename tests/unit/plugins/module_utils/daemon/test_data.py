# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Steps that change the daemon's own data: a password in its database, a migration."""

from __future__ import annotations

import errno
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon import (
    _files,
    _transaction,
)
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._state import Entry
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._store import Store
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._systemd import Status
from ansible_collections.barehost.monitoring.tests.unit.plugins.module_utils.daemon.fakes import (
    Killed,
    World,
)

Params = dict[str, Any]


@pytest.fixture
def database(world: World) -> Path:
    """A database in which the step writes whatever it reads on standard input."""
    path = world.path("data/web/db")
    path.parent.mkdir()

    def write(_argv: object) -> int:
        path.write_text(
            f"{world.systemd.commands[-1][1]} {world.path('opt/web/current').readlink()}"
        )
        return 0

    world.systemd.on_command = write
    return path


def described(world: World, password: str = "one", **more: Any) -> Params:
    touches = [str(world.path("data/web/db"))]
    step = {
        "name": "password",
        "argv": ["{release}/x"],
        "stdin_file": "password",
        "depends": ["release"],
    }
    return {
        "prepare": [{**step, "stop": True, "touches": touches, **more.pop("step", {})}],
        "secrets": [{"path": "password", "content": password}],
        **more,
    }


def failing(world: World, **params: Any) -> _transaction.Failure:
    with pytest.raises(_transaction.Failure) as caught:
        world.deploy(**params)
    return caught.value


def killed_at(world: World, point: str, **params: Any) -> None:
    def observe(reached: str) -> None:
        if reached == point:
            raise Killed

    with pytest.raises(Killed):
        world.deploy(observe=observe, **params)


def test_a_step_reads_a_secret_from_its_file(world: World, database: Path) -> None:
    world.deploy(**described(world))
    assert database.read_text() == "one 1.0"
    assert not world.deploy(**described(world)).plan.changed
    assert "prepare: password" in world.deploy(**described(world, "two")).plan.actions
    assert database.read_text() == "two 1.0"


def test_the_daemon_stands_still_while_its_data_changes(world: World, database: Path) -> None:
    world.deploy(**described(world))
    running: list[bool] = []
    world.systemd.on_command = lambda _argv: running.append(bool(world.systemd.process)) or 0
    world.systemd.log.clear()
    world.deploy(**described(world, "two"))
    assert running == [False]
    assert world.systemd.log == ["stop", "daemon-reload", "restart"]


def test_the_data_comes_back_with_the_old_state(world: World, database: Path) -> None:
    world.deploy(**described(world))
    database.write_text("one 1.0, and what people made")
    for params in ({"config": "sick"}, {"config": "crash"}, {"version": "2.0", "config": "sick"}):
        world.systemd.log.clear()
        error = failing(world, **described(world, "two"), **params)
        assert world.systemd.log.count("stop") == 2  # for the step, and for the way back
        assert error.rolled_back
        assert database.read_text() == "one 1.0, and what people made"
        assert world.systemd.process
        assert not world.deploy(**described(world)).plan.changed


def test_files_that_were_not_there_are_gone_again(world: World, database: Path) -> None:
    world.deploy()
    assert failing(world, config="sick", **described(world)).rolled_back
    assert not database.exists()


def test_nothing_that_people_made_after_a_killed_run_is_lost(world: World, database: Path) -> None:
    world.deploy(**described(world))
    killed_at(world, "gate", **described(world, "two"))
    database.write_text("two 1.0, and what people made since")
    writes: list[str] = []
    world.systemd.on_command = lambda _argv: writes.append(database.read_text()) or 0
    outcome = world.deploy(**described(world))  # the variable was changed back in between
    assert "prepare: password" in outcome.plan.actions
    assert writes == ["two 1.0, and what people made since"]
    assert not world.deploy(**described(world)).plan.changed


def test_a_failure_after_a_killed_run_goes_back_to_the_last_good_data(
    world: World, database: Path
) -> None:
    world.deploy(**described(world))
    killed_at(world, "gate", version="2.0", **described(world))
    assert database.read_text() == "one 2.0"
    assert failing(world, version="2.0", config="sick", **described(world)).rolled_back
    assert database.read_text() == "one 1.0"


def test_a_copy_that_cannot_be_made_starts_the_daemon_again(
    world: World, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.deploy(**described(world))

    def full(_store: Store, path: str) -> Entry:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)

    monkeypatch.setattr(Store, "keep", full)
    error = failing(world, **described(world, "two"))
    assert error.rolled_back and f"{database}: No space left" in str(error)
    assert world.systemd.process


def test_data_that_is_no_file_stops_nothing(world: World, database: Path) -> None:
    world.deploy(**described(world))
    database.unlink()
    database.mkdir()
    world.systemd.log.clear()
    error = failing(world, **described(world, "two"))
    assert "not a file" in str(error) and "Nothing was replaced" in str(error)
    assert world.systemd.log == []


def test_data_of_any_size_is_kept_and_comes_back(
    world: World, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is copied in parts: a database may be larger than the memory."""
    world.deploy(**described(world))
    read = _files.read

    def small(path: str) -> tuple[Entry | None, bytes]:
        assert path != str(database), "the whole of it is in memory"
        return read(path)

    monkeypatch.setattr(_files, "read", small)
    monkeypatch.setattr(_files, "PART", 4)
    database.write_text("one 1.0, and what people made")
    assert failing(world, config="sick", **described(world, "two")).rolled_back
    assert database.read_text() == "one 1.0, and what people made"
    world.deploy(**described(world, "two"))
    assert database.read_text() == "two 1.0"


def test_without_room_for_a_copy_nothing_is_stopped(
    world: World, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.deploy(**described(world))
    tree = world.tree()
    world.systemd.log.clear()
    monkeypatch.setattr(_files, "free", lambda _directory: 13)  # the copy and its way back: 14
    error = failing(world, **described(world, "two"))
    assert f"{database} has 7 bytes" in str(error) and "has 13 free" in str(error)
    assert "Nothing was replaced" in str(error)
    assert (world.tree(), world.systemd.log) == (tree, [])
    monkeypatch.setattr(_files, "free", lambda _directory: 14)
    world.deploy(**described(world, "two"))


def test_copies_of_data_do_not_pile_up(world: World, database: Path) -> None:
    """Each attempt finds another database."""
    world.deploy(**described(world))
    objects = world.path("state/web/objects")
    before = sorted(path.name for path in objects.iterdir())
    for attempt in range(3):
        database.write_text(f"made before attempt {attempt}")
        assert failing(world, config="sick", **described(world, "two")).rolled_back
    assert sorted(path.name for path in objects.iterdir()) == before


@pytest.mark.parametrize("active", ["activating", "deactivating", "reloading"])
def test_what_is_about_to_start_is_stopped_too(
    world: World, database: Path, active: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A daemon in a crash loop would come up while its data changes."""
    world.deploy(**described(world))
    status = world.systemd.status

    def looping(unit: str) -> Status:
        return replace(status(unit), active=active, main_pid=0)

    world.systemd.log.clear()
    monkeypatch.setattr(world.systemd, "status", looping)
    failing(world, **described(world, "two"))
    assert world.systemd.log[0] == "stop"


ELSEWHERE: Params = {"touches": []}


def test_what_a_step_has_changed_elsewhere_is_changed_back(world: World, database: Path) -> None:
    """The database is elsewhere: it has the new password, although all files are back."""
    world.deploy(**described(world, step=ELSEWHERE))
    changed = described(world, "two", version="2.0", config="sick", step=ELSEWHERE)
    world.systemd.log.clear()
    assert failing(world, **changed).rolled_back
    assert database.read_text() == "one 1.0"
    assert world.systemd.commands[-1][0] == (str(world.path("opt/web/1.0/x")),)
    assert world.systemd.log[-3:] == ["daemon-reload", "stop", "restart"]
    assert not world.deploy(**described(world, step=ELSEWHERE)).plan.changed


@pytest.mark.parametrize("why", ["the old input is not known", "it fails"])
def test_what_could_not_be_changed_back_is_repeated_by_the_next_run(
    world: World, database: Path, why: str
) -> None:
    fails = why == "it fails"
    step = ELSEWHERE if fails else {**ELSEWHERE, "stdin_file": None, "stdin": "given"}
    world.deploy(**described(world, step=step))
    new = {**step, "stdin": "new"} if not fails else step
    codes = [0, 1]
    write = world.systemd.on_command
    world.systemd.on_command = lambda argv: write(argv) or (codes.pop(0) if fails else 0)
    assert failing(world, config="sick", **described(world, "two", step=new)).rolled_back
    world.systemd.on_command = write
    assert "prepare: password" in world.deploy(**described(world, step=step)).plan.actions
    assert database.read_text() == ("one 1.0" if fails else "given 1.0")


KEY: Params = {"path": "key", "on_change": "refuse"}


@pytest.mark.parametrize("check", [False, True])
@pytest.mark.parametrize("first", [{"content": "old"}, {"generate": {}}])
def test_the_key_to_the_data_is_not_exchanged(world: World, first: Params, check: bool) -> None:
    world.deploy(secrets=[{**KEY, **first}])
    key, tree = world.path("etc/web/key").read_text(), world.tree()
    error = failing(world, secrets=[{**KEY, "content": "new"}], check=check)
    assert f"{world.path('etc/web/key')}: its content may not change" in str(error)
    assert error.phase == "plan"
    assert world.tree() == tree
    if "generate" in first:
        # It stays when the daemon is removed, and so does the data.
        world.remove()
        assert "its content may not change" in str(
            failing(world, secrets=[{**KEY, "content": "new"}], check=check)
        )
        world.deploy(secrets=[{**KEY, **first}])
    world.path("etc/web/key").write_text("edited")
    outcome = world.deploy(secrets=[{**KEY, **first}])
    assert outcome.plan.repaired == (f"{world.path('etc/web/key')} was edited",)
    assert world.path("etc/web/key").read_text() == key
