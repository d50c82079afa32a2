# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that finds nothing to do."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from integration.support import fake as releases
from integration.support.claims import nothing_written
from integration.support.fake import Fake
from integration.support.host import Host

EVERYTHING = {
    "files": [
        {"path": "rules/ä.rules", "content": "rule one\n", "on_change": "reload"},
        {"path": "note.txt", "content": "", "on_change": "none"},
    ],
    "secrets": [
        {"path": "secrets/given", "content": "kept to ourselves"},
        {"path": "secrets/made", "generate": {"length": 24}},
        {"credential": "database", "content": "kept as well"},
    ],
    "environment": {"COLOUR": "100% $red"},
}


@pytest.fixture
def settled(fake: Fake) -> tuple[Fake, dict[str, object]]:
    """Deploy everything the module can deploy, from a mirror that is gone afterwards."""
    host, folder = fake.host, f"/srv/mirror-of-{fake.name}"
    host.sh(f"cp -r {releases.RELEASES}/v1.0.0 {folder}")
    address = f"file://{folder}/fakehost-{{version}}.linux-{{arch}}.tar.gz"
    args = fake.args(
        **EVERYTHING, release={"url": address, "checksum": f"file://{folder}/sha256sums.txt"}
    )
    assert fake.apply(args).changed
    host.sh(f"rm -r {folder}")
    return fake, args


@pytest.mark.suites("bookworm", "trixie", "bullseye")
def test_nothing_to_change_writes_nothing_and_asks_systemd_once(
    settled: tuple[Fake, dict[str, object]],
) -> None:
    """No mirror, no file, one process: with the mirror gone there is nothing to fall back on."""
    fake, args = settled
    pid = fake.pid
    with nothing_written(fake.host):
        result = fake.host.module(args, "--audit")
    assert (result.failed, result.changed) == (False, False), str(result)
    assert result["actions"] == []
    own = {"127.0.0.1", str(("127.0.0.1", fake.port))}
    assert set(result.audit["connect"]) <= own, (
        "only the daemon itself may be asked, for its health"
    )
    assert [path for path in result.audit["write"] if not path.endswith("/lock")] == []
    assert len(result.audit["run"]) <= 1, result.audit["run"]
    assert fake.pid == pid


def test_nothing_to_change_in_check_mode(settled: tuple[Fake, dict[str, object]]) -> None:
    """Check mode of a settled host answers the same."""
    fake, args = settled
    with nothing_written(fake.host):
        result = fake.apply(args, check=True, diff=True)
    assert not result.changed
    assert not result.get("diff")


def test_two_instances_of_one_product_live_side_by_side(
    make_fake: Callable[[], Fake], host: Host
) -> None:
    """Two names, one release folder: neither disturbs the other, each has its own version."""
    first, second = make_fake(), make_fake()
    shared = {"release": {"name": first.name}}
    one = first.args("greeting = one\n", **shared)
    two = second.args("greeting = two\n", version="1.1.0", **shared)
    assert first.apply(one).changed
    pid = first.pid
    assert second.apply(two).changed
    assert not first.apply(one).changed
    assert not second.apply(two).changed
    assert first.pid == pid
    assert (first.ask("/config"), second.ask("/config")) == (
        {"greeting": "one"},
        {"greeting": "two"},
    )
    assert (first.running_release, second.running_release) == ("1.0.0", "1.1.0")
    first.apply({"name": first.name, "state": "absent", "purge": True})
    assert second.healthy()
    assert not second.apply(two).changed
