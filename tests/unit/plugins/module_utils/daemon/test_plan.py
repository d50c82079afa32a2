# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans: the difference between what is wanted, recorded and observed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon import _parse, _plan
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._plan import Observed
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._state import Entry, State
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._systemd import Status

UNIT, CONF, RULE = "/etc/systemd/system/web.service", "/etc/web/web.conf", "/etc/web/rule"
SPEC = _parse.parse(
    {
        "name": "web",
        "command": ["/bin/web"],
        "unit": {"Service": {"ExecReload": "x"}},
        "release": {"version": "1.0", "url": "http://m/x", "checksum": "c"},
    }
)
NO_RELOAD = replace(SPEC, unit={})
ENTRIES = {
    CONF: Entry("c", mode=0o640, on_change="reload"),
    RULE: Entry("r", mode=0o640, on_change="none"),
    UNIT: Entry("u", mode=0o644),
}
STATE = State("1.0", "active", "loaded", ENTRIES)
UP = Status(load="loaded", active="active", sub="running", main_pid=7, enabled=True)
SEEN = Observed(ENTRIES, STATE, None, UP, "active", "", False)


def plan(wanted: State = STATE, spec: Any = SPEC, **seen: Any) -> _plan.Plan:
    return _plan.plan(spec, wanted, replace(SEEN, **seen))


def entries(**changes: Entry | None) -> dict[str, Any]:
    paths = {"conf": CONF, "rule": RULE, "unit": UNIT, "more": "/etc/web/more"}
    return {**ENTRIES, **{paths[name]: entry for name, entry in changes.items()}}


def wanting(**changes: Entry) -> State:
    return replace(STATE, entries=entries(**changes))


NEW = Entry("new", mode=0o640, on_change="reload")
WAS = {"before": {CONF: Entry("old", mode=0o640)}, "activation": "none"}
MANY: dict[str, Any] = {"release_fault": "not installed", "record": None, "account_missing": True}
FRESH: dict[str, Any] = {**MANY, "actual": {}, "status": Status(), "process_state": ""}


def test_a_host_that_is_as_wanted_needs_nothing() -> None:
    found = plan()
    assert not found.changed
    assert (found.changes, found.repaired, found.record, found.enable) == ((), (), False, False)


PLANS: list[tuple[str, State, Any, dict[str, Any], str, tuple[str, ...]]] = [
    (
        "fresh",
        STATE,
        SPEC,
        FRESH,
        "restart",
        (
            "install web 1.0 (not installed)",
            "create the account web",
            f"write {RULE}",
            f"write {CONF}",
            f"write {UNIT}",
            "enable web.service",
            "start web.service (it is inactive)",
        ),
    ),
    (
        "reload",
        wanting(conf=NEW),
        SPEC,
        {},
        "reload",
        (f"write {CONF}", f"reload web.service ({CONF} changes)"),
    ),
    (
        "can not reload",
        wanting(conf=NEW),
        NO_RELOAD,
        {},
        "restart",
        (f"write {CONF}", "restart web.service (it can not be reloaded)"),
    ),
    (
        "restart wins",
        wanting(conf=NEW, unit=Entry("v", mode=0o644)),
        SPEC,
        {},
        "restart",
        (f"write {CONF}", f"write {UNIT}", f"restart web.service ({UNIT} changes)"),
    ),
    (
        "no trigger",
        wanting(rule=Entry("s", on_change="none")),
        SPEC,
        {},
        "none",
        (f"write {RULE}",),
    ),
    (
        "only a record",
        replace(STATE, health={"timeout": 1}),
        SPEC,
        {},
        "none",
        ("record the state of the running service",),
    ),
    (
        "lost reload",
        replace(STATE, reloadable="other"),
        SPEC,
        {},
        "reload",
        ("reload web.service (the loaded configuration is not the recorded one)",),
    ),
    (
        "lost restart",
        STATE,
        SPEC,
        {"process_state": "older"},
        "restart",
        ("restart web.service (the running process was started from another state)",),
    ),
    (
        "died",
        STATE,
        SPEC,
        {"status": replace(UP, active="failed", main_pid=0)},
        "restart",
        ("start web.service (it is failed)",),
    ),
    (
        "disabled",
        STATE,
        SPEC,
        {"status": replace(UP, enabled=False)},
        "none",
        ("enable web.service",),
    ),
    (
        "unfinished",
        STATE,
        SPEC,
        {"transaction": {"before": {}, "activation": "restart"}},
        "restart",
        ("restart web.service (an earlier run did not finish)",),
    ),
    (
        "unfinished, quiet",
        STATE,
        SPEC,
        {"transaction": {"before": {}, "activation": "none"}},
        "none",
        ("record the state of the running service",),
    ),
    ("no account", STATE, SPEC, {"account_missing": True}, "none", ("create the account web",)),
    (
        "damaged release",
        STATE,
        SPEC,
        {"release_fault": "x is missing"},
        "restart",
        ("install web 1.0 (x is missing)", "restart web.service (its release is installed anew)"),
    ),
]


