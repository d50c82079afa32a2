# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The staged set: what would be live, complete, and judged before anything is replaced."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon import (
    _desired,
    _host,
    _plan,
    _stage,
)
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._errors import DaemonError
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._store import Store
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._systemd import Status
from ansible_collections.barehost.monitoring.tests.unit.plugins.module_utils.daemon.fakes import (
    World,
)

RULES = {"path": "rules/a.yml", "content": "a", "on_change": "reload"}
KEY = {"path": "secrets/key", "content": "hidden"}


def build(world: World, **params: Any) -> Path:
    """Stage what a run with these parameters would stage."""
    spec = world.spec(**params)
    store = Store(str(world.path("state/web")))
    wanted = _desired.build(spec, store.salt(create=False), {}, {})
    seen = _host.observe(spec, wanted.state, world.host, store).seen
    plan = _plan.plan(spec, wanted.state, seen)
    stage = world.path("stage")
    stage.mkdir()
    return Path(_stage.build(spec, wanted, plan, str(stage)))


def tree(top: Path) -> dict[str, str]:
    return {str(p.relative_to(top)): p.read_text() for p in sorted(top.rglob("*")) if p.is_file()}


def test_a_fresh_host_is_staged(world: World) -> None:
    top = build(world, files=[RULES, {"path": "/elsewhere", "content": ""}], secrets=[KEY])
    assert tree(top) == {"rules/a.yml": "a", "secrets/key": "hidden", "web.conf": "one"}
    modes = {
        name: (top / name).stat().st_mode & 0o777 for name in ("", "rules", "secrets", "web.conf")
    }
    assert modes == {"": 0o755, "rules": 0o755, "secrets": 0o750, "web.conf": 0o640}
    assert not world.path("etc/web").exists()


def test_the_staged_set_has_the_files_of_others_and_not_the_pruned_ones(world: World) -> None:
    world.deploy(files=[RULES])
    own = world.path("etc/web/own")
    own.mkdir(mode=0o711)
    (own / "file").write_text("of somebody else")
    (own / "file").chmod(0o604)
    (own / "link").symlink_to("/nowhere")
    (own / "folder").symlink_to(".")
    before = world.tree()
    top = build(world, config="two", secrets=[KEY])
    found = tree(top)
    assert found == {"own/file": "of somebody else", "secrets/key": "hidden", "web.conf": "two"}
    links = [os.readlink(top / "own" / name) for name in ("link", "folder")]
    assert links == ["/nowhere", "."]
    modes = [(top / name).stat().st_mode & 0o777 for name in ("own", "own/file")]
    assert modes == [0o711, 0o604]
    assert {k: v for k, v in world.tree().items() if not k.startswith("stage")} == before


def judge(world: World, params: dict[str, Any], starts: bool, faults: list[str]) -> list[str]:
    staged = build(world, **params)
    spec = world.spec(**params)
    try:
        _stage.check(spec, world.host, str(staged), Status(), starts, faults)
    except DaemonError as exc:
        return str(exc).splitlines()
    return []


SUITES: list[tuple[dict[str, Any], bool, list[str], int]] = [
    ({}, True, [], 0),
    ({}, True, ["found before"], 1),
    ({"config": "broken"}, True, [], 1),
    ({"config": "broken", "requires": ["a", "web.conf", "/b"]}, True, ["found before"], 4),
    ({"checks": [{"argv": ["x"], "refuse": "SUCCESS$"}]}, False, [], 1),
    ({"checks": [{"argv": ["x"], "refuse": "WARNING"}]}, False, [], 0),
    ({"checks": []}, False, [], 0),
]


@pytest.mark.parametrize(("params", "starts", "faults", "lines"), SUITES)
def test_every_fault_is_told(
    world: World, params: dict[str, Any], starts: bool, faults: list[str], lines: int
) -> None:
    assert len(judge(world, params, starts, list(faults))) == lines


@pytest.mark.parametrize(("starts", "lines"), [(True, ["port 80 is held by nginx"]), (False, [])])
def test_the_port_counts_only_when_the_daemon_starts(
    world: World, starts: bool, lines: list[str]
) -> None:
    world.foreign.append("port 80 is held by nginx")
    assert judge(world, {}, starts, []) == lines


def test_checks_run_with_the_new_release_and_see_the_final_paths(world: World) -> None:
    argv = ["{release}/web", "{config}/a {x}", "{data}"]
    judge(world, {"version": "2.0", "checks": [{"argv": argv}]}, False, [])
    root = world.root
    wanted = (f"{root}/opt/web/2.0/web", f"{root}/etc/web/a {{x}}", f"{root}/data/web")
    assert world.systemd.checks == [wanted]


def test_the_unit_is_judged_with_the_new_releases_binaries(world: World) -> None:
    spec = world.spec(version="2.0")
    stage = world.path("stage")
    stage.mkdir()
    world.systemd.verdicts.append("web.service:3: Unknown key")
    wanted = _desired.build(spec, b"", {}, {})
    found = _stage.verify_unit(spec, wanted, world.host, str(stage))
    assert found == [f"{spec.unit_path}: web.service:3: Unknown key"]
    assert f"ExecStart={world.root}/opt/web/2.0/web" in (stage / "web.service").read_text()
