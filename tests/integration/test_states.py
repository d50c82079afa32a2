# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""absent, rendered, check mode and diff."""

from __future__ import annotations

from typing import Any

import pytest

from integration.support import fake as releases
from integration.support import snapshot
from integration.support.claims import converged, nothing_written, replaced
from integration.support.fake import Fake
from integration.support.server import Server

EXTRAS: dict[str, Any] = {
    "files": [{"path": "rules/a.rules", "content": "rule one\n"}],
    "secrets": [{"path": "secrets/made", "generate": {"length": 20}}],
    "release": {"binaries": ["fakehost"]},
}


@pytest.mark.suites("bookworm", "trixie", "bullseye")
def test_check_mode_on_a_fresh_host_writes_nothing_and_asks_no_mirror(
    fake: Fake, server: Server
) -> None:
    """It tells what a real run then does: the two lists of actions are equal."""
    args = fake.args(**EXTRAS)
    args["release"] |= {"url": server.url(releases.URL), "checksum": server.url(releases.SUMS)}
    with nothing_written(fake.host):
        check = fake.host.module(args, "--audit", check=True, diff=True)
    assert not check.failed, str(check)
    assert check.changed
    # The daemon's own address is looked up, to tell whose its port is; nobody is asked.
    assert set(check.audit["connect"]) <= {"127.0.0.1"}
    assert check.audit["write"] == []
    assert server.requests() == []
    for words in (
        f"{fake.etc}/fakehost.conf",
        "greeting = hello",
        f"/etc/systemd/system/{fake.unit}",
    ):
        assert words in str(check["diff"])
    real = fake.apply(args, diff=True)
    assert real["actions"] == check["actions"]
    assert server.requests()


def test_check_mode_of_a_change_says_what_the_run_does(fake: Fake) -> None:
    """Files, unit and activation are told beforehand; the service does not notice."""
    fake.deploy()
    pid = fake.pid
    args = fake.args("greeting = changed\n", version="1.1.0", flags=["--more"])
    with nothing_written(fake.host):
        check = fake.apply(args, check=True, diff=True)
    assert fake.pid == pid
    assert check.changed
    diff = str(check["diff"])
    for words in ("greeting = hello", "greeting = changed", "--more", fake.unit):
        assert words in diff
    assert fake.apply(args)["actions"] == check["actions"]


def test_check_mode_reports_what_it_can_find_without_a_download(fake: Fake) -> None:
    """A description that can never work fails in check mode as well."""
    result = fake.refuse(fake.args(health={"probes": [{"url": "ftp://127.0.0.1/"}]}), check=True)
    assert "ftp://" in result.msg


@pytest.mark.suites("bookworm", "trixie", "bullseye")
def test_absent_removes_what_was_deployed_and_keeps_the_data(fake: Fake) -> None:
    """Unit, files, release, links and records go; the data and who owns it stay."""
    host = fake.host
    before = snapshot.take(host, times=False)
    fake.apply(fake.args(**EXTRAS))
    host.put({f"/var/lib/{fake.name}/wal": b"precious"})
    args = {**fake.args(**EXTRAS), "state": "absent"}
    with nothing_written(host):
        check = fake.apply(args, check=True)
    assert check.changed
    result = fake.apply(args)
    assert result.changed
    assert result["actions"] == check["actions"]
    left = replaced(
        before, snapshot.take(host, times=False), f"/var/lib/{fake.name}", "/var/lib/barehost"
    )
    made = f"{fake.etc}/secrets/made"
    kept = {f"/etc/sysusers.d/barehost-{fake.name}.conf", "/etc/sysusers.d"}
    assert left.keys() <= kept | {fake.etc, f"{fake.etc}/secrets", made}, left
    assert host.exists(made), "what the host has generated cannot be had again: it is data"
    assert host.read(f"/var/lib/{fake.name}/wal") == "precious"
    assert fake.pid == 0
    assert not host.exists(fake.records)
    assert not fake.apply(args).changed


