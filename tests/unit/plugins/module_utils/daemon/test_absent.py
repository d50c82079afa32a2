# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Removing a daemon."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon import (
    _absent,
    _files,
    _parse,
    _store,
    _transaction,
)
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._errors import DaemonError
from ansible_collections.barehost.monitoring.tests.unit.plugins.module_utils.daemon.fakes import (
    Killed,
    World,
)

FULL: dict[str, Any] = {
    "files": [{"path": "rules/a", "content": "a"}],
    "secrets": [{"path": "s/key", "content": "k"}],
}


def ours(world: World) -> list[str]:
    return sorted(p for p, look in world.tree().items() if look[0] != "directory")


def test_all_that_was_deployed_goes_but_the_data_stays(world: World) -> None:
    world.deploy(**FULL)
    world.path("data/web").mkdir()
    world.path("data/web/data").touch()
    actions = world.remove()
    assert actions[0] == "stop and disable the unit"
    assert actions[-1] == "forget the deployed state"
    assert f"remove {world.root}/etc/web/s/key" in actions
    assert ours(world) == ["data/web/data", "sysusers/barehost-web.conf"]
    assert os.listdir(world.path("etc")) == os.listdir(world.path("opt")) == []
    assert not world.path("state").exists()
    systemd = world.systemd
    assert (systemd.process, systemd.enabled, systemd.unit) == (None, False, "")
    assert systemd.log[-2:] == ["disable", "daemon-reload"]


def test_a_second_removal_has_nothing_to_do(world: World) -> None:
    assert world.remove() == ()
    world.deploy()
    world.remove()
    before, calls = world.tree(), list(world.systemd.log)
    assert world.remove() == ()
    assert (world.tree(), world.systemd.log) == (before, calls)


@pytest.mark.parametrize("purge", [False, True])
def test_check_mode_says_what_a_removal_does_and_removes_nothing(world: World, purge: bool) -> None:
    world.deploy(**FULL)
    before, calls = world.tree(), list(world.systemd.log)
    said = world.remove(check=True, purge=purge)
    assert (world.tree(), world.systemd.log) == (before, calls)
    assert said == world.remove(purge=purge) != ()


@pytest.mark.parametrize("check", [False, True])
def test_data_of_a_restore_that_was_cut_off_does_not_stay_alone(world: World, check: bool) -> None:
    world.deploy(**FULL)
    note = world.path("state/web/restore.json")
    note.write_text("{}")
    before = world.tree()
    with pytest.raises(DaemonError, match=r"restore of web was cut off.*restore\.yml again.*purge"):
        world.remove(check=check)
    assert world.tree() == before
    assert world.remove(purge=True, check=check) and note.exists() is check


def test_what_others_have_put_there_stays(world: World) -> None:
    world.deploy(**FULL)
    for name in ("etc/web/own", "etc/other", "units/other.service", "opt/web/own"):
        world.path(name).touch()
    world.remove()
    assert [p for p in ours(world) if "sysusers" not in p] == [
        "etc/other",
        "etc/web/own",
        "opt/web/own",
        "units/other.service",
    ]


@pytest.mark.parametrize(("purge", "stays"), [(False, True), (True, False)])
def test_a_generated_secret_stays_with_the_data(world: World, purge: bool, stays: bool) -> None:
    secrets = [{"path": "key", "generate": {"length": 5}}]
    world.deploy(secrets=secrets)
    key = world.path("etc/web/key")
    made = key.read_text()
    spec = _parse.parse({**world.params(secrets=secrets), "state": "absent"}, world.layout)
    _absent.remove(spec, world.host, purge, False, 5)
    assert key.exists() is stays
    world.deploy(secrets=secrets)
    assert (key.read_text() == made) is stays


def test_purge_takes_data_and_account(world: World) -> None:
    unit = {"Service": {"ExecReload": "x", "StateDirectory": ["web web/deep", "web-more"]}}
    world.deploy(unit=unit)
    for name in ("data/web", "data/web/deep", "data/web-more", "data/other"):
        world.path(name).mkdir()
        world.path(f"{name}/x").touch()
    spec = _parse.parse({**world.params(unit=unit), "state": "absent"}, world.layout)
    actions = _absent.remove(spec, world.host, True, False, 5).actions
    assert "remove the account web" in actions
    assert world.systemd.commands == [(("userdel", "web"), "")]
    assert ours(world) == ["data/other/x"]


