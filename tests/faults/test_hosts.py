# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens to a host while a run is under way: the run ends well or the next one mends it; nothing is lost."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from faults.outage import of_a_restart, watched
from faults.test_kill import converges, described
from hosts.shell import run
from integration.support import fake as releases
from integration.support.fake import Fake, Member, archive, publish, release_members
from integration.support.host import poll
from integration.support.server import Server

MIB = 1024 * 1024
DATA = b"written before the fault"
# A moment more than the daemon's own restart: what two looks at it may be apart on a busy machine.
SLACK = 0.5


def with_data(fake: Fake) -> str:
    """Deploy the old state and write something; returns where it lies."""
    fake.apply(described(fake))
    path = f"/var/lib/{fake.name}/precious"
    fake.host.put({path: DATA})
    return path


def serves(fake: Fake, version: str) -> None:
    """Claim that a version is up."""
    assert fake.healthy()
    assert fake.running_release == version


def new(fake: Fake) -> dict[str, Any]:
    """Describe the state that the faults happen to."""
    return described(fake, "1.1.0", "goodbye")


def test_the_disk_is_full(fake: Fake) -> None:
    """A release that does not fit: refused, and the old one has not noticed."""
    host, version = fake.host, "7.2.0"
    bulk = Member(f"fakehost-{version}.linux-{host.arch}/bulk", bytes(2 * MIB))
    publish(host, version, archive([*release_members(version, host.arch), bulk]))
    host.sh(f"mkdir {fake.opt}; mount -t tmpfs -o size=1m,mode=755 none {fake.opt}")
    path, args = with_data(fake), described(fake, version, "goodbye")
    pid = fake.pid
    with watched(fake) as outage:
        assert "full" in fake.refuse(args).msg
    print(f"disk full: {outage.seconds:.2f} s without an answer")
    assert fake.pid == pid
    assert outage.seconds <= SLACK
    host.sh(f"mount -o remount,size=8m {fake.opt}")
    converges(fake, args)
    serves(fake, version)
    assert fake.host.read(path).encode() == DATA


def test_the_mirror_is_cut_off_in_the_middle(fake: Fake, server: Server) -> None:
    """Half an archive arrives: refused, nothing of it stays, and the old one has not noticed."""
    path, args = with_data(fake), new(fake)
    whole = server.url(releases.URL)
    cut = {
        **args,
        "release": {**args["release"], "url": whole.replace("/v{version}/", "/cut/v{version}/", 1)},
    }
    assert cut["release"]["url"] != whole
    pid, before = fake.pid, fake.host.out("find", fake.opt)
    with watched(fake) as outage:
        assert "truncated" in fake.refuse(cut).msg
    print(f"mirror cut off: {outage.seconds:.2f} s without an answer")
    assert fake.pid == pid
    assert fake.host.out("find", fake.opt) == before
    assert outage.seconds <= SLACK
    converges(fake, args)
    serves(fake, "1.1.0")
    assert fake.host.read(path).encode() == DATA


@pytest.mark.parametrize(
    ("point", "seconds"), [("plan", 86_400), ("activate", -86_400), ("gate", 86_400)]
)
def test_the_clock_jumps(fake: Fake, point: str, seconds: int) -> None:
    """The run's wall clock goes a day forward, or back: waits end all the same, and the run succeeds.

    A container has the clock of its machine; so it is the clock of the run that jumps.
    """
    path, args = with_data(fake), new(fake)
    jumped = fake.host.module(args, "--jump-at", point, str(seconds))
    assert not jumped.failed, str(jumped)
    assert jumped.seconds < 30
    converges(fake, args)
    serves(fake, "1.1.0")
    assert fake.host.read(path).encode() == DATA


def kill_by_memory(fake: Fake) -> None:
    """End the daemon as the kernel's OOM killer does: by SIGKILL, from outside.

    Test hosts need not have a memory controller, so no limit can be exceeded there.
    """
    fake.host.run("kill", "-KILL", str(fake.pid))


def restarted(args: dict[str, Any]) -> dict[str, Any]:
    """Let systemd start it again when it is killed."""
    service = {"Restart": "on-failure", "RestartSec": 0.1}
    return releases.merge(args, {"unit": {"Service": service}})


def test_the_daemon_is_killed_for_its_memory(fake: Fake) -> None:
    """systemd starts it again; the next run finds it well and has nothing to do."""
    args = restarted(described(fake))
    fake.apply(args)
    path = f"/var/lib/{fake.name}/precious"
    fake.host.put({path: DATA})
    with watched(fake) as outage:
        kill_by_memory(fake)
        poll(fake.healthy, what="the daemon is up again")
    print(f"OOM kill: {outage.seconds:.2f} s without an answer")
    assert fake.host.show(fake.unit, "NRestarts")["NRestarts"] == "1"
    assert not fake.apply(args).changed
    converges(fake, args)
    assert fake.host.read(path).encode() == DATA


def test_the_new_daemon_is_killed_for_its_memory_before_it_is_proved(fake: Fake) -> None:
    """A new state whose process dies while it is looked at is taken back."""
    path, args = with_data(fake), restarted(new(fake))
    args["health"]["settle"] = 5
    run_ = fake.host.start_module(args, "--sleep-at", "record", "0")
    poll(lambda: fake.running_release == "1.1.0", what="the new state is up")
    kill_by_memory(fake)
    ended = fake.host.finish_module(run_)
    assert ended["rolled_back"] is True, str(ended)
    serves(fake, "1.0.0")
    args["health"]["settle"] = 0.2
    converges(fake, args)
    assert fake.host.read(path).encode() == DATA


def reboot(fake: Fake) -> None:
    """Cut the power of the host, and wait until it is up again."""
    container = fake.host.container
    run("docker", "kill", container)
    run("docker", "start", container)
    settled = ("systemctl", "is-system-running", "--wait")
    poll(lambda: fake.host.out(*settled, check=False) in ("running", "degraded"), 60, "it boots")


POINTS = ("check", "commit:{unit}", "activate", "record")


@pytest.mark.parametrize("point", POINTS)
def test_the_power_is_cut_in_the_middle_of_a_run(make_fake: Callable[[], Fake], point: str) -> None:
    """The host comes up with a daemon that serves, and one run converges."""
    fake = make_fake()
    path, args = with_data(fake), new(fake)
    point = point.format(unit=f"/etc/systemd/system/{fake.unit}")
    started: subprocess.Popen[bytes] = fake.host.start_module(args, "--sleep-at", point, "60")
    assert started.stderr is not None
    told = iter(started.stderr.readline, b"")
    assert any(line.decode().strip() == f"point {point}" for line in told)
    reboot(fake)
    started.wait(timeout=30)
    poll(fake.healthy, 15, f"a daemon serves after the power was cut at {point}")
    converges(fake, args)
    serves(fake, "1.1.0")
    assert fake.host.read(path).encode() == DATA


def test_a_deployment_costs_no_more_than_a_restart(fake: Fake) -> None:
    """The service is away once, for as long as its own restart takes."""
    fake.apply(described(fake))
    restart = of_a_restart(fake)
    with watched(fake) as outage:
        fake.apply(new(fake))
    print(f"restart {restart:.2f} s, deployment {outage.seconds:.2f} s without an answer")
    assert outage.seconds <= 2 * restart + SLACK
