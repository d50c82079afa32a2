# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is told about what, how often, and how it is grouped: judged by amtool."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from integration.support.alertmanager import rendered

DEFAULT = "default-route"
# Labels of an alert, the receiver, and the route that decides.
ROUTES = [
    ({"alertname": "Watchdog", "severity": "none"}, "dead-mans-switch", 'alertname="Watchdog"'),
    ({"alertname": "FireDrill", "severity": "none"}, "fire-drill", 'alertname="FireDrill"'),
    (
        {"alertname": "FireDrillPage", "severity": "critical"},
        "fire-drill,operators",
        'severity="critical"',
    ),
    # Where no other route is about it, the root's receiver is told all the same.
    (
        {"alertname": "FireDrillPage", "severity": "warning"},
        "fire-drill,operators",
        'alertname="FireDrillPage"',
    ),
    ({"alertname": "DiskSpaceLow", "severity": "critical"}, "operators", 'severity="critical"'),
    ({"alertname": "DiskSpaceLow", "severity": "warning"}, "operators", DEFAULT),
    ({"alertname": "Own", "severity": "info"}, "operators", DEFAULT),
    ({"alertname": "Own"}, "operators", DEFAULT),
    ({"alertname": "WatchdogBarks", "severity": "critical"}, "operators", 'severity="critical"'),
]
# How long each route waits: before the first notification of a group, before one about a newcomer
# in it, and before the same is said again.
WAITS = {
    DEFAULT: ("30s", "5m", "4h"),
    'severity="critical"': ("30s", "5m", "1h"),
    'alertname="Watchdog"': ("0s", "1m", "5m"),
    'alertname="FireDrill"': ("0s", "5s", "4h"),
    # The last one, which lets a drill that pages end at the root's receiver.
    'alertname="FireDrillPage"': ("30s", "5m", "4h"),
}
DRILLS = ("FireDrill", "FireDrillPage")


@pytest.mark.parametrize(("labels", "receiver", "route"), ROUTES)
def test_an_alert_reaches_its_receiver(
    folder: Path, amtool: Any, labels: dict[str, str], receiver: str, route: str
) -> None:
    pairs = [f"{name}={value}" for name, value in labels.items()]
    file = f"--config.file={folder / 'alertmanager.yml'}"
    done = amtool(
        "config", "routes", "test", file, "--tree", f"--verify.receivers={receiver}", *pairs
    )
    assert done.returncode == 0, done.stdout + done.stderr
    deciding = re.findall(r"└── (?:\{(.*)\}|(default-route))", done.stdout)[-1]
    assert "".join(deciding) == route, done.stdout


def test_the_table_would_notice_a_wrong_receiver(folder: Path, amtool: Any) -> None:
    file = f"--config.file={folder / 'alertmanager.yml'}"
    words = ("--verify.receivers=operators", "alertname=Watchdog", "severity=none")
    assert amtool("config", "routes", "test", file, *words).returncode == 1


def routes(config: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return every route by its matchers, with what it inherits."""
    found = {DEFAULT: config["route"]}
    for route in config["route"]["routes"]:
        assert "routes" not in route, "a level more: extend this"
        found[",".join(route["matchers"])] = {**config["route"], **route}
    return found


def test_every_route_decides_in_some_row(config: dict[str, Any]) -> None:
    assert set(routes(config)) == {route for _labels, _receiver, route in ROUTES}


def test_every_receiver_of_a_route_has_a_way_to_the_outside(config: dict[str, Any]) -> None:
    used = {route["receiver"] for route in routes(config).values()}
    ways = {
        receiver["name"]: [key for key, value in receiver.items() if key != "name" and value]
        for receiver in config["receivers"]
    }
    assert set(ways) == used
    assert ways == {
        "operators": ["email_configs", "slack_configs"],
        "dead-mans-switch": ["webhook_configs"],
        "fire-drill": ["webhook_configs"],
    }


def test_how_often_is_as_documented(config: dict[str, Any]) -> None:
    keys = ("group_wait", "group_interval", "repeat_interval")
    assert {
        name: tuple(route[key] for key in keys) for name, route in routes(config).items()
    } == WAITS


def test_hosts_are_not_thrown_together(config: dict[str, Any]) -> None:
    groups = {name: route["group_by"] for name, route in routes(config).items()}
    assert groups.pop('alertname="FireDrill"') == ["alertname", "drill"]
    assert all(group == ["alertname", "job", "instance"] for group in groups.values())


def test_the_end_is_told_except_to_the_dead_mans_switch(config: dict[str, Any]) -> None:
    told = {
        (receiver["name"], way["send_resolved"])
        for receiver in config["receivers"]
        for key, ways in receiver.items()
        if key != "name"
        for way in ways
    }
    assert told == {("operators", True), ("dead-mans-switch", False), ("fire-drill", True)}


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        # Whatever routes somebody writes, a drill reaches nobody else unless it is asked to.
        (
            {"alertmanager_route": {"receiver": "operators"}},
            ["fire-drill", "fire-drill,operators"],
        ),
        (
            {
                "alertmanager_route": {
                    "receiver": "operators",
                    "routes": [{"matchers": ['host!=""'], "receiver": "night", "continue": False}],
                },
                "alertmanager_receivers": [{"name": "night"}],
            },
            ["fire-drill", "fire-drill,night"],
        ),
        # Without them there is no way to tell drills from alerts: the drill itself refuses to run.
        ({"alertmanager_fire_drill": {}}, ["operators", "operators"]),
    ],
)
def test_drills_have_routes_of_their_own(
    tmp_path: Path, amtool: Any, variables: dict[str, Any], told: list[str]
) -> None:
    file = rendered(tmp_path, variables) / "alertmanager.yml"
    found = [
        amtool("config", "routes", "test", f"--config.file={file}", f"alertname={name}", "host=a")
        for name in DRILLS
    ]
    assert [done.stdout.strip() for done in found] == told


def test_amtool_accepts_the_file(folder: Path, amtool: Any) -> None:
    done = amtool("check-config", str(folder / "alertmanager.yml"))
    assert done.returncode == 0, done.stdout + done.stderr
