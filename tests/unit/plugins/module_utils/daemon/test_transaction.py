# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A deployment is a transaction: each guarantee, on a host of the tests' own."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon import (
    _diff,
    _errors,
    _phases,
    _store,
    _transaction,
)
from ansible_collections.barehost.monitoring.tests.unit.plugins.module_utils.daemon.fakes import (
    Killed,
    World,
)

Params = dict[str, Any]
RULES: Params = {"path": "rules/a.yml", "content": "a", "on_change": "reload"}
FLAGS: Params = {"path": "flags", "content": "f"}


def failure(world: World, **params: Any) -> _transaction.Failure:
    with pytest.raises(_transaction.Failure) as caught:
        world.deploy(**params)
    return caught.value


def killing_at(point: str) -> Callable[[str], None]:
    def observe(reached: str) -> None:
        if reached == point:
            raise Killed

    return observe


def shown(actions: tuple[str, ...], world: World) -> list[str]:
    return [action.replace(f"{world.root}/", "") for action in actions]


# -- what a run does ----------------------------------------------------------


def test_a_first_run_deploys_everything_in_its_order(world: World) -> None:
    world.has_account = False
    outcome = world.deploy(files=[RULES])
    assert shown(outcome.plan.actions, world) == [
        "install web 1.0 (not installed)",
        "create the account web",
        "write binaries/web",
        "write etc/web/rules/a.yml",
        "write etc/web/web.conf",
        "write opt/web/current",
        "write sysusers/barehost-web.conf",
        "write units/web.service",
        "enable web.service",
        "start web.service (it is inactive)",
    ]
    assert (outcome.version, outcome.previous_version, outcome.plan.repaired) == ("1.0", "", ())
    assert world.systemd.log == ["sysusers", "enable", "daemon-reload", "restart"]
    assert world.path("etc/web/web.conf").read_text() == "one"
    assert os.access(world.path("binaries/web"), os.X_OK)
    assert world.systemd.process and world.systemd.process.state == world.record()["activation"]
    assert sorted(os.listdir(world.path("state/web"))) == ["lock", "objects", "record.json", "salt"]


def test_phases_come_in_their_order(world: World) -> None:
    points: list[str] = []
    world.deploy(observe=points.append)
    commits = [f"commit:{world.root}/{p}" for p in ("binaries/web", "etc/web/web.conf")]
    commits += [f"commit:{world.root}/{p}" for p in ("opt/web/current",)]
    commits += [f"commit:{world.root}/{p}" for p in ("sysusers/barehost-web.conf",)]
    commits += [f"commit:{world.root}/units/web.service"]
    assert points == ["plan", "stage", "check", "commit", *commits, "activate", "gate", "record"]


def test_nothing_to_change_writes_nothing_and_asks_little(world: World) -> None:
    params: Params = {"files": [RULES], "secrets": [{"path": "key", "generate": {}}]}
    world.deploy(**params)
    before, calls = world.tree(), list(world.systemd.log)
    world.asked.clear()
    world.systemd.asked = 0
    outcome = world.deploy(**params)
    assert (outcome.plan.changed, outcome.plan.actions, outcome.warnings) == (False, (), [])
    assert world.tree() == before
    assert (world.asked, world.systemd.asked, world.systemd.log) == ([], 1, calls)


CHANGES: list[tuple[str, Params, Params, list[str], str]] = [
    ("reload", {}, {"config": "two"}, ["reload"], "write etc/web/web.conf"),
    (
        "restart",
        {"files": [FLAGS]},
        {"files": [{**FLAGS, "content": "g"}]},
        ["daemon-reload", "restart"],
        "write etc/web/flags",
    ),
    (
        "none",
        {"files": [{**FLAGS, "on_change": "none"}]},
        {"files": [{**FLAGS, "on_change": "none", "content": "g"}]},
        [],
        "write etc/web/flags",
    ),
    (
        "mode",
        {},
        {"files": [{**FLAGS, "mode": "0600"}]},
        ["daemon-reload", "restart"],
        "write etc/web/flags",
    ),
    ("pruned", {"files": [RULES]}, {}, ["reload"], "remove etc/web/rules/a.yml"),
    ("upgrade", {}, {"version": "2.0"}, ["daemon-reload", "restart"], "write opt/web/current"),
    (
        "environment",
        {},
        {"environment": {"A": "b"}},
        ["daemon-reload", "restart"],
        "write units/web.service",
    ),
    (
        "health",
        {},
        {"health": {"timeout": 6, "settle": 0}},
        [],
        "record the state of the running service",
    ),
]