@pytest.mark.parametrize(
    ("wanted", "spec", "seen", "activation", "actions"),
    [p[1:] for p in PLANS],
    ids=[p[0] for p in PLANS],
)
def test_a_plan_says_what_is_done_and_why(
    wanted: State, spec: Any, seen: dict[str, Any], activation: str, actions: tuple[str, ...]
) -> None:
    found = plan(wanted, spec, **seen)
    assert (found.activation, found.actions) == (activation, actions)
    assert found.record == (
        found.actions[0].startswith("record")
        or wanted != seen.get("record", STATE)
        or "transaction" in seen
    )


def test_the_unit_is_the_last_to_change() -> None:
    changes = plan(**FRESH).changes
    assert [change.path for change in changes] == sorted([CONF, RULE]) + [UNIT]
    assert plan(**FRESH).daemon_reload


@pytest.mark.parametrize(
    ("wanted", "seen", "change"),
    [
        # No longer wanted, once ours: goes.
        (STATE, {"record": wanting(more=NEW), "actual": entries(more=NEW)}, ("more", NEW, None)),
        # No longer wanted and gone already.
        (STATE, {"record": wanting(more=NEW), "actual": entries(more=None)}, None),
        # Only a run that did not finish knew it: what was there before comes back.
        (
            STATE,
            {
                "transaction": {"before": {"/etc/web/more": NEW}, "activation": "none"},
                "actual": entries(more=None),
            },
            ("more", None, NEW),
        ),
        (
            STATE,
            {
                "transaction": {"before": {"/etc/web/more": None}, "activation": "none"},
                "actual": entries(more=NEW),
            },
            ("more", NEW, None),
        ),
        # Somebody else's file becomes ours.
        (wanting(more=NEW), {"actual": entries(more=Entry("x"))}, ("more", Entry("x"), NEW)),
    ],
)
def test_a_path_goes_comes_or_returns(wanted: State, seen: dict[str, Any], change: Any) -> None:
    found = [(c.path.rpartition("/")[2], c.before, c.after) for c in plan(wanted, **seen).changes]
    assert found == ([change] if change else [])


def test_what_was_recorded_as_a_secret_stays_one() -> None:
    secret = Entry("s", secret=True)
    record = wanting(more=secret)
    found = plan(record=record, actual=entries(more=Entry("edited"))).changes[0]
    assert found.before and found.before.secret


REPAIRS: list[tuple[dict[str, Any], str]] = [
    ({"actual": entries(conf=None)}, f"{CONF} was removed"),
    ({"actual": entries(conf=Entry("x", mode=0o640))}, f"{CONF} was edited"),
    (
        {"actual": entries(conf=Entry("c", mode=0o666, owner="me"))},
        f"{CONF} was given another mode or owner (0666 me:root, wanted 0640 root:root)",
    ),
    ({"actual": entries(conf=Entry(target="x"))}, f"{CONF} was edited"),
    ({"status": replace(UP, active="inactive", main_pid=0)}, "web.service was inactive (success)"),
    (
        {"status": replace(UP, active="failed", result="signal", main_pid=0)},
        "web.service was failed (signal)",
    ),
    ({"process_state": "x"}, "web.service was not running the recorded state"),
    ({"status": replace(UP, enabled=False)}, "web.service was not enabled"),
]


@pytest.mark.parametrize(("seen", "words"), REPAIRS)
def test_drift_is_named(seen: dict[str, Any], words: str) -> None:
    assert plan(**seen).repaired == (words,)


def test_nothing_is_called_drift_that_no_good_run_has_recorded() -> None:
    assert plan(actual={}, record=None).repaired == ()
    assert plan(actual={}, transaction=WAS).repaired == ()


def test_a_run_answers_for_every_path_that_any_state_knows() -> None:
    record = State("", "", "", {"/b": NEW})
    assert _plan.paths(replace(STATE, entries={"/a": NEW}), record, {"before": {"/c": None}}) == [
        "/a",
        "/b",
        "/c",
    ]


def version(new: str, old: str, oldest: str = "8.19.0") -> list[str]:
    assert SPEC.release
    release = replace(SPEC.release, version=new, data_from=oldest)
    record = replace(STATE, version=old) if old else None
    seen = replace(SEEN, record=record)
    return _plan.refused(replace(SPEC, release=release), STATE, seen)


@pytest.mark.parametrize(
    ("new", "old", "words"),
    [
        ("9.0.0", "", None),
        ("9.0.0", "9.0.0", None),
        ("9.1.0", "9.0.3", None),
        ("9.0.0", "8.19.4", None),
        ("9.0.0", "8.18.9", "upgrade to 8.19.0 or later first"),
        ("9.0.0", "9.0.1", "older"),
        ("9.9.0", "9.10.0", "older"),
        ("8.19.0+stand-in", "8.19.0", None),
    ],
)
def test_data_goes_no_forbidden_way(new: str, old: str, words: str | None) -> None:
    found = version(new, old)
    assert (words in found[0]) if words else found == []
    assert version(new, old, "") == []


def test_what_the_daemon_was_not_told_is_to_do() -> None:
    assert plan(untold=("a template",)).actions == ("tell web: a template",)
