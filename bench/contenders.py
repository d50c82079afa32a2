# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The three that are compared. Each deploys the same on a fresh host."""

from __future__ import annotations

import io
import subprocess
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from bench import peer
from bench.playbook import Run, RunFailed, play
from hosts.container import Host
from hosts.shell import CACHE, CHECKOUT

MIRROR = CACHE / "mirror"
SETTLE = 1.0  # the default of the daemon module
VERSIONS = "--extra-vars=@.cache/mirror/versions.yml"


class Contender(Protocol):
    """Something that deploys the three services on a host."""

    @property
    def key(self) -> str:
        """Its name in files and host names."""

    @property
    def repeats(self) -> bool:
        """Tell whether a second run finds out that nothing is left to do."""

    def fresh(self, host: Host) -> None:
        """Do what is left out of the time, before the first run on a host."""

    def deploy(self, host: Host, log: str) -> Run:
        """Deploy, against the clock."""


@dataclass(frozen=True)
class Collection:
    """This collection, by the playbook that its users run."""

    key: str = "collection"
    repeats: bool = True

    def fresh(self, host: Host) -> None:
        """Leave the host as it is."""

    def deploy(self, host: Host, log: str) -> Run:
        """Run site.yml."""
        return play("site.yml", host.name, VERSIONS, log=log)


@dataclass(frozen=True)
class Shell:
    """The script that does by hand what the collection does, with the same files."""

    rendered: Path
    versions: dict[str, str]
    key: str = "shell"
    settle: float = 0.0  # seconds for which each service is seen to stay up
    repeats: bool = False

    def fresh(self, host: Host) -> None:
        """Leave the host as it is."""

    def deploy(self, host: Host, log: str) -> Run:
        """Hand the files to the script."""
        script = (CHECKOUT / "bench/floor.sh").read_text()
        numbers = [self.versions[name] for name in ("node_exporter", "alertmanager", "prometheus")]
        on_host = ("docker", "exec", "--interactive", f"--env=SETTLE={self.settle}", host.name)
        command = (*on_host, "bash", "-c", script, "floor.sh", *numbers)
        files = _packed(self.rendered)
        start = time.monotonic()
        done = subprocess.run(command, input=files, capture_output=True, check=False)
        seconds = time.monotonic() - start
        if done.returncode:
            raise RunFailed(f"bench/floor.sh: {(done.stderr or done.stdout).decode().strip()}")
        return Run(seconds)


def _packed(folder: Path) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        archive.add(folder, "etc")
    return stream.getvalue()


@dataclass(frozen=True)
class Peer:
    """The collection prometheus.prometheus."""

    collections: Path
    playbook: Path
    cache: Path
    key: str = "peer"
    repeats: bool = True

    def fresh(self, host: Host) -> None:
        """Empty its cache, and install the package it needs on every host (and apt its lists)."""
        subprocess.run(("find", str(self.cache), "-mindepth", "1", "-delete"), check=True)
        for command in (("update",), ("install", "--yes", "python3-apt")):
            done = host.run("apt-get", "--quiet", *command)
            if done.returncode:
                raise RunFailed(f"it needs python3-apt on the host: {done.stderr.strip()[-300:]}")

    def deploy(self, host: Host, log: str) -> Run:
        """Run the playbook that was made for it."""
        return play(
            str(self.playbook),
            host.name,
            log=log,
            ANSIBLE_COLLECTIONS_PATH=str(self.collections),
            no_proxy="127.0.0.1",
        )


@contextmanager
def peers(rendered: Path, versions: dict[str, str]) -> Iterator[Peer | None]:
    """Provide the peer with a mirror that it can download from; nothing where it is absent."""
    collections = peer.find()
    if collections is None:
        yield None
        return
    with peer.served(MIRROR) as mirror, TemporaryDirectory(prefix="barehost-bench-") as folder:
        cache = Path(folder)
        yield Peer(collections, peer.playbook(rendered, versions, mirror, cache), cache)