@pytest.mark.parametrize(
    ("first", "second", "calls", "action"), [c[1:] for c in CHANGES], ids=[c[0] for c in CHANGES]
)
def test_a_change_triggers_what_it_needs(
    world: World, first: Params, second: Params, calls: list[str], action: str
) -> None:
    world.deploy(**first)
    world.systemd.log.clear()
    outcome = world.deploy(**second)
    assert action in shown(outcome.plan.actions, world)
    assert (world.systemd.log, outcome.plan.repaired) == (calls, ())
    loaded = world.systemd.process and world.systemd.process.loaded
    assert (loaded == world.systemd.config) == bool(calls or "files" not in first)
    assert not world.deploy(**second).plan.changed


def test_a_pruned_file_takes_its_directory_along_but_not_the_files_of_others(world: World) -> None:
    world.deploy(files=[RULES, {**RULES, "path": "more/b.yml"}])
    world.path("etc/web/more/own").write_text("of somebody else")
    world.deploy()
    assert sorted(os.listdir(world.path("etc/web"))) == ["more", "web.conf"]
    assert os.listdir(world.path("etc/web/more")) == ["own"]


def test_old_versions_are_forgotten(world: World) -> None:
    for version in ("1.0", "2.0", "3.0"):
        world.deploy(version=version)
    assert sorted(os.listdir(world.path("opt/web"))) == ["2.0", "3.0", "current"]


def test_an_optional_condition_is_a_warning(world: World) -> None:
    assert world.deploy(config="warn").warnings == ["http://web: redis_up is 0"]
    assert world.deploy(config="warn").warnings == ["http://web: redis_up is 0"]


# -- check mode ---------------------------------------------------------------


@pytest.mark.parametrize("before", [None, {}, {"config": "two", "files": [RULES]}])
def test_check_mode_says_what_a_run_does_and_writes_nothing(
    world: World, before: Params | None
) -> None:
    if before is not None:
        world.deploy(**before)
    found, calls = world.tree(), list(world.systemd.log)
    world.asked.clear()
    said = world.deploy(check=True, version="2.0", files=[FLAGS])
    assert (world.tree(), world.asked, world.systemd.log) == (found, [], calls)
    done = world.deploy(version="2.0", files=[FLAGS])
    assert said.plan.actions == done.plan.actions != ()
    assert [d for d in _diff.diffs(said.plan, said.contents) if "units" not in str(d)] == [
        d for d in _diff.diffs(done.plan, done.contents) if "units" not in str(d)
    ]


# -- failures -----------------------------------------------------------------


REFUSED: list[tuple[str, Params, Callable[[World], object], str]] = [
    (
        "checker",
        {"config": "broken"},
        lambda w: None,
        "web check {etc}/web.conf refuses it (exit 1): web.conf:1: broken",
    ),
    (
        "pattern",
        {"config": "x", "checks": [{"argv": ["{release}/web"], "refuse": "SUC+"}]},
        lambda w: None,
        "web reports 'SUCC': SUCCESS",
    ),
    (
        "unit",
        {"config": "x"},
        lambda w: w.systemd.verdicts.append("web.service:3: Unknown key"),
        "Unknown key",
    ),
    (
        "port",
        {"version": "2.0"},
        lambda w: w.foreign.append("port 80 is held by nginx (pid 7)"),
        "port 80 is held by nginx",
    ),
    ("mirror", {"version": "9.0"}, lambda w: None, "9.0"),
    (
        "digest",
        {"version": "2.0"},
        lambda w: w.files.update(
            {"http://mirror/v2.0/sums": b"0" * 64 + b"  web-2.0.linux-amd64.tar.gz\n"}
        ),
        "is wanted",
    ),
    ("in the way", {"files": [{"path": "web.conf/x", "content": ""}]}, lambda w: None, "web.conf"),
]


