# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs: a timer of systemd starts them, and is what is deployed, looked at and removed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon import (
    _errors,
    _parse,
    _rendered,
    _transaction,
    _verify,
)
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._health import Report
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._spec import Spec
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._systemd import Status
from ansible_collections.barehost.monitoring.tests.unit.plugins.module_utils.daemon.fakes import (
    FakeSystemd,
    World,
)

DAILY = {"OnCalendar": "daily", "Persistent": True}
JOB: dict[str, Any] = {
    "timer": DAILY,
    "health": {"settle": 0},
    "unit": {"Unit": {"Description": "A job"}},
}


@dataclass
class Jobs(FakeSystemd):
    """A systemd with a timer, and the job that it starts."""

    waits: bool = False
    job_fails: bool = False  # at once, whenever the timer is started
    started_with: str = ""  # the timer as it was when it was started

    def status(self, unit: str) -> Status:
        """Tell the state of the timer, or of the job."""
        path = self.root / "units" / unit
        load = "loaded" if path.exists() else "not-found"
        if unit == "web.service":
            return Status(load=load, active="failed" if self.failed else "inactive", exit_status=1)
        active = "active" if self.waits else "inactive"
        on = self.enabled and path.exists()
        return Status(load=load, active=active, sub="waiting", enabled=on, timer=True)

    def control(self, *arguments: str) -> None:
        """Do what systemctl would do."""
        words = [a for a in arguments if not a.startswith("-")]
        self.on_call(words[0])
        self.log.append(" ".join(words))
        verb, *units = words
        if verb == "restart":
            assert units == ["web.timer"], "a job was started"
            self.waits, self.failed = True, self.job_fails
            self.started_with = (self.root / "units/web.timer").read_text()
        self.enabled = verb == "enable" or self.enabled and verb != "disable"
        if "web.timer" in units and (verb == "stop" or "--now" in arguments):
            self.waits = False
        self.failed = self.failed and verb != "reset-failed"


@pytest.fixture
def jobs(world: World) -> World:
    world.systemd = Jobs(world.root)
    world.probe = lambda _health, _baseline: Report()  # type: ignore[method-assign]
    return world


def described(world: World, config: str = "one", **more: Any) -> tuple[Spec, dict[str, Any]]:
    params = world.params(config, **{**JOB, **more})
    params["files"] = [{"path": "web.conf", "content": config}]
    return _parse.parse(params, world.layout), params["health"]


def deploy(world: World, config: str = "one", **more: Any) -> _transaction.Outcome:
    spec, health = described(world, config, **more)
    return _transaction.run(spec, world.host, health, False, 5)


def actions(outcome: _transaction.Outcome, world: World) -> list[str]:
    return [action.replace(f"{world.root}/", "") for action in outcome.plan.actions]


def test_the_timer_is_enabled_and_started_and_the_job_is_not(jobs: World) -> None:
    found = actions(deploy(jobs), jobs)
    assert found[-4:] == [
        "write units/web.service",
        "write units/web.timer",
        "enable web.timer",
        "start web.timer (it is inactive)",
    ]
    assert jobs.systemd.log == [
        "sysusers",
        "enable web.timer",
        "daemon-reload",
        "restart web.timer",
    ]


def test_the_units_say_what_was_described(jobs: World) -> None:
    deploy(jobs)
    service = jobs.path("units/web.service").read_text()
    assert "Type=oneshot\n" in service
    for absent in ("Restart=", "RestartSec=", "[Install]", "WantedBy="):
        assert absent not in service
    banner, timer = jobs.path("units/web.timer").read_text().split("\n\n", 1)
    assert "systemctl edit web.timer" in banner
    assert timer == (
        "[Unit]\nDescription=Timer: A job\n\n"
        "[Timer]\nOnCalendar=daily\nPersistent=yes\n\n"
        "[Install]\nWantedBy=timers.target\n"
    )


def test_a_second_run_changes_nothing(jobs: World) -> None:
    deploy(jobs)
    before, calls = jobs.tree(), list(jobs.systemd.log)
    assert not deploy(jobs).plan.changed
    assert (jobs.tree(), jobs.systemd.log) == (before, calls)


CHANGES = {
    # The unit carries the digest of what it is run with.
    "a file": (
        {"config": "two"},
        ["write etc/web/web.conf", "write units/web.service"],
        ["daemon-reload"],
    ),
    "the unit": (
        {"environment": {"A": "b"}},
        ["write units/web.service"],
        ["daemon-reload"],
    ),
    "the timer": (
        {"timer": {"OnCalendar": "hourly"}},
        ["write units/web.timer", "restart web.timer (units/web.timer changes)"],
        ["daemon-reload", "restart web.timer"],
    ),
}


