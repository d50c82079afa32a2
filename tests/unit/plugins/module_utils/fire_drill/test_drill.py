# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A drill through a chain that is whole, or broken at a hop; and what it leaves."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.barehost.monitoring.plugins.module_utils.fire_drill import (
    _drill,
    _textfile,
)
from ansible_collections.barehost.monitoring.plugins.module_utils.fire_drill._chain import seconds
from ansible_collections.barehost.monitoring.plugins.module_utils.fire_drill._report import Report
from ansible_collections.barehost.monitoring.tests.unit.plugins.module_utils.fire_drill.chain import (
    BEGIN,
    Chain,
)

HOPS = ["armed", "scraped", "rule", "alertmanager", "receiver", "ended", "resolved"]


@pytest.fixture
def chain(tmp_path: Path) -> Chain:
    return Chain(tmp_path)


def drill(chain: Chain, **settings: Any) -> tuple[Report, list[bool]]:
    marks: list[bool] = []
    done = _drill.run(chain.settings(**settings), chain.world, "d1", chain.inbox, marks.append)
    assert os.listdir(chain.directory) == [], "something is left"
    return done, marks


def test_a_drill_passes_hop_by_hop(chain: Chain) -> None:
    done, marks = drill(chain)
    assert (done.fault, done.failed_hop, done.receivers) == ("", "", ["fire-drill"])
    assert list(done.hops) == HOPS
    # Scraped every 5 s, evaluated every 3 s: armed at 5, the fault at 10, the rule at 12, the end
    # (after 12) at 15 and the evaluation of that moment.
    assert done.hops == {
        "armed": 5.0,
        "scraped": 5.0,
        "rule": 2.0,
        "alertmanager": 0.0,
        "receiver": 0.0,
        "ended": 3.0,
        "resolved": 0.0,
    }
    assert done.seconds == 15.0
    assert marks == [True, False]
    assert chain.active == 0


def test_where_it_would_go_is_asked_with_all_labels_of_the_alert(chain: Chain) -> None:
    chain.external = {"site": "north"}
    drill(chain)
    assert chain.routed[-1] == {
        "alertname": "FireDrill",
        "severity": "none",
        "drill": "d1",
        "job": "node-exporter",
        "host": "mon",
        "site": "north",
    }


@pytest.mark.parametrize(
    ("page", "receivers", "fault"),
    [
        (False, ["operators"], "would tell operators, not fire-drill"),
        (False, ["fire-drill", "operators"], "would tell operators as well"),
        (True, ["fire-drill"], "would tell nobody but fire-drill, although it is asked to page"),
        (True, ["operators"], "would tell operators, not fire-drill"),
    ],
)
def test_nothing_is_fired_where_it_would_reach_others(
    chain: Chain, page: bool, receivers: list[str], fault: str
) -> None:
    chain.receivers = receivers
    done, marks = drill(chain, page=page)
    assert done.failed_hop == "receiver"
    assert done.fault == f"http://127.0.0.1:9093 {fault}; nothing was fired"
    assert (done.hops, chain.samples, marks) == ({}, [], [False])


def test_a_route_that_shows_only_with_the_labels_of_the_metric_stops_it_too(chain: Chain) -> None:
    """A route may decide by the host, which is known once the sample is scraped."""
    real = chain.route
    chain.route = lambda config, labels: (  # type: ignore[method-assign]
        ["operators"] if "host" in labels else real(config, labels)
    )
    done, _marks = drill(chain)
    assert done.failed_hop == "receiver"
    assert list(done.hops) == ["armed"]
    assert [value for _when, value in chain.samples] == [0.0], "it was fired"


STRANGER = "http://10.0.0.9:9093"


def test_an_alertmanager_that_only_prometheus_names_may_tell_nobody_either(chain: Chain) -> None:
    chain.named.append(f"{STRANGER}/")
    chain.others = {STRANGER: ["fire-drill", "operators"]}
    looked = _drill.inspect(chain.settings(), chain.world, "d1")
    done, marks = drill(chain)
    for report in (looked, done):
        assert report.failed_hop == "receiver"
        assert report.fault == f"{STRANGER} would tell operators as well; nothing was fired"
    assert (chain.samples, marks) == ([], [False])
    chain.others = {STRANGER: ["fire-drill"]}
    assert drill(chain)[0].fault == ""