def test_purge_keeps_the_files_of_others_in_a_shared_configuration(world: World) -> None:
    world.path("etc/passwd").write_text("of somebody else")
    params = world.params(config_directory=str(world.path("etc")))
    spec = _parse.parse(params, world.layout)
    _absent.remove(spec, world.host, True, False, 5)
    assert world.path("etc/passwd").exists()


@pytest.mark.parametrize(
    ("params", "sysusers"),
    [({"account": {"user": "root"}}, ""), ({}, 'u web -:web "other" /x\n')],
    ids=["root", "shared"],
)
def test_purge_keeps_an_account_that_is_not_the_daemons_alone(
    world: World, params: dict[str, Any], sysusers: str
) -> None:
    world.deploy()
    world.path("sysusers/barehost-other.conf").write_text(sysusers)
    spec = _parse.parse({**world.params(**params), "state": "absent"}, world.layout)
    _absent.remove(spec, world.host, True, False, 5)
    assert world.systemd.commands == []


def test_purge_keeps_an_account_that_somebody_else_made(world: World) -> None:
    world.deploy()
    world.owns_account = False
    assert "remove the account web" not in world.remove(purge=True)
    assert world.systemd.commands == []


def test_the_record_knows_the_release_that_the_task_does_not_name(world: World) -> None:
    world.deploy()
    params = {**world.params(), "state": "absent", "release": None, "files": [], "unit": {}}
    _absent.remove(_parse.parse(params, world.layout), world.host, False, False, 5)
    assert not world.path("opt/web").exists()


def test_an_account_that_can_not_be_removed_is_told(world: World) -> None:
    world.deploy()
    world.systemd.on_command = lambda _argv: 8
    with pytest.raises(
        _transaction.Failure, match=r"the account web can not be removed \(exit 8\): the step"
    ) as caught:
        world.remove(purge=True)
    assert caught.value.phase == "remove"
    assert "run again to remove the rest" in str(caught.value)


def test_a_unit_that_is_not_ours_is_left_alone(world: World) -> None:
    world.systemd.unit_path.write_text("of somebody else")
    world.systemd.control("daemon-reload")
    assert world.remove() == ()
    assert world.systemd.unit_path.exists()


def test_a_version_that_another_instance_runs_stays(world: World) -> None:
    world.deploy()
    record = world.path("state/other/record.json")
    record.parent.mkdir()
    record.write_text(
        world.path("state/web/record.json").read_text().replace("web/current", "web/current-other")
    )
    world.remove()
    assert os.listdir(world.path("opt/web")) == ["1.0"]


@pytest.mark.parametrize("point", ["activate", "gate", "record"])
def test_an_unfinished_deployment_is_removed_too(world: World, point: str) -> None:
    def kill(reached: str) -> None:
        if reached == point:
            raise Killed

    with pytest.raises(Killed):
        world.deploy(observe=kill, **FULL)
    world.remove()
    assert [p for p in ours(world) if not p.startswith("opt")] == ["sysusers/barehost-web.conf"]
    assert world.systemd.process is None


def test_what_an_unfinished_run_touched_of_others_comes_back(world: World) -> None:
    data = world.path("data/web/db")
    data.parent.mkdir()
    data.write_text("precious")

    def kill(point: str) -> None:
        if point == "gate":
            raise Killed

    world.systemd.on_command = lambda _argv: data.write_text("touched") and 0
    with pytest.raises(Killed):
        world.deploy(
            observe=kill, prepare=[{"name": "step", "argv": ["x"], "touches": [str(data)]}]
        )
    assert f"restore {data}" in world.remove()
    assert data.read_text() == "precious"


@pytest.mark.parametrize(("purge", "stays"), [(False, True), (True, False)])
def test_what_a_step_made_stays_with_the_data(world: World, purge: bool, stays: bool) -> None:
    store = world.path("etc/web/store")
    step = {"name": "keystore", "argv": ["x"], "touches": [str(store)]}
    world.systemd.on_command = lambda argv: argv == ["x"] and store.write_text("keys") and 0
    world.deploy(prepare=[step])
    spec = _parse.parse({**world.params(prepare=[step]), "state": "absent"}, world.layout)
    _absent.remove(spec, world.host, purge, False, 5)
    assert store.exists() is stays


