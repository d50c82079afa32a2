# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The health gate: what counts as healthy, and the way back when the new state is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from integration.support import snapshot
from integration.support.claims import converged, refused, replaced
from integration.support.fake import Fake
from integration.support.server import holding

FOUND = "\n".join


@pytest.fixture
def running(fake: Fake) -> Fake:
    """Return a running, healthy deployment of version 1.0.0."""
    fake.deploy()
    return fake


def rolled_back(fake: Fake, args: dict[str, Any], *, restarted: bool = True) -> Any:
    """Claim that a run fails, and that files, release, unit and a healthy service come back."""
    pid, before = fake.pid, snapshot.take(fake.host, times=False)
    result = fake.refuse(args)
    assert result["rolled_back"] is True, str(result)
    differences = replaced(before, snapshot.take(fake.host, times=False), fake.records)
    assert differences == {}
    assert fake.healthy()
    assert fake.running_release == "1.0.0"
    assert fake.ask("/config") == {"greeting": "hello"}
    assert (fake.pid != pid) is restarted
    converged(fake, fake.args())
    return result


@pytest.mark.suites("bookworm", "trixie", "bullseye")
@pytest.mark.parametrize(
    ("vice", "cause"),
    [
        ("refuse", "refusing to start: mode = refuse"),
        ("crash", "crashing: mode = crash"),
        ("unhealthy", "2.0.0-unhealthy listening"),
    ],
)
def test_an_upgrade_that_is_not_healthy_is_taken_back(running: Fake, vice: str, cause: str) -> None:
    """The old release serves again and the error carries what the new one said."""
    result = rolled_back(running, running.args(version=f"2.0.0-{vice}"))
    assert cause in FOUND(result["journal"]), str(result)
    assert result["failed_phase"] == "gate" or result["failed_phase"] == "activate"


@pytest.mark.parametrize("mode", ["deaf", "reload-fails", "unhealthy"])
def test_a_reload_that_did_not_happen_is_taken_back(fake: Fake, mode: str) -> None:
    """The daemon's own metrics prove the reload, not the exit status of a signal."""
    start = {"deaf": "greeting = hello\nmode = deaf\n"}.get(mode, "greeting = hello\n")
    fake.deploy(start)
    pid, loaded = fake.pid, fake.ask("/config")
    result = fake.refuse(fake.args(f"greeting = changed\nmode = {mode}\n"))
    assert result["rolled_back"] is True, str(result)
    assert fake.host.read(f"{fake.etc}/fakehost.conf") == start
    assert fake.ask("/config") == loaded
    assert "fakehost_config_last_reload_successful 1" in fake.get("/metrics")[1]
    assert fake.healthy()
    assert fake.pid == pid or mode == "deaf"


def test_a_counter_of_failures_that_rises_is_a_failure(running: Fake) -> None:
    """Prometheus "loads" a missing ca_file; only a counter tells. It is compared with before."""
    args = running.args("greeting = changed\nca_file = tls/none.pem\n")
    result = rolled_back(running, args, restarted=False)
    assert "fakehost_scrape_pools_failed_total" in result.msg


@pytest.mark.suites("bookworm", "trixie", "bullseye")
@pytest.mark.parametrize("vice", ["refuse", "crash", "unhealthy"])
def test_a_failed_first_installation_leaves_nothing_running(fake: Fake, vice: str) -> None:
    """No unit, no process, no files; the data stays; the next run starts clean."""
    host = fake.host
    before = snapshot.take(host, times=False)
    result = fake.refuse(fake.args(version=f"2.0.0-{vice}"))
    assert result["journal"], str(result)
    left = replaced(
        before, snapshot.take(host, times=False), f"/var/lib/{fake.name}", "/var/lib/barehost"
    )
    assert left == {}
    assert host.show(fake.unit, "LoadState", "ActiveState") == {
        "LoadState": "not-found",
        "ActiveState": "inactive",
    }
    assert host.exists(f"/var/lib/{fake.name}")
    args = fake.args()
    fake.apply(args)
    converged(fake, args)


