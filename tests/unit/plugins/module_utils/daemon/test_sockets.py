# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Listening sockets, as /proc tells them; the tests' own sockets are the oracle."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon import _sockets
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._sockets import Listener


@pytest.mark.parametrize(
    ("family", "address"),
    [
        (socket.AF_INET, "127.0.0.1"),
        (socket.AF_INET, "0.0.0.0"),
        (socket.AF_INET6, "::1"),
        (socket.AF_INET6, "::"),
    ],
)
def test_a_listening_socket_is_found_with_its_owner(family: int, address: str) -> None:
    with socket.socket(family) as one:
        try:
            one.bind((address, 0))
        except OSError:
            pytest.skip("this machine has no such address")
        port = one.getsockname()[1]
        assert _sockets.listeners(port) == []
        one.listen()
        inode = str(os.fstat(one.fileno()).st_ino)
        assert _sockets.listeners(port) == [Listener(address, port, inode)]
        found = _sockets.listeners(port)[0]
        assert _sockets.owner(found, [1, os.getpid()]) == os.getpid()
        assert _sockets.owner(found, [os.getppid(), 2**22 + 1]) == 0
        with open("/proc/self/comm", encoding="utf-8") as file:
            name = file.read().strip()
        shown = f"[{address}]:{port}" if family == socket.AF_INET6 else f"{address}:{port}"
        assert _sockets.describe(found) == f"{name} (pid {os.getpid()}, {shown})"
    assert _sockets.listeners(port) == []


def test_a_connection_is_no_listener() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as client,
    ):
        assert _sockets.listeners(client.getsockname()[1]) == []


def test_a_process_that_is_gone_is_unknown() -> None:
    listener = Listener("127.0.0.1", 9, "no inode")
    assert _sockets.describe(listener) == "127.0.0.1:9 (process unknown)"


@pytest.mark.parametrize(
    ("listener", "address", "serves"),
    [
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.1", "127.0.0.2", False),
        ("127.0.0.1", "::1", False),
        ("0.0.0.0", "10.0.0.1", True),
        ("0.0.0.0", "::1", False),
        ("::ffff:0.0.0.0", "10.0.0.1", True),
        ("::", "127.0.0.1", True),
        ("::", "::1", True),
        ("::ffff:127.0.0.1", "127.0.0.1", True),
        ("::1", "127.0.0.1", False),
        ("127.0.0.1", "0.0.0.0", True),
    ],
)
def test_a_socket_serves_its_addresses(listener: str, address: str, serves: bool) -> None:
    assert _sockets.serves(Listener(listener, 9, "1"), address) is serves


@pytest.mark.parametrize(
    ("listeners", "address", "wanted"),
    [
        ([], "127.0.0.1", []),
        (["::1"], "127.0.0.1", []),
        (["::", "0.0.0.0", "127.0.0.1"], "127.0.0.1", ["127.0.0.1"]),
        (["::", "0.0.0.0"], "127.0.0.1", ["0.0.0.0"]),
        (["::", "127.0.0.2"], "127.0.0.1", ["::"]),
        (["0.0.0.0", "::"], "::1", ["::"]),
        (["127.0.0.1", "127.0.0.1"], "127.0.0.1", ["127.0.0.1", "127.0.0.1"]),
    ],
)
def test_the_most_particular_socket_takes_the_connection(
    listeners: list[str], address: str, wanted: list[str]
) -> None:
    found = _sockets.answering([Listener(one, 9, "1") for one in listeners], address)
    assert [listener.address for listener in found] == wanted


def test_the_kernels_addresses_are_read() -> None:
    packed = socket.inet_pton(socket.AF_INET6, "2001:db8::1")
    words = [packed[i : i + 4] for i in range(0, 16, 4)]
    text = "".join(f"{int.from_bytes(word, sys.byteorder):08X}" for word in words)
    assert _sockets._address(text, socket.AF_INET6) == "2001:db8::1"


def test_a_unit_without_a_control_group_has_its_main_process() -> None:
    assert _sockets.unit_processes("/no/such/group", 7) == [7]
    assert _sockets.unit_processes("/no/such/group", 0) == []


def test_the_processes_of_a_control_group_are_found() -> None:
    with open("/proc/self/cgroup", encoding="ascii") as file:
        lines = file.read().splitlines()
    groups = [line.split(":")[2] for line in lines if line.startswith(("0:", "1:name=systemd"))]
    with subprocess.Popen(["sleep", "9"]) as child:
        found = [_sockets.unit_processes(group, os.getpid()) for group in groups]
        child.kill()
    assert all(os.getpid() in pids for pids in found)
    if not any(child.pid in pids for pids in found):
        pytest.skip("this machine does not show its control groups")
