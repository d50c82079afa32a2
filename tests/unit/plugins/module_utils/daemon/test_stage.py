# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The staged set: what would be live, complete, and judged before anything is replaced."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon import (
    _desired,
    _host,
    _plan,
    _stage,
    _transaction,
    _tree,
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


A, B = ({"path": f"rules/{name}.yml", "content": f"new {name}"} for name in "ab")
DEEP = {"path": "rules/sub/a.yml", "content": "new deep"}
LIVE = {"rules/a.yml": "live a", "rules/other.yml": "other", "web.conf": "one"}
# Links of the host (link: target, ROOT stands for the host's), files of the task, staged text.
LINKS: dict[str, tuple[dict[str, str], list[dict[str, Any]], dict[str, str]]] = {
    "nothing is written there": ({"etc/web/rules": "ROOT/srv"}, [], LIVE),
    "absolute": (
        {"etc/web/rules": "ROOT/srv"},
        [A, B],
        {**LIVE, "rules/a.yml": "new a", "rules/b.yml": "new b"},
    ),
    "relative": ({"etc/web/rules": "../../srv"}, [A], {**LIVE, "rules/a.yml": "new a"}),
    "by another link": (
        {"etc/web/rules": "ROOT/hop", "hop": "srv"},
        [A],
        {**LIVE, "rules/a.yml": "new a"},
    ),
    "by another link of the configuration": (
        {"etc/web/rules": "hop", "etc/web/hop": "ROOT/srv"},
        [A],
        {**LIVE, "rules/a.yml": "new a"},
    ),
    "nested": (
        {"etc/web/rules": "ROOT/srv", "srv/sub": "../more"},
        [DEEP],
        {**LIVE, "rules/sub/a.yml": "new deep", "rules/sub/m.yml": "more"},
    ),
    "nested and not written": (
        {"etc/web/rules": "ROOT/srv", "srv/sub": "../more"},
        [A],
        {**LIVE, "rules/a.yml": "new a", "rules/sub/m.yml": "more"},
    ),
    "nested, within the directory outside": (
        {"etc/web/rules": "ROOT/srv", "srv/one.yml": "a.yml", "srv/two.yml": "ROOT/srv/a.yml"},
        [A],
        {**LIVE, "rules/a.yml": "new a", "rules/one.yml": "new a", "rules/two.yml": "new a"},
    ),
    "nested, back into the configuration": (
        {"etc/web/rules": "ROOT/srv", "srv/sub": "ROOT/etc/web/own"},
        [DEEP],
        {**LIVE, "rules/sub/a.yml": "new deep"},
    ),
    "to a file": (
        {"etc/web/rules": "ROOT/srv", "srv/b.yml": "ROOT/more/m.yml"},
        [B],
        {**LIVE, "rules/b.yml": "new b"},
    ),
    "within the configuration": (
        {"etc/web/rules": "own"},
        [A],
        {"rules/a.yml": "new a", "web.conf": "one"},
    ),
    "within the configuration, absolute": (
        {"etc/web/rules": "ROOT/etc/web/own"},
        [A],
        {"rules/a.yml": "new a", "web.conf": "one"},
    ),
    "of the configuration itself": (
        {"etc/web/rules": "ROOT/real/own", "etc/web": "ROOT/real"},
        [A],
        {"rules/a.yml": "new a", "web.conf": "one"},
    ),
}


def seen_from(world: World, top: Path) -> dict[str, str]:
    """What a check sees: the staged set mounted over the configuration directory."""
    live = world.path("etc/web").resolve()
    aside = live.with_name("aside")
    live.rename(aside)
    try:
        shutil.copytree(top, live, symlinks=True)
        walk = os.walk(world.path("etc/web"), followlinks=True)
        paths = sorted(Path(folder, name) for folder, _folders, names in walk for name in names)
        return {str(p.relative_to(world.path("etc/web"))): p.read_text() for p in paths}
    finally:
        shutil.rmtree(live)
        aside.rename(live)


def lay_out(world: World, links: dict[str, str]) -> None:
    """A host with links in its configuration directory, and directories that they point to."""
    config = world.path("real" if "etc/web" in links else "etc/web")
    for folder, name, text in (
        (world.path("srv"), "a.yml", "live a"),
        (world.path("srv"), "other.yml", "other"),
        (world.path("more"), "m.yml", "more"),
        (config / "own", "", ""),
    ):
        folder.mkdir(parents=True, exist_ok=True)
        if name:
            (folder / name).write_text(text)
    for link, target in sorted(links.items()):
        world.path(link).symlink_to(target.replace("ROOT", str(world.root)))


