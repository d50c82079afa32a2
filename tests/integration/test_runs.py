# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs that meet each other, die, or come at the wrong time."""

from __future__ import annotations

import time

import pytest

from integration.support.claims import converged
from integration.support.fake import Fake
from integration.support.host import Host


def waits_at(fake: Fake, args: dict[str, object], point: str, seconds: str) -> object:
    """Start a run and return when it has reached the point."""
    process = fake.host.start_module(args, "--sleep-at", point, seconds)
    assert process.stderr is not None
    while f"point {point}".encode() not in (line := process.stderr.readline()):
        assert line, f"the run ended before {point}"
    return process


@pytest.mark.suites("bookworm", "bullseye")
def test_a_second_run_waits_for_the_first(fake: Fake) -> None:
    """The second goes on when the first is done, and both have their way in turn."""
    first = waits_at(fake, fake.args("greeting = first\n"), "check", "1.5")
    begin = time.monotonic()
    second = fake.deploy("greeting = second\n")
    assert time.monotonic() - begin > 1.5
    assert not fake.host.finish_module(first).failed  # type: ignore[arg-type]
    assert second["actions"] == [
        action
        for action in second["actions"]
        if "install" not in action and "account" not in action
    ]
    assert fake.ask("/config") == {"greeting": "second"}
    converged(fake, fake.args("greeting = second\n"))


def test_a_second_run_gives_up_after_its_time_and_names_the_holder(fake: Fake) -> None:
    """The error says who holds the lock; the first run is not disturbed."""
    first = waits_at(fake, fake.args(), "check", "2.5")
    second = fake.refuse(fake.args(lock_timeout=1))
    assert fake.records in second.msg
    holder = second.msg.partition("process ")[2].split()[0].strip(");,")
    assert holder.isdigit(), second.msg
    assert not fake.host.finish_module(first).failed  # type: ignore[arg-type]
    assert fake.healthy()


def test_runs_for_different_daemons_do_not_wait_for_each_other(fake: Fake, host: Host) -> None:
    """The lock belongs to one name."""
    first = waits_at(fake, fake.args(), "check", "3")
    other = Fake(host, f"{fake.name}-b", fake.port + 10000)
    begin = time.monotonic()
    other.deploy(lock_timeout=0)
    assert time.monotonic() - begin < 3
    other.apply({"name": other.name, "state": "absent", "purge": True})
    assert not host.finish_module(first).failed  # type: ignore[arg-type]


@pytest.mark.suites("bookworm", "bullseye")
def test_a_restart_that_was_lost_is_made_up_for(fake: Fake) -> None:
    """Everything written, the process never restarted: the next run sees it in the process itself."""
    fake.deploy(flags=["--retention=30d"])
    pid = fake.pid
    wanted = fake.args(flags=["--retention=41d"])
    assert fake.host.module(wanted, "--kill-at", "activate").answer == {}
    assert fake.pid == pid
    assert "--retention=30d" in fake.ask("/argv")
    result = fake.apply(wanted)
    assert result.changed
    assert "--retention=41d" in fake.ask("/argv")
    converged(fake, wanted)


def test_a_restart_lost_and_then_a_failing_run_does_not_lose_it(fake: Fake) -> None:
    """Run A dies before its restart, run B is refused, run C must still restart."""
    fake.deploy(flags=["--retention=30d"])
    wanted = fake.args(flags=["--retention=41d"])
    fake.host.module(wanted, "--kill-at", "activate")
    fake.refuse(fake.args("colour = red\n", flags=["--retention=41d"]))
    assert fake.apply(wanted).changed
    assert "--retention=41d" in fake.ask("/argv")
    converged(fake, wanted)


def test_a_process_started_by_hand_from_an_old_unit_is_replaced(fake: Fake) -> None:
    """systemd has loaded the new unit, the process is the old one: nothing in systemd tells."""
    fake.deploy(flags=["--retention=30d"])
    old = fake.host.read(f"/etc/systemd/system/{fake.unit}").encode()
    args = fake.args(flags=["--retention=41d"])
    fake.apply(args)
    new = fake.host.read(f"/etc/systemd/system/{fake.unit}").encode()
    for unit, command in ((old, "restart"), (new, "is-active")):
        fake.host.put({f"/etc/systemd/system/{fake.unit}": unit})
        fake.host.sh(f"systemctl daemon-reload; systemctl {command} {fake.unit}")
    assert "--retention=30d" in fake.ask("/argv")
    result = fake.apply(args)
    assert result.changed
    assert result["repaired"]
    assert "--retention=41d" in fake.ask("/argv")
    converged(fake, args)


def test_a_run_after_a_kill_can_still_go_back(fake: Fake) -> None:
    """Killed in the middle of the commit; the next state is bad: the last good one comes back."""
    good = fake.args()
    fake.apply(good)
    killed = fake.args("greeting = half\n", version="1.1.0")
    fake.host.module(killed, "--kill-at", f"commit:/etc/systemd/system/{fake.unit}")
    result = fake.refuse(
        fake.args("greeting = bad\nmode = crash\n", version="1.2.0", flags=["--x"])
    )
    assert result["rolled_back"], str(result)
    assert fake.ask("/config") == {"greeting": "hello"}
    assert fake.running_release == "1.0.0"
    converged(fake, good)


def test_an_interrupted_run_undoes_its_commit(fake: Fake) -> None:
    """A signal that can be caught (the connection is gone, Ctrl-C) leaves the old state serving."""
    good = fake.args()
    fake.apply(good)
    process = waits_at(fake, fake.args("greeting = half\n", version="1.1.0"), "activate", "30")
    fake.host.sh("pkill -INT -f [o]n_host.py")
    result = fake.host.finish_module(process)  # type: ignore[arg-type]
    assert result.failed or not result.answer
    assert fake.ask("/config") == {"greeting": "hello"}
    assert fake.healthy()
    assert not fake.apply(good).failed
    converged(fake, good)
