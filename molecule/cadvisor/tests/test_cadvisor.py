# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""cAdvisor: figures of each service, compared with the kernel and with a run outside the sandbox."""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Iterator
from typing import Any

import pytest

URL = "http://127.0.0.1:8080"
METRICS = f"{URL}/metrics"
BARE = "http://127.0.0.1:18080"
REDIS = "/system.slice/redis-server.service"
TREE = "/sys/fs/cgroup"
# The page gives each figure the time of its reading.
_LINE = re.compile(r"(?P<name>\w+){(?P<labels>.*)} (?P<value>\S+)(?: \d+)?")

Figures = dict[tuple[str, str], float]


def figures(ask: Any, url: str) -> Figures:
    """Return the values by name and control group."""
    found: Figures = {}
    for line in ask.text(f"{url}/metrics").splitlines():
        match = _LINE.fullmatch(line)
        group = re.search(r'\bid="([^"]*)"', match["labels"]) if match else None
        if match and group:
            found[match["name"], group[1]] = float(match["value"])
    return found


@pytest.fixture(scope="module")
def unhardened(host: Any) -> Iterator[str]:
    """Run the same program with the same arguments as root, without any sandbox."""
    pid = host.check_output("systemctl show -P MainPID cadvisor")
    arguments = host.file(f"/proc/{pid}/cmdline").content_string.rstrip("\0").split("\0")
    kept = [a for a in arguments if not a.startswith(("-listen_ip", "-port"))]
    command = [*kept, "-listen_ip=127.0.0.1", "-port=18080"]
    words = " ".join("%s" for _word in command)
    host.check_output(f"systemd-run --quiet --unit=unhardened -p Type=exec -- {words}", *command)
    yield BARE
    host.check_output("systemctl stop unhardened")


def test_each_service_has_figures_of_memory_and_processor(ask: Any) -> None:
    names = {name for name, group in figures(ask, URL) if group == REDIS}
    assert {"container_memory_working_set_bytes", "container_memory_usage_bytes"} <= names
    assert {"container_cpu_user_seconds_total", "container_cpu_system_seconds_total"} <= names
    assert {"container_last_seen", "container_start_time_seconds"} <= names


def test_the_services_are_those_of_the_host(host: Any, ask: Any) -> None:
    command = f"find {TREE}/system.slice -type d -name '*.service' -printf '/system.slice/%P\n'"
    there = set(host.check_output(command).splitlines()) - {"/system.slice/unhardened.service"}
    seen = {group for _name, group in figures(ask, URL) if group.endswith(".service")}
    assert {REDIS, "/system.slice/cadvisor.service"} <= there
    assert seen - {"/system.slice/unhardened.service"} == there


def test_the_memory_is_what_the_kernel_counts(host: Any, ask: Any, eventually: Any) -> None:
    counted = host.file(f"{TREE}{REDIS}/memory.current")
    if not counted.exists:
        pytest.skip("here the kernel counts no memory in control groups of the second version")

    def near() -> bool:
        said = figures(ask, URL)["container_memory_usage_bytes", REDIS]
        return abs(said - int(counted.content_string)) < 4 * 1024**2 and said > 0

    assert eventually(near)


def test_the_processor_time_is_what_the_kernel_counts(host: Any, ask: Any, eventually: Any) -> None:
    controllers = host.file(f"{TREE}{REDIS}/cgroup.controllers").content_string
    if "cpu" not in controllers.split():
        pytest.skip("here the kernel has no processor controller of the second version")

    def near() -> bool:
        text = host.file(f"{TREE}{REDIS}/cpu.stat").content_string
        counted = dict(line.split() for line in text.splitlines())
        said = figures(ask, URL)["container_cpu_user_seconds_total", REDIS]
        return abs(said - int(counted["user_usec"]) / 1e6) < 1 and said > 0

    assert eventually(near)


def test_nothing_is_missed_in_the_sandbox(ask: Any, eventually: Any, unhardened: str) -> None:
    def ready() -> bool:
        asked = f"import urllib.request as r; r.urlopen('{unhardened}/healthz')"
        return bool(ask.host.run("python3 -c %s", asked).rc == 0)

    assert eventually(ready)
    outside = {figure for figure in figures(ask, unhardened) if "unhardened" not in figure[1]}
    inside = {figure for figure in figures(ask, URL) if "unhardened" not in figure[1]}
    assert len(outside) > 100
    assert inside == outside


def test_what_costs_much_is_not_collected(ask: Any) -> None:
    names = {name for name, _group in figures(ask, URL)}
    assert [
        n for n in names if re.match("container_(processes|sockets|hugetlb|referenced)", n)
    ] == []
    assert [n for n in names if n.startswith("container_fs_usage")] == []
    assert not re.search(r'cpu="cpu\d', ask.text(METRICS))
    per_service = [name for name, group in figures(ask, URL) if group == REDIS]
    assert len(per_service) < 60


def test_prometheus_names_the_services(host: Any, ask: Any, eventually: Any) -> None:
    own = host.check_output("hostname")

    def services() -> set[str]:
        series = f'container_last_seen{{job="cadvisor",host="{own}"}}'
        query = urllib.parse.quote(f"count by (service) ({series})")
        answer = ask.json(f"http://127.0.0.1:9090/api/v1/query?query={query}")
        return {entry["metric"].get("service", "") for entry in answer["result"]}

    wanted = {"redis-server", "cadvisor", "prometheus"}
    assert eventually(lambda: wanted <= services(), 45), services()


def test_it_runs_unprivileged(host: Any) -> None:
    pid = host.check_output("systemctl show -P MainPID cadvisor")
    status = host.file(f"/proc/{pid}/status").content_string
    assert re.search(r"^CapEff:\s+0+$", status, re.MULTILINE)
    assert host.file(f"/proc/{pid}").user == "cadvisor"


def test_the_unit_is_sealed(exposure: Any) -> None:
    assert exposure("cadvisor") <= 1.2