def test_a_crash_loop_is_seen_although_the_daemon_answers_for_a_moment(running: Fake) -> None:
    """Ready for 0.15 s and gone: one process has to stay for the settling time."""
    args = running.args("greeting = hello\nmode = crash\n", health={"settle": 1.5})
    args["files"][0]["on_change"] = "restart"
    rolled_back(running, args)


def test_a_slow_start_within_the_limit_is_no_failure(running: Fake) -> None:
    """The gate waits for as long as it may."""
    running.deploy(version="2.0.0-slow")
    assert running.running_release == "2.0.0-slow"


def test_a_daemon_that_hangs_on_stop_is_replaced_all_the_same(fake: Fake) -> None:
    """systemd kills it after TimeoutStopSec; the deployment goes on."""
    fake.deploy("greeting = hello\nmode = stubborn\n")
    fake.deploy(version="1.1.0")
    assert fake.running_release == "1.1.0"


@pytest.mark.suites("bookworm", "bullseye")
@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0", "::"])
def test_a_port_held_by_another_process_is_refused_before_anything_is_replaced(
    running: Fake, address: str
) -> None:
    """Held on loopback or on every address: named, with its holder, and the old service stays."""
    port = running.port + 20000
    args = running.args()
    args["command"][-1] = f"--listen=127.0.0.1:{port}"
    args["health"]["probes"] = [{"url": f"http://127.0.0.1:{port}/-/ready"}]
    with holding(running.host, address, port):
        refused(running, args, str(port), "python3|process [0-9]+")
    running.apply(args)


@pytest.mark.suites("bookworm", "bullseye")
def test_a_port_held_by_another_process_stops_a_first_installation(fake: Fake) -> None:
    """Nothing is installed, not even the account's file."""
    before = snapshot.take(fake.host, times=False)
    with holding(fake.host, "127.0.0.1", fake.port):
        result = fake.refuse(fake.args())
    assert str(fake.port) in result.msg
    assert replaced(before, snapshot.take(fake.host, times=False), "/var/lib/barehost") == {}


def test_an_impostor_on_the_port_is_not_taken_for_healthy(running: Fake) -> None:
    """Another process takes the probe's port while we start: it answers 200 and is not the unit's."""
    port = running.port + 20000
    args = running.args(flags=["--nothing"], health={"timeout": 2})
    args["health"]["probes"] = [{"url": f"http://127.0.0.1:{port}/-/ready"}]
    process = running.host.start_module(args, "--sleep-at", "activate", "2")
    assert process.stderr is not None
    while b"point activate" not in (line := process.stderr.readline()):
        assert line, "the run ended before it activated"
    with holding(running.host, "127.0.0.1", port):
        result = running.host.finish_module(process)
    assert result.failed, str(result)
    assert result["rolled_back"] is True
    assert str(port) in result.msg
    converged(running, running.args())


@pytest.mark.suites("bookworm", "bullseye")
@pytest.mark.parametrize(
    ("listen", "probe"),
    [("[::1]", "[::1]"), ("0.0.0.0", "127.0.0.1"), ("[::]", "[::1]"), ("[::]", "127.0.0.1")],
)
def test_listening_addresses_of_every_kind_are_proved(fake: Fake, listen: str, probe: str) -> None:
    """IPv6 loopback, every address, and a dual-stack socket asked over IPv4."""
    args = fake.args()
    args["command"][-1] = f"--listen={listen}:{fake.port}"
    args["health"]["probes"] = [{"url": f"http://{probe}:{fake.port}/-/ready"}]
    fake.apply(args)
    assert fake.get("/-/ready", host=probe)[0] == 200


def test_several_listening_addresses_are_all_proved(fake: Fake) -> None:
    """A daemon that serves only one of two wanted addresses is not healthy."""
    probes = [{"url": f"http://{host}:{fake.port}/-/ready"} for host in ("127.0.0.1", "[::1]")]
    fake.apply(fake.args(flags=[f"--listen=[::1]:{fake.port}"], health={"probes": probes}))
    result = fake.refuse(fake.args(health={"probes": probes}))
    assert result["rolled_back"] is True
    assert f"[::1]:{fake.port}" in result.msg