def test_an_alertmanager_that_can_not_be_asked_is_named(chain: Chain) -> None:
    chain.named.append(STRANGER)
    chain.down = {STRANGER: "Connection refused"}
    done, marks = drill(chain)
    assert (done.failed_hop, chain.samples, marks) == ("alertmanager", [], [False])
    assert done.fault == (
        f"http://127.0.0.1:9090 sends alerts to {STRANGER}/api/v2/alerts as well, which can not be "
        "asked whom a drill would reach: Connection refused; nothing was fired"
    )
    assert "fire_drill_alertmanagers" in done.remedy


def test_loopback_of_another_host_is_another_alertmanager(chain: Chain) -> None:
    chain.down = {"http://other:9093": "Connection refused"}
    done, _marks = drill(chain, prometheus=("http://mon:9090",))
    assert done.fault == "", "mon is this host"
    done, _marks = drill(chain, prometheus=("http://other:9090",))
    assert done.fault.startswith("http://other:9090 sends alerts to http://127.0.0.1:9093/")


def test_an_alert_that_goes_astray_ends_at_once(chain: Chain) -> None:
    chain.strays = ["operators"]
    done, marks = drill(chain)
    assert done.failed_hop == "receiver"
    assert done.fault == (
        "http://127.0.0.1:9093 is about to tell operators; the fault was ended at once"
    )
    assert done.seconds <= 12.5, "it went on"
    assert marks == [True, False], "no message will come to the drill"


def test_a_drill_that_pages_lasts_long_enough(chain: Chain) -> None:
    chain.receivers = ["fire-drill", "operators"]
    done, _marks = drill(chain, page=True, hold=40)
    assert done.fault == ""
    assert done.receivers == ["fire-drill", "operators"]
    assert done.seconds >= 12 + 40
    assert chain.routed[-1]["alertname"] == "FireDrillPage"
    assert chain.page


CONDITIONS = {
    "Prometheus is down": (
        {"down": {":9090": "Connection refused"}},
        ("rule", "http://127.0.0.1:9090: Connection refused", "systemctl status prometheus"),
    ),
    "Alertmanager is down": (
        {"down": {":9093": "Connection refused"}},
        (
            "alertmanager",
            "http://127.0.0.1:9093: Connection refused",
            "systemctl status alertmanager",
        ),
    ),
    "the rule is not there": (
        {"rules": ["FireDrillPage"]},
        ("rule", "http://127.0.0.1:9090 has no rule FireDrill", "deploy with site.yml"),
    ),
    "Prometheus knows no Alertmanager": (
        {"named": []},
        ("alertmanager", "http://127.0.0.1:9090 knows no Alertmanager", "systemctl status"),
    ),
}


@pytest.mark.parametrize("case", CONDITIONS)
def test_what_is_known_beforehand_is_told_at_once(chain: Chain, case: str) -> None:
    state, (hop, fault, remedy) = CONDITIONS[case]
    for name, value in state.items():
        setattr(chain, name, value)
    looked = _drill.inspect(chain.settings(), chain.world, "d1")
    done, marks = drill(chain)
    for report in (done, looked):
        assert (report.failed_hop, report.fault) == (hop, fault)
        assert report.remedy.startswith(remedy)
        assert report.seconds == 0
    assert marks == [False], "somebody would wait for a message that never comes"


BREAKS = {
    # what is broken: the hop, a part of the fault, hops made before, whether something is on its way
    "scrape": ("armed", "http://127.0.0.1:9090 has no such sample", [], False),
    "rule": ("rule", "has the fault, but the alert does not fire", HOPS[:2], False),
    "alertmanager": ("alertmanager", "http://127.0.0.1:9093 does not have", HOPS[:3], False),
    "receiver": ("receiver", "no message (firing) has come to 127.0.0.1:9195", HOPS[:4], True),
    "resolved": ("resolved", "no message (resolved) has come to 127.0.0.1:9195", HOPS[:6], True),
}


@pytest.mark.parametrize("broken", BREAKS)
def test_where_the_chain_is_broken_is_told(chain: Chain, broken: str) -> None:
    hop, fault, before, on_its_way = BREAKS[broken]
    chain.broken = {broken}
    done, marks = drill(chain)
    assert done.failed_hop == hop
    assert fault in done.fault
    assert done.fault.endswith("after 30 s")
    assert list(done.hops) == before
    assert (marks or [False])[-1] == on_its_way


