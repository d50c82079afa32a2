# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who listens on a port, as /proc tells it. Nothing but the standard library is needed for that."""

from __future__ import annotations

import glob
import os
import re
import socket
import struct
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

_LISTEN = "0A"


@dataclass(frozen=True)
class Listener:
    """A listening TCP socket."""

    address: str
    port: int
    inode: str

    def __str__(self) -> str:
        return shown(self.address, self.port)


def shown(host: str, port: int) -> str:
    """Host and port as they stand in an address."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def listeners(wanted: int | None = None) -> list[Listener]:
    """All TCP sockets that listen, on a port if it is given, whatever their address."""
    found = []
    for path, family in (("/proc/net/tcp", socket.AF_INET), ("/proc/net/tcp6", socket.AF_INET6)):
        try:
            with open(path, encoding="ascii") as file:
                lines = file.read().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            address, _colon, hex_port = fields[1].partition(":")
            port = int(hex_port, 16)
            if fields[3] == _LISTEN and wanted in (None, port):
                found.append(Listener(_address(address, family), port, fields[9]))
    return found


def _address(text: str, family: int) -> str:
    """The kernel prints addresses as 32-bit words in host order."""
    words = [int(text[i : i + 8], 16) for i in range(0, len(text), 8)]
    return socket.inet_ntop(family, struct.pack(f"={len(words)}I", *words))


def serves(listener: Listener, address: str) -> bool:
    """Whether a connection to address could end at this socket."""
    return _distance(listener, address) is not None


def answering(listeners: Iterable[Listener], address: str) -> list[Listener]:
    """The sockets that take a connection to address: the most particular ones, as in the kernel."""
    distances = [(_distance(listener, address), listener) for listener in listeners]
    nearest = min((distance for distance, _one in distances if distance is not None), default=0)
    return [listener for distance, listener in distances if distance == nearest]


def _distance(listener: Listener, address: str) -> int | None:
    """0: bound to address, 1: to all of its family, 2: to all of both families; None: not to it."""
    bound = listener.address.replace("::ffff:", "")
    if address in (bound, "0.0.0.0", "::"):
        return 0
    # The kernel does not tell whether a socket for all IPv6 addresses takes IPv4 connections too.
    distances = {"::": 1, "0.0.0.0": None} if ":" in address else {"0.0.0.0": 1, "::": 2}
    return distances.get(bound)


def owner(listener: Listener, processes: Iterable[int]) -> int:
    """The process among these that holds the socket; 0 when none does."""
    wanted = f"socket:[{listener.inode}]"
    for pid in processes:
        for link in glob.glob(f"/proc/{pid}/fd/*"):
            try:
                if os.readlink(link) == wanted:
                    return pid
            except OSError:
                continue
    return 0


def held(processes: Iterable[int]) -> list[Listener]:
    """The listening sockets of these processes."""
    inodes = set()
    for pid in processes:
        for link in glob.glob(f"/proc/{pid}/fd/*"):
            with suppress(OSError):
                inodes.add(os.readlink(link))
    return [one for one in listeners() if f"socket:[{one.inode}]" in inodes]


def unit_processes(control_group: str, main_pid: int) -> list[int]:
    """The processes of a unit: its control group, or at least its main process."""
    for root in ("/sys/fs/cgroup", "/sys/fs/cgroup/unified", "/sys/fs/cgroup/systemd"):
        try:
            with open(f"{root}{control_group}/cgroup.procs", encoding="ascii") as file:
                pids = [int(line) for line in file]
        except OSError:
            continue
        if main_pid in pids:
            return pids
    return [main_pid] if main_pid else []


def describe(listener: Listener) -> str:
    """Name the process behind a socket for the operator."""
    pids = [int(path) for path in os.listdir("/proc") if re.fullmatch(r"\d+", path)]
    pid = owner(listener, pids)
    if not pid:
        return f"{listener} (process unknown)"
    try:
        with open(f"/proc/{pid}/comm", encoding="utf-8") as file:
            name = file.read().strip()
    except OSError:
        name = "?"
    return f"{name} (pid {pid}, {listener})"