METRICS: dict[str, tuple[dict[str, Any], bool]] = {
    "sum of all series": ({"name": "fakehost_rules", "sum": True, "equals": 3}, True),
    "wrong sum": ({"name": "fakehost_rules", "sum": True, "equals": 4}, False),
    "one series": ({"name": "fakehost_rules", "labels": {"file": "b.rules"}, "equals": 2}, True),
    "absent metric": ({"name": "fakehost_none", "equals": 0}, False),
    "at least": ({"name": "fakehost_rules", "sum": True, "at_least": 3}, True),
    "not at least": ({"name": "fakehost_rules", "sum": True, "at_least": 3.5}, False),
    "not at most": ({"name": "fakehost_rules", "sum": True, "at_most": 2}, False),
}


@pytest.mark.parametrize("case", METRICS)
def test_metrics_decide(fake: Fake, case: str) -> None:
    """Values of the daemon's own metrics are part of the gate."""
    metric, healthy = METRICS[case]
    args = fake.args(
        "greeting = hello\nrules = rules/*.rules\n",
        files=[
            {"path": "rules/a.rules", "content": "rule one\n"},
            {"path": "rules/b.rules", "content": "rule two\nrule three\n"},
        ],
        health={"timeout": 1},
    )
    args["health"]["probes"][1]["metrics"] = [metric]
    result = fake.host.module(args)
    assert result.failed is not healthy, str(result)
    assert healthy or metric["name"] in result.msg


def test_an_absent_database_is_a_warning_and_no_failure(fake: Fake) -> None:
    """Optional conditions are reported."""
    args = fake.args()
    args["health"]["probes"][1]["metrics"].append(
        {"name": "fakehost_database_up", "equals": 1, "optional": True}
    )
    result = fake.apply(args)
    assert any("fakehost_database_up" in str(warning) for warning in result.get("warnings", []))


@pytest.mark.parametrize(
    ("probe", "words"), [({"status": 204}, "204"), ({"body": "is sleepy"}, "is sleepy")]
)
def test_status_and_body_are_compared(running: Fake, probe: dict[str, Any], words: str) -> None:
    """What is expected and what came stand in the error."""
    args = running.args("greeting = again\n", health={"timeout": 1})
    args["health"]["probes"] = [{"url": f"http://127.0.0.1:{running.port}/-/ready", **probe}]
    result = running.refuse(args)
    assert words in result.msg
    assert result["rolled_back"] is True


def test_an_untouched_neighbour_is_not_disturbed_by_a_failure(
    make_fake: Callable[[], Fake],
) -> None:
    """A deployment that is taken back stays within its own name."""
    neighbour, failing = make_fake(), make_fake()
    neighbour.deploy()
    pid = neighbour.pid
    failing.refuse(failing.args(version="2.0.0-crash"))
    assert neighbour.pid == pid
    assert neighbour.healthy()


def test_without_rollback_the_new_state_stays_for_inspection(running: Fake) -> None:
    """A store that was migrated cannot go back: the error says so, the files are the new ones."""
    args = running.args(version="2.0.0-unhealthy", rollback=False)
    result = running.refuse(args)
    assert not result["rolled_back"], str(result)
    assert running.running_release == "2.0.0-unhealthy"
    again = running.refuse(args)
    assert not again["rolled_back"]
    running.deploy(version="1.1.0")
    assert running.running_release == "1.1.0"


def test_both_states_broken_is_told_plainly(running: Fake) -> None:
    """When the old state is no longer healthy either, nobody is told it was restored."""
    host = running.host
    host.put({f"{running.opt}/1.0.0/mode": b"refuse"})
    result = running.refuse(running.args(version="2.0.0-crash"))
    assert not result["rolled_back"] or running.healthy(), str(result)