def test_who_holds_a_notification_back_is_told(chain: Chain) -> None:
    chain.silenced = ["5f2a"]
    done, _marks = drill(chain)
    assert done.failed_hop == "receiver"
    assert done.fault.endswith("http://127.0.0.1:9093 holds it back: silenced by 5f2a")


def test_a_service_that_pauses_is_waited_for(chain: Chain) -> None:
    real = chain.get

    def get(url: str) -> Any:
        if 6 <= chain.clock < 20:
            raise OSError("Connection refused")
        return real(url)

    chain.get = get  # type: ignore[method-assign]
    done, _marks = drill(chain)
    assert done.fault == ""


def test_a_killed_drill_leaves_a_fault_that_ends_by_itself(chain: Chain) -> None:
    """Where not even systemd is left to clean up, as after a loss of power."""
    left: list[str] = []

    def look(is_open: bool) -> None:
        if is_open:
            left.append(_textfile.read(str(chain.directory), _textfile.FAULT))

    _drill.run(chain.settings(), chain.world, "d1", chain.inbox, look)
    _textfile.write(str(chain.directory), _textfile.FAULT, left[0])
    chain.sleep(60)
    assert chain.active
    chain.sleep(600)
    assert chain.active == 0


def test_without_the_directory_it_says_what_to_do(chain: Chain, tmp_path: Path) -> None:
    settings = chain.settings()
    os.rmdir(tmp_path)
    done = _drill.run(settings, chain.world, "d1", chain.inbox)
    assert done.failed_hop == "armed"
    assert done.fault == f"{tmp_path} is missing on this host"
    assert "node_exporter" in done.remedy


def test_a_directory_that_cannot_be_written_is_named(chain: Chain, tmp_path: Path) -> None:
    (tmp_path / "barehost_fire_drill.prom").mkdir()
    done = _drill.run(chain.settings(), chain.world, "d1", chain.inbox)
    assert done.failed_hop == "armed"
    assert "Is a directory" in done.fault


def test_a_look_fires_nothing(chain: Chain) -> None:
    looked = _drill.inspect(chain.settings(), chain.world, "d1")
    assert (looked.fault, looked.inspected, looked.receivers) == ("", True, ["fire-drill"])
    assert os.listdir(chain.directory) == []


def test_every_server_counts(chain: Chain) -> None:
    """The second one never gets the alert, although the notification arrives."""
    real = chain.get

    def get(url: str) -> Any:
        if "second" in url and "filter=drill" in url:
            return []
        return real(url)

    chain.get = get  # type: ignore[method-assign]
    both = ("http://first:9093", "http://second:9093")
    done, _marks = drill(chain, alertmanagers=both)
    assert done.failed_hop == "alertmanager"
    assert done.fault.startswith("http://second:9093 does not have the alert")
    assert "receiver" in done.hops


BOTH = ("http://first:9093", "http://second:9093")


@pytest.mark.parametrize("without", BOTH)
@pytest.mark.parametrize("broken", ["", "receiver"])
@pytest.mark.parametrize("answer", ["nothing", "no answer"])
def test_what_one_alertmanager_has_is_waited_for(
    chain: Chain, without: str, broken: str, answer: str
) -> None:
    """It tells of the end, too: before that the receiver must not go, whatever the other one has."""
    real = chain.get

    def get(url: str) -> Any:
        if not (url.startswith(without) and "filter=drill" in url):
            return real(url)
        if answer == "no answer":
            raise OSError("Connection refused")
        return []

    chain.get = get  # type: ignore[method-assign]
    chain.broken = {broken}
    done, marks = drill(chain, alertmanagers=BOTH)
    assert (done.failed_hop, marks) == ("alertmanager", [True])
    assert without in done.fault


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2023-11-14T22:13:20Z", BEGIN),
        ("2023-11-14T22:13:20.123456789Z", BEGIN + 0.123456789),
        ("2023-11-14T23:13:20.5+01:00", BEGIN + 0.5),
        ("yesterday", 0),
    ],
)
def test_times_of_the_services(text: str, wanted: float) -> None:
    assert seconds(text) == pytest.approx(wanted, abs=1e-6)