@pytest.mark.parametrize(
    ("params", "prepare", "message"), [r[1:] for r in REFUSED], ids=[r[0] for r in REFUSED]
)
@pytest.mark.parametrize("first", [True, False], ids=["fresh", "running"])
def test_what_is_refused_replaces_nothing(
    world: World, params: Params, prepare: Callable[[World], object], message: str, first: bool
) -> None:
    if not first:
        world.deploy()
    live = ("etc", "units", "binaries", "sysusers", "data")

    def found() -> tuple[object, ...]:
        tree = {k: v for k, v in world.tree(times=False).items() if k.startswith(live)}
        link = world.path("opt/web/current")
        return tree, world.systemd.process, world.systemd.enabled, link.exists() and link.resolve()

    before = found()
    prepare(world)
    world.files.setdefault("http://mirror/v9.0/web-9.0.linux-amd64.tar.gz", b"")
    world.files.setdefault("http://mirror/v9.0/sums", b"")
    try:
        error: _errors.DaemonError = failure(world, **params)
        assert not getattr(error, "rolled_back", False)
        assert getattr(error, "phase", "") in ("stage", "check")
    except _errors.SpecError as exc:
        error = exc
    assert message.format(etc=world.path("etc/web")) in str(error)
    assert found() == before
    assert not world.path("state/web/transaction.json").exists()
    assert not world.path("state/web/stage").exists()


def test_all_faults_are_told_at_once(world: World) -> None:
    world.foreign.append("port 80 is held by nginx")
    error = failure(world, config="broken", requires=["tls/key.pem", "web.conf", "no"])
    etc = world.path("etc/web")
    assert str(error).splitlines() == [
        f"1. {etc}/tls/key.pem is missing or not readable by the user web",
        f"2. {etc}/no is missing or not readable by the user web",
        f"3. web check {etc}/web.conf refuses it (exit 1): web.conf:1: broken",
        "4. port 80 is held by nginx",
        "Nothing was replaced",
    ]
    said = world.deploy(check=True).warnings
    assert said == ["port 80 is held by nginx: a real run would refuse"]


UNHEALTHY: list[tuple[str, Params, str, str]] = [
    ("sick", {"config": "sick"}, "gate", "not healthy after 5 s: http://web: answers 503"),
    ("stubborn", {"config": "stubborn"}, "gate", "did not change"),
    ("crash", {"files": [{**FLAGS, "content": "crash"}]}, "gate", "web.service died: exit-code"),
    ("upgrade", {"version": "2.0", "config": "sick"}, "gate", "answers 503"),
    ("pruned", {"config": "sick", "files": [FLAGS]}, "gate", "answers 503"),
]


@pytest.mark.parametrize(
    ("params", "phase", "message"), [u[1:] for u in UNHEALTHY], ids=[u[0] for u in UNHEALTHY]
)
def test_an_unhealthy_state_is_taken_back(
    world: World, params: Params, phase: str, message: str
) -> None:
    first: Params = {"files": [RULES], "secrets": [{"path": "key", "content": "hidden"}]}
    world.deploy(**first)
    before = world.state()
    error = failure(world, **{**first, **params})
    assert message in str(error)
    assert "Rolled back: the previous state (version 1.0) is back and healthy" in str(error)
    assert (error.phase, error.rolled_back, error.journal) == (phase, True, ["last words"])
    after = world.state()
    ours = [
        {k: v for k, v in s[0].items() if "/objects" not in k and "2.0" not in k}
        for s in (before, after)
    ]
    assert ours[0] == ours[1]
    assert after[1:] == before[1:]
    assert not world.deploy(**first).plan.changed


@pytest.mark.parametrize("config", ["sick", "crash"])
def test_a_failed_first_installation_leaves_nothing(world: World, config: str) -> None:
    world.path("data/web").mkdir()
    world.path("data/web/data").write_text("kept")
    before = {k: v for k, v in world.tree(times=False).items() if k.startswith(("etc", "units"))}
    error = failure(world, config=config)
    assert "the first installation was taken back; its data directory is kept" in str(error)
    assert error.rolled_back
    found = world.tree(times=False)
    assert {k: v for k, v in found.items() if k.startswith(("etc", "units"))} == before
    assert not [k for k in found if k.startswith(("binaries/", "sysusers/", "opt/web/current"))]
    systemd = world.systemd
    assert (systemd.process, systemd.enabled, systemd.failed, systemd.unit) == (
        None,
        False,
        False,
        "",
    )
    assert world.path("data/web/data").read_text() == "kept"
    assert world.deploy().plan.changed
    assert not world.deploy().plan.changed