@pytest.mark.parametrize(("links", "files", "wanted"), LINKS.values(), ids=LINKS)
def test_what_lies_behind_links_is_staged_and_not_touched(
    world: World, links: dict[str, str], files: list[dict[str, Any]], wanted: dict[str, str]
) -> None:
    lay_out(world, links)
    before = world.tree()
    top = build(world, files=files)
    assert {k: v for k, v in world.tree().items() if not k.startswith("stage")} == before
    found = seen_from(world, top)
    assert {k: v for k, v in found.items() if not k.startswith(("own/", "hop/"))} == wanted


def test_links_of_the_configuration_stay_links_where_they_lead_into_it(world: World) -> None:
    lay_out(world, {"etc/web/rules": "own", "etc/web/hop": "ROOT/srv"})
    top = build(world, files=[A])
    assert os.readlink(top / "rules") == "own"
    assert os.readlink(top / "hop") == str(world.path("srv"))
    assert (top / "own/a.yml").read_text() == "new a"


@pytest.mark.parametrize("given", [[], [B]])
def test_what_is_pruned_behind_a_link_stays_until_the_commit(
    world: World, given: list[dict[str, Any]]
) -> None:
    lay_out(world, {"etc/web/rules": "ROOT/srv"})
    world.deploy(files=[A, B])
    before = world.tree()
    top = build(world, files=given)
    assert {k: v for k, v in world.tree().items() if not k.startswith("stage")} == before
    left = {f"rules/{name}.yml" for name in ("other", *("b" for _file in given))}
    assert set(seen_from(world, top)) - {"web.conf"} == left


@pytest.mark.parametrize("config", ["one", "broken"])
def test_a_refused_file_behind_a_link_leaves_the_live_one(world: World, config: str) -> None:
    lay_out(world, {"etc/web/rules": "ROOT/srv"})
    world.deploy(files=[A])
    before = world.path("srv/a.yml").stat()
    with pytest.raises(_transaction.Failure) as caught:
        world.deploy(config=config, files=[{**A, "content": "broken"}])
    assert caught.value.phase == "check"
    assert (world.path("srv/a.yml").read_text(), world.path("srv/a.yml").stat()) == (
        "new a",
        before,
    )


WAYS: list[tuple[dict[str, str], str]] = [
    ({"etc/web/rules": "ROOT/none"}, "/etc/web/rules is in the way: it is no directory"),
    ({"etc/web/rules": "ROOT/more/m.yml"}, "/etc/web/rules is in the way: it is no directory"),
    ({"etc/web/rules": "ROOT"}, "/etc/web/rules is a link to ROOT, which holds the staged set"),
]


@pytest.mark.parametrize(("links", "words"), WAYS)
def test_a_link_that_leads_nowhere_is_named(
    world: World, links: dict[str, str], words: str
) -> None:
    lay_out(world, links)
    with pytest.raises(DaemonError) as caught:
        build(world, files=[A])
    assert words.replace("ROOT", str(world.root)) in str(caught.value)


def test_links_in_a_circle_end(world: World) -> None:
    world.path("etc/web").mkdir()
    (world.path("etc/web/a")).symlink_to("b")
    (world.path("etc/web/b")).symlink_to("a")
    assert tree(build(world)) == {"web.conf": "one"}
    with pytest.raises(DaemonError, match="links lead in a circle"):
        _tree.place(str(world.path("etc/web")), str(world.path("stage/config")), "a/x")


def test_what_is_no_configuration_is_no_obstacle(world: World) -> None:
    world.path("etc/web").mkdir()
    os.mkfifo(world.path("etc/web/pipe"))
    top = build(world, files=[{"path": "..a", "content": "dots"}])
    assert tree(top) == {"..a": "dots", "web.conf": "one"}
    assert not (top / "pipe").exists()


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
    # The same words of a second checker are no second fault; those of a third that judges otherwise are.
    ({"config": "broken", "checks": [{"argv": ["x"]}, {"argv": ["y"]}]}, False, [], 1),
    ({"checks": [{"argv": ["x"]}, {"argv": ["y"], "refuse": "CCES"}]}, False, [], 1),
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
