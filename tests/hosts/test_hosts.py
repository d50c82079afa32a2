# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The test hosts are what the other tests take them for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hosts.container import MIRROR, Host
from hosts.images import DATABASES, SUITES, WITH_DATABASES


@pytest.fixture(scope="module", params=SUITES)
def host(request: pytest.FixtureRequest) -> Iterator[Host]:
    """Boot one host of each suite."""
    machine = Host(f"barehost-selftest-{request.param}").boot(request.param)
    yield machine
    machine.remove()


def test_systemd_reaches_running(host: Host) -> None:
    assert host.output("systemctl", "is-system-running") == "running"


def test_control_groups_are_those_of_a_whole_machine(host: Host) -> None:
    """Nothing shows that the host is a container, and nothing of other hosts is seen."""
    assert (
        host.output("systemctl", "show", "-P", "ControlGroup", "dbus")
        == "/system.slice/dbus.service"
    )
    top = host.output("sh", "-c", "ls -d /sys/fs/cgroup/*.slice /sys/fs/cgroup/*.scope").split()
    assert {path.rpartition("/")[2] for path in top} <= {"init.scope", "system.slice", "user.slice"}
    assert host.output("sh", "-c", "cat /sys/fs/cgroup/system.slice/dbus.service/cgroup.procs")


def test_databases_are_there_and_wait_to_be_started(host: Host) -> None:
    if host.name.rpartition("-")[2] not in WITH_DATABASES:
        pytest.skip("roles are not tested on this suite")
    for service in DATABASES.values():
        assert host.output("systemctl", "is-active", service, check=False) == "inactive"
    host.output("systemctl", "start", *DATABASES.values())
    assert host.output("redis-cli", "ping") == "PONG"
    query = ("psql", "--tuples-only", "--no-align", "--command=SELECT 1")
    assert host.output("runuser", "-u", "postgres", "--", *query) == "1"
    host.output("systemctl", "stop", *DATABASES.values())


def test_credentials_reach_a_service(host: Host) -> None:
    """They are lost without an error where mounts do not propagate."""
    shell = 'cat "$CREDENTIALS_DIRECTORY/word"'
    unit = ("--property=LoadCredential=word:/etc/hostname", "--property=User=daemon")
    word = host.output("systemd-run", "--quiet", "--pipe", "--wait", *unit, "sh", "-c", shell)
    assert word == host.output("cat", "/etc/hostname")


def test_the_mirror_is_mounted_and_intact(host: Host) -> None:
    script = f"cd {MIRROR} && for list in $(find . -name sha256sums.txt); do"
    script += " (cd $(dirname $list) && sha256sum --check --ignore-missing --quiet sha256sums.txt)"
    assert host.output("sh", "-ec", f"{script} || exit 1; done; ls {MIRROR}/versions.yml")


def test_a_removed_host_is_gone() -> None:
    machine = Host("barehost-selftest-removed").boot(SUITES[0])
    assert machine.runs()
    machine.remove()
    assert not machine.exists()
