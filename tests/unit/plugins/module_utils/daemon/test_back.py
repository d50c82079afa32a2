# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Going back on request: to what was good before, once, and as safely as a deployment."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._transaction import (
    Failure,
)
from ansible_collections.barehost.monitoring.tests.unit.plugins.module_utils.daemon.fakes import (
    Killed,
    World,
)

OLD: dict[str, Any] = {
    "config": "one",
    "version": "1.0",
    "files": [{"path": "old.conf", "content": "x"}],
}
NEW: dict[str, Any] = {
    "config": "two",
    "version": "2.0",
    "files": [{"path": "new.conf", "content": "y"}],
}


def upgraded(world: World) -> tuple[Any, ...]:
    """Deploy the old state, then the new one; returns the host as it was with the old one."""
    world.deploy(**OLD)
    before = world.state()
    world.deploy(**NEW)
    return before


@pytest.mark.parametrize("described", [NEW, OLD, {"config": "three", "version": "3.0"}])
def test_it_is_as_it_was_whatever_is_described_now(world: World, described: dict[str, Any]) -> None:
    before = upgraded(world)
    outcome = world.go_back(**described)
    assert (outcome.version, outcome.previous_version) == ("1.0", "2.0")
    left = world.differences(before)
    # The newer release stays for the way forward, as the older one did.
    assert [path for path in left if "opt/web/2.0" not in path] == []


def test_check_mode_tells_and_changes_nothing(world: World) -> None:
    upgraded(world)
    before = world.tree()
    told = world.go_back(check=True, **NEW).plan.actions
    assert world.tree() == before
    assert world.go_back(**NEW).plan.actions == told


def test_once_only(world: World) -> None:
    """A run that is repeated, since it was cut off or somebody was unsure, does not go forward again."""
    upgraded(world)
    world.go_back(**NEW)
    before = world.tree()
    outcome = world.go_back(**NEW)
    assert not outcome.plan.changed
    assert world.tree() == before
    assert "no earlier good state" in outcome.warnings[0]


@pytest.mark.parametrize("deploy", [True, False])
def test_where_there_is_none_nothing_is_done(world: World, deploy: bool) -> None:
    if deploy:
        world.deploy(**OLD)
    before = world.tree()
    assert not world.go_back(**NEW).plan.changed
    assert world.tree() == before


def test_the_next_deployment_goes_forward(world: World) -> None:
    upgraded(world)
    new = world.state()
    world.go_back(**NEW)
    assert world.deploy(**NEW).plan.changed
    assert world.differences(new) == []


def test_what_does_not_come_up_is_taken_back(world: World) -> None:
    """What was good then need not be so now."""
    upgraded(world)
    new = world.state()
    world.sick = {"one"}
    with pytest.raises(Failure) as caught:
        world.go_back(**NEW)
    assert caught.value.rolled_back
    assert world.differences(new) == []


def test_killed_at_every_point(world: World) -> None:
    """The run is repeated and ends where one ends that nobody killed."""
    world.salted()
    upgraded(world)
    points: list[str] = []
    world.go_back(observe=points.append, **NEW)
    wanted = world.state()
    for point in points:
        world.fresh()
        world.salted()
        upgraded(world)

        def kill(at: str, point: str = point) -> None:
            if at == point:
                raise Killed

        with pytest.raises(Killed):
            world.go_back(observe=kill, **NEW)
        world.go_back(**NEW)
        assert world.differences(wanted) == [], point