def test_files_from_before_the_first_installation_come_back(world: World) -> None:
    world.path("etc/web").mkdir()
    world.path("etc/web/web.conf").write_text("by hand")
    world.path("etc/web/web.conf").chmod(0o600)
    world.systemd.unit_path.write_text("by hand")
    world.systemd.control("daemon-reload")
    world.systemd.control("restart")
    error = failure(world, config="sick")
    assert "the files that were there before are back" in str(error)
    assert world.path("etc/web/web.conf").read_text() == "by hand"
    assert world.path("etc/web/web.conf").stat().st_mode & 0o777 == 0o600
    assert world.systemd.unit == "by hand"
    assert world.systemd.process and world.systemd.process.loaded == world.systemd.config


def test_an_edit_by_hand_does_not_count_as_good(world: World) -> None:
    world.deploy()
    world.path("etc/web/web.conf").write_text("edited")
    failure(world, config="sick")
    assert world.path("etc/web/web.conf").read_text() == "one"


def test_a_failed_roll_back_says_so_and_the_next_run_converges(world: World) -> None:
    world.deploy()
    world.systemd.sick_for_ever = True
    error = failure(world, config="two")
    assert "ROLL-BACK FAILED: the previous state is back, but not healthy either" in str(error)
    assert "run again: the last good state is still kept" in str(error)
    assert (error.rolled_back, error.phase) == (False, "gate")
    world.systemd.sick_for_ever = False
    assert world.deploy(config="two").plan.changed
    assert not world.deploy(config="two").plan.changed
    assert not world.path("state/web/transaction.json").exists()


def test_a_forbidden_roll_back_is_not_done(world: World) -> None:
    world.deploy()
    error = failure(world, config="sick", rollback=False)
    assert "Not rolled back, as this daemon's description forbids it" in str(error)
    assert not error.rolled_back
    assert world.path("etc/web/web.conf").read_text() == "sick"
    failure(world, config="sick", version="2.0", rollback=False)
    assert world.path("opt/web/current/web").exists()  # what the unit starts is still there
    world.deploy(config="two")
    assert not world.deploy(config="two").plan.changed


def test_a_forbidden_roll_back_is_done_before_anything_was_started(world: World) -> None:
    world.deploy(files=[{"path": "z", "content": "1"}])

    def full(point: str) -> None:
        if point.endswith("etc/web/z"):
            raise OSError(28, "No space left on device")

    more: Params = {"files": [{"path": "z", "content": "2"}], "rollback": False}
    error = failure(world, config="two", version="2.0", observe=full, **more)
    assert (error.phase, error.rolled_back) == ("commit", True)
    assert world.path("etc/web/web.conf").read_text() == "one"
    assert os.readlink(world.path("opt/web/current")) == "1.0"


def test_a_run_with_nothing_to_do_still_tells_that_the_service_is_sick(world: World) -> None:
    world.deploy()
    world.systemd.sick_for_ever = True
    before = world.tree()
    error = failure(world)
    assert "runs the wanted state but is not well" in str(error)
    assert "systemctl restart web.service" in str(error)
    assert (error.phase, error.rolled_back) == ("gate", False)
    assert world.tree() == before


def test_a_system_error_is_a_sentence(world: World) -> None:
    world.deploy()
    world.path("etc/web/web.conf").unlink()
    world.path("etc/web/web.conf").mkdir()
    assert f"{world.path('etc/web/web.conf')} is not a file but something else" in str(
        failure(world)
    )


# -- runs that end too early --------------------------------------------------