@pytest.mark.suites("bookworm", "bullseye")
def test_absent_with_purge_leaves_the_host_as_it_was(fake: Fake) -> None:
    """The file system before and after is the same, the account is gone."""
    host = fake.host
    before = snapshot.take(host, times=False)
    fake.apply(fake.args(**EXTRAS))
    host.put({f"/var/lib/{fake.name}/wal": b"precious"})
    args = {**fake.args(**EXTRAS), "state": "absent", "purge": True}
    assert fake.apply(args).changed
    left = replaced(
        before, snapshot.take(host, times=False), "/var/lib/barehost", "/etc/sysusers.d"
    )
    assert left == {}
    assert not host.exists(f"/etc/sysusers.d/barehost-{fake.name}.conf")
    assert host.run("getent", "passwd", fake.name, check=False).returncode
    assert host.show(fake.unit, "LoadState") == {"LoadState": "not-found"}
    assert not fake.apply(args).changed


def test_absent_of_what_never_was_changes_nothing(fake: Fake) -> None:
    """Also with purge."""
    with nothing_written(fake.host):
        result = fake.apply({"name": fake.name, "state": "absent", "purge": True})
    assert not result.changed


def test_absent_spares_a_foreign_unit_of_the_same_name(fake: Fake) -> None:
    """What this module did not deploy it does not remove."""
    unit = f"/etc/systemd/system/{fake.unit}"
    fake.host.put({unit: b"[Service]\nExecStart=/bin/sleep 1000\n"})
    fake.host.sh(f"systemctl daemon-reload; systemctl start {fake.unit}")
    fake.apply({"name": fake.name, "state": "absent"})
    assert fake.host.exists(unit)
    assert fake.pid


def test_deployed_again_after_absent(fake: Fake) -> None:
    """The kept data is taken over, and nothing of the removal is in the way."""
    fake.deploy()
    fake.host.put({f"/var/lib/{fake.name}/wal": b"precious"})
    fake.apply({"name": fake.name, "state": "absent"})
    args = fake.args()
    fake.apply(args)
    assert fake.host.read(f"/var/lib/{fake.name}/wal") == "precious"
    converged(fake, args)


@pytest.mark.suites("bookworm", "bullseye")
def test_rendered_shows_what_would_be_deployed_without_touching_the_host(fake: Fake) -> None:
    """As an ordinary user, without network; files equal the deployed ones, secrets are not in it."""
    secret = "very secret indeed"
    args = fake.args(**{**EXTRAS, "secrets": [{"path": "secrets/given", "content": secret}]})
    destination = f"/tmp/rendered-{fake.name}"
    rendered = {**args, "state": "rendered", "destination": destination}
    host = fake.host
    host.sh(f"mkdir {destination}; chown nobody {destination}")
    result = host.module(rendered, "--audit", user="nobody")
    assert not result.failed, str(result)
    assert result.changed
    assert result.audit["connect"] == []
    assert [path for path in result.audit["write"] if destination not in path] == []
    assert secret not in host.out("grep", "-rl", "", destination) + host.sh(
        f"cat $(find {destination} -type f)"
    )
    assert not host.module(rendered, user="nobody").changed
    fake.apply(args)
    for path in (f"{fake.etc}/fakehost.conf", f"{fake.etc}/rules/a.rules"):
        assert host.read(f"{destination}{path}") == host.read(path)

    def drop(text: str) -> list[str]:
        return [line for line in text.splitlines() if "BAREHOST_STATE" not in line]

    unit = f"/etc/systemd/system/{fake.unit}"
    assert drop(host.read(f"{destination}{unit}")) == drop(host.read(unit))


def test_rendering_in_check_mode_writes_nothing(fake: Fake) -> None:
    """The destination is not even made."""
    destination = f"/tmp/rendered-{fake.name}"
    args = {**fake.args(), "state": "rendered", "destination": destination}
    assert fake.apply(args, check=True).changed
    assert not fake.host.exists(destination)
