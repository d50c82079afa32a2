# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looking changes nothing, and sees whatever is not as it should be."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon import _parse, _verify
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._sockets import Listener
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._verify import Limits
from ansible_collections.barehost.monitoring.tests.unit.plugins.module_utils.daemon.fakes import (
    World,
)

Found = list[tuple[str, str, bool]]


def look(world: World, limits: Limits = Limits(), **params: Any) -> Found:  # noqa: B008
    given = world.params(**params)
    spec = _parse.parse(given, world.layout)
    verdict = _verify.verify(spec, world.host, given["health"], limits, 5)
    return [(one.check, one.fault, one.warning) for one in verdict.findings]


def test_what_was_just_deployed_is_as_it_should_be(world: World) -> None:
    world.deploy()
    before = world.tree()
    assert look(world) == []
    assert world.tree() == before


def test_a_host_without_it_is_told(world: World) -> None:
    before = world.tree()
    assert look(world) == [("state", "it is not deployed", False)]
    assert world.tree() == before


DRIFTS: list[tuple[str, Callable[[World], Any], str]] = [
    ("edited", lambda w: w.path("etc/web/web.conf").write_text("other"), "web.conf was edited"),
    ("removed", lambda w: w.path("etc/web/web.conf").unlink(), "web.conf was removed"),
    ("mode", lambda w: os.chmod(w.path("etc/web/web.conf"), 0o666), "another mode or owner"),
    ("stopped", lambda w: w.systemd.control("stop"), "web.service was inactive"),
    ("disabled", lambda w: w.systemd.control("disable"), "web.service was not enabled"),
]


@pytest.mark.parametrize(("change", "words"), [d[1:] for d in DRIFTS], ids=[d[0] for d in DRIFTS])
def test_what_somebody_changed_is_told_and_left(
    world: World, change: Callable[[World], Any], words: str
) -> None:
    world.deploy()
    change(world)
    before = world.tree()
    found = look(world)
    assert [check for check, _fault, _warning in found] == ["state"]
    assert words in found[0][1]
    assert world.tree() == before


def test_what_the_inventory_wants_otherwise_is_told(world: World) -> None:
    world.deploy()
    (found, reload) = look(world, config="two")
    assert found[1].startswith("a run would write ")
    assert "reload web.service" in reload[1]


def test_what_may_not_change_is_told(world: World) -> None:
    key = {"path": "key", "content": "one", "on_change": "refuse"}
    world.deploy(secrets=[key])
    ((check, fault, _warning),) = look(world, secrets=[{**key, "content": "two"}])
    assert check == "state"
    assert "its content may not change" in fault


def test_a_sick_daemon_is_told_beside_its_drift(world: World) -> None:
    world.deploy()
    world.systemd.sick_for_ever = True
    world.path("etc/web/web.conf").write_text("other")
    assert [check for check, _fault, _warning in look(world)] == ["state", "health"]


def test_an_optional_condition_is_a_warning(world: World) -> None:
    world.deploy(config="warn")
    assert look(world, config="warn") == [("health", "http://web: redis_up is 0", True)]


LIMITS: list[tuple[str, dict[str, Any], str, str]] = [
    ("restarts", {"restarts": 1}, "unit", "systemd has restarted it once"),
    ("more restarts", {"restarts": 3}, "unit", "systemd has restarted it 3 times"),
    ("sandbox", {"exposure": 9.6}, "sandbox", "its sandbox scores 9.6, more than 2 of 10"),
    ("no analyser", {"exposure": None}, "", ""),
    (
        "socket",
        {"held": [Listener("0.0.0.0", 80, "1"), Listener("0.0.0.0", 6666, "2")]},
        "sockets",
        "listens on 0.0.0.0:6666, which its description does not name",
    ),
    ("somebody else", {"unowned": ["x is held by y"]}, "sockets", "x is held by y"),
]


@pytest.mark.parametrize(
    ("seen", "check", "fault"), [case[1:] for case in LIMITS], ids=[case[0] for case in LIMITS]
)
def test_what_systemd_and_the_kernel_tell(
    world: World, seen: dict[str, Any], check: str, fault: str
) -> None:
    world.deploy()
    status = world.systemd.status("web.service")
    restarts = seen.get("restarts", 0)
    world.systemd.status = lambda _unit: dataclasses.replace(  # type: ignore[method-assign]
        status, restarts=restarts
    )
    world.systemd.exposure = lambda _unit: seen.get("exposure", 1.0)  # type: ignore[method-assign]
    world.held, world.unowned = seen.get("held", []), seen.get("unowned", [])
    found = [(one, text) for one, text, _warning in look(world)]
    assert found == ([(check, fault)] if check else [])


@pytest.mark.parametrize(
    ("days", "found"),
    [
        (90, []),
        (10, [("certificate", "the certificate of https://127.0.0.1:443 ends in 10.0 days", True)]),
        (
            -1,
            [("certificate", "the certificate of https://127.0.0.1:443 ends in -1.0 days", False)],
        ),
    ],
)
def test_a_certificate_that_ends_is_told(world: World, days: float, found: Found) -> None:
    health = {"timeout": 5, "settle": 0, "probes": [{"url": "https://127.0.0.1:443/ready"}]}
    world.deploy(health=health)
    world.certificate_end = lambda _place, _health: time.time() + days * 86_400 + 60
    assert look(world, health=health) == found


def test_a_full_disk_is_told(world: World) -> None:
    world.deploy()
    world.path("data/web").mkdir()
    ((check, fault, warning),) = look(world, Limits(disk_free=1.1))
    assert (check, warning) == ("disk", False)
    assert "of its disk left, less than 110%" in fault


def test_the_disk_is_that_of_the_data(world: World, tmp_path: Path) -> None:
    """Wherever a flag has put them; nothing is said of a place that is not there."""
    world.deploy()
    for data, told in ((str(tmp_path), [str(tmp_path)]), (str(tmp_path / "none"), [])):
        found = look(world, Limits(disk_free=1.1, data=data))
        assert [fault.partition(" has ")[0] for _check, fault, _warning in found] == told
