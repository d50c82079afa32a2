# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Taking a replaced state back."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon import (
    _files,
    _rollback,
    _transaction,
)
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._errors import DaemonError
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._health import Report
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._state import Entry
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._store import Store
from ansible_collections.barehost.monitoring.tests.unit.plugins.module_utils.daemon.fakes import (
    World,
)

FLAGS = {"path": "flags", "content": "f"}
RULES = {"path": "rules", "content": "r", "on_change": "reload"}
NOTES = {"path": "notes", "content": "n", "on_change": "none"}


def back(world: World, before: dict[str, Entry | None] | None = None) -> str:
    store = Store(str(world.path("state/web")))
    store.begin({}, "restart")
    done = _rollback.roll_back(world.spec(), world.host, store, before or {})
    assert store.transaction() is None
    return done


CASES: list[tuple[str, str, list[str]]] = [
    ("etc/web/flags", "changed", ["daemon-reload", "restart"]),
    ("etc/web/rules", "changed", ["daemon-reload", "reload"]),
    ("etc/web/notes", "changed", ["daemon-reload"]),
    ("units/web.service", "changed", ["daemon-reload", "restart"]),
    ("etc/web/flags", "", ["daemon-reload", "restart"]),
]


@pytest.mark.parametrize(("path", "content", "calls"), CASES)
def test_a_path_comes_back_and_triggers_what_it_needs(
    world: World, path: str, content: str, calls: list[str]
) -> None:
    world.deploy(files=[FLAGS, RULES, NOTES], secrets=[{"path": "s/key", "content": "k"}])
    wanted = world.state()
    world.path(path).unlink()
    if content:
        world.path(path).write_text(content)
    world.systemd.log.clear()
    assert back(world) == "the previous state (version 1.0) is back and healthy"
    assert world.systemd.log == calls
    assert world.differences(wanted) == []


def test_nothing_is_restarted_when_the_old_process_still_runs(world: World) -> None:
    world.deploy()
    process = world.systemd.process
    world.systemd.log.clear()
    back(world)
    assert (world.systemd.log, world.systemd.process) == (["daemon-reload"], process)


def test_a_process_of_the_failed_state_is_replaced(world: World) -> None:
    world.deploy()
    assert world.systemd.process
    world.systemd.process.state = "failed state"
    back(world)
    assert world.systemd.log[-1] == "restart"


def test_new_paths_go_with_their_directories(world: World) -> None:
    world.deploy()
    new = world.path("etc/web/a/b/new")
    new.parent.mkdir(parents=True)
    new.write_text("new")
    back(world, {str(new): None})
    assert os.listdir(world.path("etc/web")) == ["web.conf"]


def test_what_the_failed_run_touched_beside_the_record_comes_back(world: World) -> None:
    world.deploy()
    path = world.path("etc/web/keystore")
    path.write_text("old")
    entry, content = _files.read(str(path))
    Store(str(world.path("state/web"))).put(content)
    path.write_text("new")
    back(world, {str(path): entry})
    assert path.read_text() == "old"


def test_an_old_state_that_is_sick_too_is_told_and_kept(world: World) -> None:
    world.deploy()
    world.systemd.sick_for_ever = True
    with pytest.raises(
        DaemonError, match="the previous state is back, but not healthy either: not"
    ):
        back(world)
    assert world.path("state/web/transaction.json").exists()


def test_a_daemon_that_ignores_its_reload_is_restarted(world: World) -> None:
    world.deploy(files=[RULES])
    world.path("etc/web/rules").write_text("changed")
    probe = world.probe
    ignored = Report(("http://web: did not change",))
    world.probe = lambda health, base: ignored if base else probe(health, base)  # type: ignore
    world.systemd.log.clear()
    back(world)
    assert world.systemd.log == ["daemon-reload", "reload", "restart"]


def test_the_recorded_health_is_what_proves_the_old_state(world: World) -> None:
    asked: list[Any] = []
    world.deploy(health={"timeout": 1, "settle": 0, "probes": [{"url": "http://old/"}]})
    probe = world.probe
    world.probe = lambda health, base: asked.append(health) or probe(health, base)  # type: ignore
    back(world)
    assert {health.probes[0].url for health in asked} == {"http://old/"}