@pytest.mark.parametrize("what", CHANGES)
def test_only_a_new_timer_starts_it_anew(jobs: World, what: str) -> None:
    """A job takes up everything else at its next turn."""
    change, wanted, calls = CHANGES[what]
    deploy(jobs)
    jobs.systemd.log.clear()
    assert actions(deploy(jobs, **change), jobs) == wanted
    assert jobs.systemd.log == calls
    assert not deploy(jobs, **change).plan.changed


def test_a_timer_that_was_stopped_is_started(jobs: World) -> None:
    deploy(jobs)
    jobs.systemd.waits = False  # type: ignore[attr-defined]
    outcome = deploy(jobs)
    assert outcome.plan.repaired == ("web.timer was inactive (success)",)
    assert jobs.systemd.waits  # type: ignore[attr-defined]


def test_a_turn_that_failed_before_is_no_fault_of_a_deployment(jobs: World) -> None:
    deploy(jobs)
    jobs.systemd.failed = True
    assert not deploy(jobs).plan.changed
    deploy(jobs, "two")
    assert "reset-failed web.service" in jobs.systemd.log


def test_a_job_that_fails_at_once_is_taken_back(jobs: World) -> None:
    deploy(jobs)
    jobs.systemd.job_fails = True  # type: ignore[attr-defined]
    with pytest.raises(_transaction.Failure) as caught:
        deploy(jobs, "two", timer={"OnActiveSec": 0})
    assert "web.service has failed: success, exit status 1" in str(caught.value)
    assert (caught.value.phase, caught.value.rolled_back) == ("gate", True)
    assert jobs.path("etc/web/web.conf").read_text() == "one"
    assert "OnCalendar=daily" in jobs.systemd.started_with  # type: ignore[attr-defined]
    assert jobs.systemd.waits  # type: ignore[attr-defined]


def test_a_first_job_that_fails_at_once_leaves_nothing(jobs: World) -> None:
    jobs.systemd.job_fails = True  # type: ignore[attr-defined]
    with pytest.raises(_transaction.Failure):
        deploy(jobs)
    assert not list(jobs.path("units").iterdir())
    assert not jobs.systemd.waits and not jobs.systemd.enabled  # type: ignore[attr-defined]


def test_a_removal_takes_timer_and_job(jobs: World) -> None:
    deploy(jobs)
    jobs.systemd.log.clear()
    found = [action.replace(f"{jobs.root}/", "") for action in jobs.remove()]
    assert "remove units/web.timer" in found and "remove units/web.service" in found
    assert jobs.systemd.log == ["disable web.timer", "stop web.service", "daemon-reload"]
    assert not list(jobs.path("units").iterdir())
    assert not jobs.systemd.waits  # type: ignore[attr-defined]


def test_it_is_rendered(jobs: World) -> None:
    spec, _health = described(jobs)
    target = jobs.path("rendered")
    _rendered.render(spec, str(target), {}, False)
    assert (target / str(jobs.path("units/web.timer")).lstrip("/")).is_file()


def test_what_is_no_job_does_not_become_one(world: World) -> None:
    world.deploy()
    with pytest.raises(_transaction.Failure, match="a daemon without one on this host, not a job"):
        deploy(world)


def test_a_job_does_not_become_a_daemon(jobs: World) -> None:
    deploy(jobs)
    with pytest.raises(_transaction.Failure) as caught:
        jobs.deploy()
    assert "remove it first (state: absent)" in str(caught.value)


def test_a_look_tells_of_the_last_turn(jobs: World) -> None:
    deploy(jobs)
    spec, health = described(jobs)

    def faults() -> list[str]:
        verdict = _verify.verify(spec, jobs.host, health, _verify.Limits(), 5)
        return [finding.fault for finding in verdict.findings]

    assert faults() == []
    jobs.systemd.failed = True
    assert faults() == ["its last run failed (success, exit status 1)"]


FAULTS: list[tuple[dict[str, Any], str]] = [
    ({"timer": {"Persistent": True}}, "timer: says not when (example: OnCalendar: daily)"),
    ({"timer": {"OnCalendar": None}}, "timer: says not when"),
    ({"timer": {"On Calendar": "daily"}}, "timer.On Calendar: is no directive name"),
    ({"timer": {"OnCalendar": "a\nb"}}, "timer.OnCalendar: a value may not hold a line break"),
    (
        {"timer": DAILY, "health": {"probes": [{"url": "http://127.0.0.1:1/"}]}},
        "health.probes: a job with a timer is not there to be asked",
    ),
    (
        {"timer": DAILY, "api": [{"name": "a", "url": "http://127.0.0.1:1/", "body": {}}]},
        "api: a job with a timer is not there to be asked",
    ),
]


@pytest.mark.parametrize(("given", "fault"), FAULTS)
def test_what_no_job_can_have_is_refused(given: dict[str, Any], fault: str) -> None:
    with pytest.raises(_errors.SpecError) as caught:
        _parse.parse({"name": "web", "command": ["/bin/web"], **given})
    assert fault in str(caught.value)