def test_a_generated_secret_is_known_without_the_task(world: World) -> None:
    world.deploy(secrets=[{"path": "key", "generate": {"length": 5}}])
    world.remove()
    assert world.path("etc/web/key").exists()


def test_without_a_readable_record_nothing_is_removed(world: World) -> None:
    world.deploy()
    world.path("state/web/record.json").write_text("{}")
    before = world.tree()
    with pytest.raises(DaemonError, match="record.json can not be read, so it is not known"):
        world.remove()
    assert world.tree() == before


def test_purge_follows_a_link_to_the_data(world: World) -> None:
    world.deploy()
    disk = world.path("disk")
    (disk / "deep").mkdir(parents=True)
    (disk / "deep/db").touch()
    world.path("data/web").symlink_to(disk)
    assert f"remove {world.root}/data/web" in world.remove(purge=True)
    assert os.listdir(disk) == []
    assert not world.path("data/web").is_symlink()


def test_a_version_that_another_instance_has_started_without_a_record_stays(world: World) -> None:
    world.deploy()
    world.path("opt/web/current-other").symlink_to("1.0")
    world.remove()
    assert sorted(os.listdir(world.path("opt/web"))) == ["1.0", "current-other"]


def killing(function: Callable[..., Any]) -> Callable[..., Any]:
    def after(*args: Any, **options: Any) -> None:
        function(*args, **options)
        raise Killed

    return after


@pytest.mark.parametrize(
    ("owner", "name"),
    [(_files, "remove"), (_store.Store, "remove"), (shutil, "rmtree")],
)
@pytest.mark.parametrize("purge", [False, True])
def test_a_killed_removal_is_finished_by_the_next(
    world: World, owner: Any, name: str, purge: bool
) -> None:
    world.deploy(**FULL)
    world.path("data/web").mkdir()
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
        patch.setattr(owner, name, killing(getattr(owner, name)))
        world.remove(purge=purge)
    world.has_account = world.owns_account = False
    world.remove(purge=purge)
    assert ours(world) == ([] if purge else ["sysusers/barehost-web.conf"])
    assert world.systemd.process is None


def test_a_directory_that_daemons_share_goes_with_the_last_one(world: World) -> None:
    world.path("sysusers").rmdir()
    world.deploy(files=[{"path": f"{world.root}/shared/deep/a", "content": "a"}])
    world.path("sysusers/barehost-other.conf").touch()
    world.remove(purge=True)
    assert not world.path("shared").exists()
    assert os.listdir(world.path("sysusers")) == ["barehost-other.conf"]
    world.path("sysusers/barehost-other.conf").unlink()
    world.deploy()
    world.remove()
    assert os.listdir(world.path("sysusers")) == ["barehost-web.conf"]
    world.deploy()
    world.remove(purge=True)
    assert not world.path("sysusers").exists()
    assert not world.path("state").exists()


def test_a_directory_that_was_there_before_stays_though_it_is_empty(world: World) -> None:
    world.deploy()
    world.remove(purge=True)
    assert os.listdir(world.path("sysusers")) == []


@pytest.mark.parametrize(
    ("before", "after", "removed"),
    [
        ({}, {"more": True, "web": True}, ["more", "web"]),
        ({}, {"more": True}, ["more"]),  # userdel has taken the user's own
        ({"more": True}, {"more": True}, []),
        ({}, {"more": False}, []),
    ],
    ids=["left", "gone", "others", "in use"],
)
def test_purge_takes_the_groups_that_were_made(
    world: World, before: dict[str, bool], after: dict[str, bool], removed: list[str]
) -> None:
    account = {"group": "web", "groups": ["more"]}
    world.has_account, world.groups = False, before
    world.deploy(account=account)
    world.groups = after
    world.remove(purge=True, account=account)
    gone = [argv[1] for argv, _stdin in world.systemd.commands if argv[0] == "groupdel"]
    assert sorted(gone) == removed


def test_a_group_that_can_not_be_removed_is_told(world: World) -> None:
    world.has_account = False
    world.deploy(account={"group": "web"})
    world.groups["web"] = True
    world.systemd.on_command = lambda argv: 8 if argv[0] == "groupdel" else 0
    with pytest.raises(_transaction.Failure, match=r"the group web can not be removed \(exit 8\)"):
        world.remove(purge=True, account={"group": "web"})
