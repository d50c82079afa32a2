# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs that a timer starts, on real systemds."""

from __future__ import annotations

from typing import Any

import pytest

from integration.support import snapshot
from integration.support.claims import nothing_written, replaced
from integration.support.fake import Fake
from integration.support.host import poll

NOW = {"OnActiveSec": 0, "AccuracySec": "1us"}
SYSTEMDS = pytest.mark.suites("bookworm", "trixie", "bullseye")


def job(fake: Fake, words: str = "done", **timer: Any) -> dict[str, Any]:
    """Describe a job that leaves words in its directory, or fails when there are none."""
    script = 'test -n "$1" && printf %s "$1" > "$STATE_DIRECTORY/words"'
    return {
        **fake.args(),
        "command": ["/bin/sh", "-c", script, "sh", words],
        "unit": {},
        "files": [{"path": "fakehost.conf", "content": "greeting = hello\n"}],
        "health": {"settle": 0.8},
        "timer": {"OnCalendar": "daily", **timer},
    }


def said(fake: Fake) -> str:
    """What the job has left."""
    return fake.host.out("cat", f"/var/lib/{fake.name}/words", check=False)


@SYSTEMDS
def test_the_timer_waits_and_starts_the_job_at_its_time(fake: Fake) -> None:
    host, timer = fake.host, f"{fake.name}.timer"
    result = fake.apply(job(fake, "one"))
    assert f"start {timer} (it is inactive)" in result["actions"]
    assert host.show(timer, "ActiveState", "SubState", "UnitFileState") == {
        "ActiveState": "active",
        "SubState": "waiting",
        "UnitFileState": "enabled",
    }
    assert host.show(fake.unit, "UnitFileState", "Type") == {
        "Type": "oneshot",
        "UnitFileState": "static",
    }
    assert said(fake) == "", "it was not its turn"
    with nothing_written(host):
        assert not fake.apply(job(fake, "one")).changed
        check = fake.apply(job(fake, "two", **NOW), check=True)
    assert fake.apply(job(fake, "two", **NOW))["actions"] == check["actions"]
    assert poll(lambda: said(fake) == "two", 10), "the timer did not start it"


@SYSTEMDS
def test_a_job_that_fails_at_once_is_taken_back(fake: Fake) -> None:
    host, timer = fake.host, f"{fake.name}.timer"
    fake.apply(job(fake, "one"))
    failed = fake.refuse(job(fake, "", **NOW))
    assert f"{fake.unit} has failed: exit-code, exit status 1" in failed.msg
    assert failed["rolled_back"], str(failed)
    assert "OnActiveSec" not in host.read(f"/etc/systemd/system/{timer}")
    assert host.show(timer, "ActiveState") == {"ActiveState": "active"}
    assert not fake.apply(job(fake, "one")).changed


def test_a_failed_turn_is_told_by_a_look_and_stops_no_deployment(fake: Fake) -> None:
    args = job(fake, "")
    fake.apply(args)
    fake.host.run("systemctl", "start", fake.unit, check=False)
    assert not fake.apply(args).changed
    (finding,) = fake.apply({**args, "state": "verified"})["findings"]
    assert finding["fault"] == "its last run failed (exit-code, exit status 1)"


@pytest.mark.parametrize("when", ["now and then", "25:00"])
def test_a_time_that_never_comes_is_refused_before_the_commit(fake: Fake, when: str) -> None:
    fake.apply(job(fake))
    before = snapshot.take(fake.host, times=False)
    refused = fake.refuse(job(fake, OnCalendar=when))
    assert "Failed to parse calendar specification" in refused.msg
    assert replaced(before, snapshot.take(fake.host, times=False)) == {}


@SYSTEMDS
def test_a_removal_leaves_neither_timer_nor_job(fake: Fake) -> None:
    host = fake.host
    before = snapshot.take(host, times=False)
    fake.apply(job(fake, "one", **NOW, Persistent=True))
    assert poll(lambda: said(fake) == "one", 10)
    stamp = f"/var/lib/systemd/timers/stamp-{fake.name}.timer"
    assert host.run("test", "-e", stamp).returncode == 0
    assert fake.apply({**job(fake, Persistent=True), "state": "absent", "purge": True}).changed
    assert host.run("test", "-e", stamp, check=False).returncode != 0
    left = replaced(
        before, snapshot.take(host, times=False), "/var/lib/barehost", "/etc/sysusers.d"
    )
    assert left == {}
    for unit in (fake.unit, f"{fake.name}.timer"):
        assert host.show(unit, "LoadState", "ActiveState") == {
            "LoadState": "not-found",
            "ActiveState": "inactive",
        }
    assert not fake.apply({**job(fake), "state": "absent", "purge": True}).changed