@pytest.mark.parametrize("failed", [True, False])
def test_a_first_installation_is_stopped_and_disabled(world: World, failed: bool) -> None:
    store = Store(str(world.path("state/web")))
    store.create()
    world.systemd.unit_path.write_text("x")
    world.systemd.control("daemon-reload")
    world.systemd.control("enable")
    world.systemd.control("restart")
    if failed:
        world.systemd.process, world.systemd.failed = None, True
    done = back(world, {str(world.systemd.unit_path): None})
    assert done == "the first installation was taken back; its data directory is kept"
    systemd = world.systemd
    assert (systemd.process, systemd.enabled, systemd.failed, systemd.unit) == (
        None,
        False,
        False,
        "",
    )
    assert not world.systemd.unit_path.exists()


def test_a_secret_that_was_made_here_outlives_a_failed_first_installation(world: World) -> None:
    key, seen = world.path("etc/web/key"), []
    params: dict[str, Any] = {"secrets": [{"path": "key", "generate": {"length": 12}}]}

    def look(point: str) -> None:
        if point == "gate":
            seen.append(key.read_text())

    with pytest.raises(DaemonError):
        world.deploy(config="sick", observe=look, **params)
    world.deploy(observe=look, **params)
    assert seen[0] == seen[1]  # with the first one the data may have been locked


def test_a_directory_makes_room_for_the_file_that_it_replaced(world: World) -> None:
    world.deploy(files=[{"path": "rules", "content": "x"}])
    wanted = world.state()
    with pytest.raises(DaemonError, match="Rolled back"):
        world.deploy(config="sick", files=[{"path": "rules/a", "content": "x"}])
    assert not [path for path in world.differences(wanted) if "/objects/" not in path]


def test_without_a_readable_record_a_running_service_is_not_taken_for_a_new_one(
    world: World,
) -> None:
    world.deploy()
    record = world.path("state/web/record.json")
    record.write_text(record.read_text().replace('"format": 1', '"format": 2'))
    with pytest.raises(DaemonError, match="the files that were there before are back"):
        world.deploy(config="sick")
    assert world.systemd.process and "one" in world.systemd.process.loaded
    assert world.systemd.enabled


def test_a_packages_unit_of_the_same_name_runs_again(world: World) -> None:
    world.systemd.packaged = world.systemd.enabled = True
    world.systemd.control("restart")
    with pytest.raises(DaemonError, match="the first installation was taken back"):
        world.deploy(config="sick")
    assert world.systemd.process and world.systemd.enabled
    assert not world.systemd.unit_path.exists()


def test_temporary_files_of_a_killed_run_go(world: World) -> None:
    world.path("etc/.a.x.barehost").touch()
    world.path("etc/.b.x.barehost").touch()
    _rollback.remove_leftovers({str(world.path("etc/a")): None})
    assert os.listdir(world.path("etc")) == [".b.x.barehost"]


@pytest.mark.parametrize(("notes", "asked"), [("n", 1), ("m", 2)])
def test_where_waiting_does_not_help_it_is_asked_once_and_not_restarted(
    world: World, notes: str, asked: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each request with a wrong password counts, and some of them lock the user out."""

    def deploy(content: str) -> None:
        spec = replace(world.spec(files=[{**NOTES, "content": content}]), unit={})  # no ExecReload
        _transaction.run(spec, world.host, {}, check_mode=False, lock_timeout=5)

    deploy("n")
    world.systemd.log.clear()
    requests: list[Report] = []

    def wrong_password(*_args: object) -> Report:
        requests.append(Report(("http://web: answers 401",), final=True))
        return requests[-1]

    monkeypatch.setattr(world, "probe", wrong_password)
    with pytest.raises(DaemonError, match="401"):
        deploy(notes)
    assert len(requests) == asked
    assert "restart" not in world.systemd.log


def test_data_of_a_new_version_is_not_left_to_the_old_one(world: World) -> None:
    release = {"data_from": "1.0"}
    world.deploy(release=release)
    with pytest.raises(DaemonError, match="Not rolled back, since the data may be that of 2.0"):
        world.deploy(version="2.0", config="sick", release=release)
    assert os.readlink(world.path("opt/web/current")) == "2.0"
    # The configuration alone goes back, and what fails before the start does.
    world.deploy(version="2.0", release=release)
    with pytest.raises(DaemonError, match="Rolled back"):
        world.deploy(version="2.0", config="sick", release=release)
