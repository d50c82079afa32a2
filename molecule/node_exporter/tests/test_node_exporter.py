# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""node_exporter, compared with the same program outside its sandbox."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

URL = "http://127.0.0.1:9100/metrics"
BARE = "http://127.0.0.1:19100/metrics"
TEXTFILES = "/var/lib/node_exporter/textfile"


@pytest.fixture(scope="module")
def unhardened(host: Any) -> Iterator[str]:
    """Run the same program with the same arguments as root, without any sandbox."""
    pid = host.check_output("systemctl show -p MainPID --value node_exporter")
    arguments = host.file(f"/proc/{pid}/cmdline").content_string.rstrip("\0").split("\0")
    kept = [a for a in arguments if not a.startswith("--web.listen-address")]
    command = [*kept, "--web.listen-address=127.0.0.1:19100"]
    words = " ".join("%s" for _word in command)
    host.check_output(f"systemd-run --quiet --unit=unhardened -p Type=exec -- {words}", *command)
    yield BARE
    host.check_output("systemctl stop unhardened")


def collectors(metrics: dict[str, float]) -> dict[str, float]:
    """Return which collectors ran, and whether they succeeded."""
    found = {re.search(r'success{collector="(\w+)"', series): v for series, v in metrics.items()}
    return {match[1]: value for match, value in found.items() if match}


def mount_points(metrics: dict[str, float]) -> set[str]:
    """Return the mount points with a size."""
    pattern = re.compile(r'node_filesystem_size_bytes{.*mountpoint="([^"]+)"')
    return {match[1] for match in map(pattern.match, metrics) if match}


def test_every_collector_works_as_outside_the_sandbox(
    ask: Any, eventually: Any, unhardened: str
) -> None:
    assert eventually(lambda: ask.answer(unhardened)[0] == 200)
    outside = collectors(ask.metrics(unhardened))
    assert len(outside) > 30
    assert collectors(ask.metrics(URL)) == outside


def test_the_mount_points_are_those_of_the_host(ask: Any, unhardened: str) -> None:
    assert mount_points(ask.metrics(URL)) == mount_points(ask.metrics(unhardened))


def test_names_of_metrics_are_the_same(ask: Any, unhardened: str) -> None:
    def names(url: str) -> set[str]:
        return {re.split("[{ ]", series)[0] for series in ask.metrics(url)}

    assert names(URL) ^ names(unhardened) <= {"promhttp_metric_handler_errors_total"}


def test_excluded_mount_points_are_not_reported(host: Any, ask: Any) -> None:
    mounted = host.file("/proc/1/mountinfo").content_string
    assert " /etc/hosts " in mounted, "the host has no such mount, so that nothing is proved"
    reported = mount_points(ask.metrics(URL))
    assert [p for p in reported if re.match(r"/(dev|etc|host|proc|sys)(/|$)", p)] == []


def test_a_textfile_is_published(host: Any, ask: Any) -> None:
    path = f"{TEXTFILES}/test.prom"
    host.check_output(f"echo 'barehost_test 42' > {path}.new; chmod 644 {path}.new")
    host.check_output(f"mv {path}.new {path}")
    try:
        metrics = ask.metrics(URL)
    finally:
        host.check_output(f"rm {path}")
    assert metrics["barehost_test"] == 42
    assert metrics["node_textfile_scrape_error"] == 0


def test_the_services_of_systemd_are_reported_and_no_other_units(host: Any, ask: Any) -> None:
    """By the system bus, as node_exporter's user, from within the sandbox."""
    name = "barehost-test-fails.service"
    host.run(f"systemd-run --unit={name} --property=Type=oneshot --wait false")
    try:
        metrics = ask.metrics(URL)
    finally:
        host.check_output(f"systemctl reset-failed {name}")
    states = {
        re.search(r'name="([^"]+)"', key)[1]: value
        for key, value in metrics.items()
        if key.startswith("node_systemd_unit_state{") and 'state="failed"' in key
    }
    assert metrics['node_scrape_collector_success{collector="systemd"}'] == 1
    assert states[name] == 1
    assert states["node_exporter.service"] == 0
    assert all(unit.endswith(".service") for unit in states)


def test_it_runs_unprivileged(host: Any) -> None:
    pid = host.check_output("systemctl show -p MainPID --value node_exporter")
    status = host.file(f"/proc/{pid}/status").content_string
    assert re.search(r"^CapEff:\s+0+$", status, re.MULTILINE)
    assert host.file(f"/proc/{pid}").user == "node_exporter"


def test_the_unit_is_sealed(exposure: Any) -> None:
    assert exposure("node_exporter") <= 2.0