class Reaper:
    """Kills a run before its n-th effect; once dead, nothing has an effect any more."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch, last: int) -> None:
        self.count, self.last = 0, last
        self.dead = False
        self._directories: set[int] = set()  # a lock ends with its process, here with release()
        for name in ("replace", "unlink", "rename", "rmdir", "mkdir", "symlink"):
            monkeypatch.setattr(os, name, self._wrapped(getattr(os, name)))
        world.systemd.on_call = self._strike
        opened, closed = os.open, os.close

        def open_(path: Any, flags: int, *args: Any, **options: Any) -> int:
            fd = opened(path, flags, *args, **options)
            if flags & os.O_DIRECTORY:
                self._directories.add(fd)
            return fd

        def close(fd: int) -> None:
            closed(fd)
            self._directories.discard(fd)

        monkeypatch.setattr(os, "open", open_)
        monkeypatch.setattr(os, "close", close)

    def release(self) -> None:
        """Close what the dead run has left open."""
        for fd in list(self._directories):
            os.close(fd)

    def _wrapped(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def effect(*args: Any, **options: Any) -> Any:
            self._strike("")
            return function(*args, **options)

        return effect

    def _strike(self, _words: str) -> None:
        self.count += 1
        if self.dead or self.count > self.last:
            self.dead = True
            raise Killed


SCENARIOS: list[tuple[str, Params | None, Params]] = [
    ("first", None, {"files": [RULES], "secrets": [{"path": "key", "content": "k"}]}),
    ("upgrade", {"files": [RULES, FLAGS]}, {"version": "2.0", "config": "two", "files": [FLAGS]}),
    ("reload", {"files": [RULES]}, {"config": "two"}),
]
ROWS, NAMES = [s[1:] for s in SCENARIOS], [s[0] for s in SCENARIOS]


def begin(world: World, first: Params | None) -> None:
    world.fresh()
    world.salted()
    if first is not None:
        world.deploy(**first)


@pytest.mark.parametrize(("first", "second"), ROWS, ids=NAMES)
def test_a_run_killed_before_any_effect_is_finished_by_the_next(
    world: World, first: Params | None, second: Params
) -> None:
    begin(world, first)
    world.deploy(**second)
    wanted = world.state()
    wrong: dict[int, list[str]] = {}
    for last in range(1000):
        begin(world, first)
        with pytest.MonkeyPatch.context() as patch:
            reaper = Reaper(world, patch, last)
            try:
                world.deploy(**second)
            except Killed:
                pass
            finally:
                reaper.release()
        world.systemd.on_call = lambda words: None
        world.deploy(**second)
        if not reaper.dead:
            break
        wrong |= {last: found} if (found := world.differences(wanted)) else {}
    assert wrong == {}
    assert last > 10


@pytest.mark.parametrize(("first", "second"), ROWS, ids=NAMES)
def test_after_a_kill_the_last_good_state_can_still_be_restored(
    world: World, first: Params | None, second: Params
) -> None:
    if first is None:
        pytest.skip("there is no state before the first")
    begin(world, first)
    points: list[str] = []
    world.deploy(observe=points.append, **second)
    begin(world, first)
    good = world.state()
    for point in points:
        begin(world, first)

        kill = killing_at(point)

        with pytest.raises(Killed):
            world.deploy(observe=kill, **second)
        error = failure(world, config="sick", files=[{**RULES, "path": "other"}])
        assert error.rolled_back, point
        found = world.state()
        live = [
            {k: v for k, v in s[0].items() if k.startswith(("etc", "units", "binaries"))}
            for s in (good, found)
        ]
        assert live[0] == live[1], point
        assert found[1:] == good[1:], point


@pytest.mark.parametrize(("first", "second"), ROWS, ids=NAMES)
@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), _errors.Interrupted("x")]
)
def test_an_error_at_any_point_is_rolled_back_or_replaces_nothing(
    world: World, first: Params | None, second: Params, error: Exception
) -> None:
    begin(world, first)
    points: list[str] = []
    world.deploy(observe=points.append, **second)
    wanted = world.state()
    begin(world, first)
    good = world.state()
    for point in points:
        begin(world, first)

        def strike(reached: str, at: str = point) -> None:
            if reached == at:
                raise error

        caught = failure(world, observe=strike, **second)
        early = point in ("plan", "stage", "check")
        assert (caught.phase, caught.rolled_back) == (point.partition(":")[0], not early)
        assert world.state()[1:] == good[1:], point
        kept = ("etc", "units", "binaries", "sysusers")
        assert {k: v for k, v in world.state()[0].items() if k.startswith(kept)} == {
            k: v for k, v in good[0].items() if k.startswith(kept)
        }, point
        assert not world.path("state/web/transaction.json").exists()
        world.deploy(**second)
        assert world.differences(wanted) == [], point


def test_a_lost_activation_is_noticed(world: World) -> None:
    world.deploy(files=[FLAGS])

    def killed(*_args: object) -> None:
        raise Killed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_phases, "activate", killed)
        patch.setattr(_store.Store, "begin", lambda *_args: None)
        with pytest.raises(Killed):
            world.deploy(files=[{**FLAGS, "content": "new"}])
    # The files are the wanted ones, and no transaction tells that they were never activated.
    outcome = world.deploy(files=[{**FLAGS, "content": "new"}])
    assert outcome.plan.actions == (
        "restart web.service (the running process was started from another state)",
    )
    assert world.systemd.process and world.systemd.process.loaded == world.systemd.config


def test_a_lost_reload_is_noticed(world: World) -> None:
    world.deploy()
    world.path("etc/web/web.conf").write_text("two")
    outcome = world.deploy(config="two")
    assert outcome.plan.activation == "reload"
    assert world.systemd.process and "two" in world.systemd.process.loaded


# -- drift --------------------------------------------------------------------


def relink(world: World) -> None:
    world.path("opt/web/current").unlink()
    world.path("opt/web/current").symlink_to("elsewhere")


DRIFT: list[tuple[str, Callable[[World], object], str]] = [
    (
        "edit",
        lambda w: w.path("etc/web/web.conf").write_text("by hand"),
        "etc/web/web.conf was edited",
    ),
    ("remove", lambda w: w.path("etc/web/web.conf").unlink(), "etc/web/web.conf was removed"),
    (
        "chmod",
        lambda w: w.path("etc/web/flags").chmod(0o666),
        "etc/web/flags was given another mode or owner (0666 root:root, wanted 0640 root:root)",
    ),
    ("link", relink, "opt/web/current was pointed elsewhere"),
    (
        "unit",
        lambda w: w.systemd.unit_path.write_text("[Service]\n"),
        "units/web.service was edited",
    ),
    ("no unit", lambda w: w.systemd.unit_path.unlink(), "units/web.service was removed"),
    ("secret", lambda w: w.path("etc/web/key").write_text("other"), "etc/web/key was edited"),
    ("stop", lambda w: w.systemd.control("stop"), "web.service was inactive (success)"),
    ("disable", lambda w: w.systemd.control("disable"), "web.service was not enabled"),
]


@pytest.mark.parametrize(("drift", "named"), [d[1:] for d in DRIFT], ids=[d[0] for d in DRIFT])
def test_drift_is_repaired_and_named(
    world: World, drift: Callable[[World], object], named: str
) -> None:
    params: Params = {"files": [FLAGS], "secrets": [{"path": "key", "content": "k"}]}
    world.deploy(**params)
    wanted = world.state()
    drift(world)
    said = world.deploy(check=True, **params)
    outcome = world.deploy(**params)
    assert named in shown(outcome.plan.repaired, world)
    assert (outcome.plan.repaired, outcome.plan.actions) == (said.plan.repaired, said.plan.actions)
    assert world.differences(wanted) == []
    assert not world.deploy(**params).plan.changed


def test_a_damaged_release_is_installed_anew(world: World) -> None:
    world.deploy()
    world.path("opt/web/1.0/web").write_bytes(b"")
    outcome = world.deploy()
    assert outcome.plan.actions[0].startswith("install web 1.0 (web is 0 bytes")
    assert outcome.plan.repaired[0].startswith("the release 1.0: web is 0 bytes")
    assert world.path("opt/web/1.0/web").read_bytes() == b"\x7fELF1.0"
    assert world.systemd.log[-1] == "restart"  # what ran was the damaged one


@pytest.mark.parametrize("end", ["refused", "killed"])
def test_a_repaired_release_is_started_even_when_the_repairing_run_did_not_get_there(
    world: World, end: str
) -> None:
    world.deploy()
    world.path("opt/web/1.0/web").write_bytes(b"")
    if end == "refused":
        assert failure(world, config="broken").phase == "check"
    else:
        with pytest.raises(Killed):
            world.deploy(observe=killing_at("check"))
    world.systemd.log.clear()
    assert world.deploy().plan.actions == ("restart web.service (an earlier run did not finish)",)
    assert world.systemd.log == ["restart"]
    assert not world.deploy().plan.changed


def test_an_unreadable_record_is_made_again_with_a_warning(world: World) -> None:
    world.deploy()
    world.path("state/web/record.json").write_text('{"format": 99}')
    outcome = world.deploy()
    assert "record.json could not be read and is written anew" in outcome.warnings[0]
    assert not world.deploy().warnings


@pytest.mark.parametrize("point", ["activate", "gate"])
def test_a_file_that_became_a_directory_stops_no_run(world: World, point: str) -> None:
    world.deploy(files=[{"path": "rules", "content": "x"}])
    below: Params = {"files": [{"path": "rules/a", "content": "x"}]}
    with pytest.raises(Killed):
        world.deploy(observe=killing_at(point), **below)
    world.deploy(**below)
    assert world.path("etc/web/rules/a").read_text() == "x"
    assert not world.deploy(**below).plan.changed


def test_a_run_interrupted_after_its_record_takes_nothing_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.deploy(files=[{"path": "old.rule", "content": "x"}])
    end = _store.Store.end

    def interrupted(_self: Any) -> None:
        monkeypatch.setattr(_store.Store, "end", end)
        raise _errors.Interrupted("the run was interrupted")

    monkeypatch.setattr(_store.Store, "end", interrupted)
    error = failure(world, config="two")
    assert "is deployed and healthy, but the run did not end: the run was interrupted" in str(error)
    assert (error.phase, error.rolled_back) == ("record", False)
    assert not world.path("etc/web/old.rule").exists()
    assert not world.deploy(config="two").plan.changed


def test_a_fault_of_the_module_itself_is_taken_back_too(world: World) -> None:
    world.deploy()
    probe, faults = world.probe, [TypeError("no such thing")]

    def faulty(health: Any, baseline: Any) -> Any:
        if faults and world.systemd.process and "two" in world.systemd.process.loaded:
            raise faults.pop()
        return probe(health, baseline)

    world.probe = faulty  # type: ignore[method-assign]
    error = failure(world, config="two")
    assert "unexpected TypeError: no such thing. This is a fault of the module" in str(error)
    assert error.rolled_back
    assert world.path("etc/web/web.conf").read_text() == "one"


def test_the_image_that_is_kept_is_the_one_that_was_replaced(world: World) -> None:
    file = world.path("etc/web/web.conf")
    file.parent.mkdir()
    file.write_text("of somebody else")

    def edit(point: str) -> None:
        if point == "check":
            file.write_text("of somebody else, edited")

    assert failure(world, config="sick", observe=edit).rolled_back
    assert file.read_text() == "of somebody else, edited"


def test_a_lost_record_is_made_again(world: World) -> None:
    world.deploy()
    wanted = world.state()
    world.path("state/web/record.json").unlink()
    assert (
        world.deploy().plan.actions[-1]
        == "reload web.service (the loaded configuration is not the recorded one)"
    )
    assert world.differences(wanted) == []


# -- secrets ------------------------------------------------------------------

KEY: Params = {"secrets": [{"path": "key", "generate": {"length": 12}}]}


def test_a_generated_secret_is_made_once_and_restored(world: World) -> None:
    world.deploy(**KEY)
    key = world.path("etc/web/key")
    made = key.read_text()
    assert len(made) == 12
    assert key.stat().st_mode & 0o777 == 0o640
    world.deploy(config="two", **KEY)
    assert key.read_text() == made
    for damage in (key.unlink, lambda: key.write_text(" \n")):
        damage()
        world.deploy(config="two", **KEY)
        assert key.read_text() == made


def test_a_secret_that_is_there_already_is_adopted(world: World) -> None:
    world.path("etc/web").mkdir()
    world.path("etc/web/key").write_text("from before")
    world.deploy(**KEY)
    assert world.path("etc/web/key").read_text() == "from before"


def test_secrets_lie_below_closed_directories(world: World) -> None:
    world.deploy(secrets=[{"path": "secrets/deep/key", "content": "hidden"}], files=[RULES])
    modes = {p: world.path(f"etc/web/{p}").stat().st_mode & 0o777 for p in ("secrets", "rules", "")}
    assert modes == {"secrets": 0o750, "rules": 0o755, "": 0o755}
    for path in world.path("state/web").rglob("*"):
        assert path.name == "lock" or path.stat().st_mode & 0o077 == 0, path
    assert world.path("state/web").stat().st_mode & 0o777 == 0o700


def test_a_secret_is_never_in_a_diff(world: World) -> None:
    def diff(**params: Any) -> str:
        outcome = world.deploy(**params)
        return str(_diff.diffs(outcome.plan, outcome.contents)) + str(outcome.plan)

    text = diff(secrets=[{"path": "key", "content": "hidden-1"}])
    text += diff(secrets=[{"path": "key", "content": "hidden-2"}])
    world.path("etc/web/key").write_text("hidden-3")
    text += diff(secrets=[{"path": "key", "content": "hidden-2"}])
    text += diff()
    assert "hidden" not in text
    assert text.count("<secret>") == 6


def test_a_secret_of_a_killed_run_is_not_in_a_diff(world: World) -> None:
    with pytest.raises(Killed):
        world.deploy(observe=killing_at("activate"), secrets=[{"path": "key", "content": "hidden"}])
    outcome = world.deploy()
    assert not world.path("etc/web/key").exists()
    assert "hidden" not in str(_diff.diffs(outcome.plan, outcome.contents))


def test_what_a_step_of_a_killed_run_touched_is_not_in_a_diff(world: World) -> None:
    store = world.path("etc/web/store")
    world.systemd.on_command = lambda _argv: store.write_text("hidden") and 0
    step = {"name": "keystore", "argv": ["x"], "stdin": "hidden", "touches": [str(store)]}
    with pytest.raises(Killed):
        world.deploy(observe=killing_at("activate"), prepare=[step])
    outcome = world.deploy(prepare=[step])
    assert "hidden" not in str(_diff.diffs(outcome.plan, outcome.contents))


# -- prepare ------------------------------------------------------------------


def steps(stdin: str = "secret", **more: Any) -> Params:
    argv = ["{release}/web", "keystore"]
    step = {"name": "keystore", "argv": argv, "stdin": stdin, "depends": ["release", "flags"]}
    return {"prepare": [{**step, **more}], "files": [FLAGS]}


def test_a_step_runs_once_for_each_cause(world: World) -> None:
    runs = world.systemd.commands
    world.deploy(**steps())
    assert runs == [((f"{world.root}/opt/web/1.0/web", "keystore"), "secret")]
    world.deploy(**steps())
    world.deploy(config="two", **steps())
    assert len(runs) == 1
    causes: list[Params] = [steps("new"), {**steps("new"), "version": "2.0"}]
    causes += [{**causes[-1], "files": [{**FLAGS, "content": "g"}]}]
    for number, params in enumerate(causes, 2):
        world.systemd.log.clear()
        assert "prepare: keystore" in world.deploy(**params).plan.actions
        assert (len(runs), world.systemd.log[-1]) == (number, "restart")
        assert not world.deploy(**params).plan.changed


def test_a_failed_step_is_taken_back_with_what_it_touched(world: World) -> None:
    store = world.path("etc/web/store")
    world.deploy(files=[FLAGS])
    store.write_text("old")

    def half(_argv: object) -> int:
        store.write_text("half")
        return 3

    world.systemd.on_command = half
    error = failure(world, **steps(touches=[str(store)]))
    assert "prepare 'keystore' failed (exit 3): the step failed" in str(error)
    assert error.phase == "commit"
    assert store.read_text() == "old"
    world.systemd.on_command = lambda _argv: 0
    assert "prepare: keystore" in world.deploy(**steps()).plan.actions


# -- accounts -----------------------------------------------------------------


def test_a_new_group_of_the_account_is_made_known_before_the_checks(world: World) -> None:
    world.deploy()
    world.systemd.log.clear()
    checked: list[int] = []
    world.systemd.on_call = lambda _words: checked.append(len(world.systemd.checks))
    before = len(world.systemd.checks)
    world.deploy(account={"group": "root", "groups": ["tls"]})
    assert world.systemd.log[0] == "sysusers"
    assert checked[0] == before


# -- two runs -----------------------------------------------------------------


def test_a_second_run_says_who_holds_the_lock(world: World) -> None:
    world.deploy()
    with open(world.path("state/web/lock"), encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        error = failure(world, lock_timeout=0)
        assert f"another run holds {file.name} (process {os.getpid()}); waited 0 s" in str(error)
        assert error.phase == "plan"
    assert not world.deploy().plan.changed
