# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where receivers run: here, or on a test host as a transient unit of systemd."""

from __future__ import annotations

import importlib
import io
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from hosts.container import Host

TESTS = Path(__file__).resolve().parents[1]
UNIT = "barehost-receivers"
FOLDER = "/srv/receivers"
# A test host has Python alone. These are written in Python, so copies of them work there.
LIBRARIES = ("aiosmtpd", "public", "attr", "attrs")
OPEN = ("ca.pem",)  # what others than the server may read


class Place(Protocol):
    """A folder, and the server that uses it."""

    def prepare(self, files: Mapping[str, bytes]) -> None:
        """Empty the folder and write files into it."""

    def launch(self) -> None:
        """Start the server."""

    def read(self, name: str) -> str | None:
        """Return a file of the folder, None if there is none yet."""

    def path(self, name: str) -> str:
        """Return the path of a file of the folder, as programs in this place see it."""

    def log(self) -> str:
        """Return what the server has printed."""

    def stop(self) -> None:
        """End the server; the folder stays."""


@dataclass
class Here(Place):
    """A folder of this machine, and a child process."""

    folder: Path
    _processes: list[subprocess.Popen[Any]] = field(default_factory=list)

    def prepare(self, files: Mapping[str, bytes]) -> None:
        """Empty the folder and write files into it."""
        for old in self.folder.iterdir():
            old.unlink()
        for name, content in files.items():
            (self.folder / name).touch(0o644 if name in OPEN else 0o600)
            (self.folder / name).write_bytes(content)

    def launch(self) -> None:
        """Start the server."""
        command = [sys.executable, "-m", "receivers.server", str(self.folder)]
        with (self.folder / "log").open("wb") as log:
            process = subprocess.Popen(command, cwd=TESTS, stdout=log, stderr=log)
        self._processes.append(process)

    def read(self, name: str) -> str | None:
        """Return a file of the folder, None if there is none yet."""
        path = self.folder / name
        return path.read_text(encoding="utf-8") if path.exists() else None

    def path(self, name: str) -> str:
        """Return the path of a file of the folder."""
        return str(self.folder / name)

    def log(self) -> str:
        """Return what the server has printed."""
        return self.read("log") or ""

    def stop(self) -> None:
        """End the server; the folder stays."""
        while self._processes:
            self._processes[-1].terminate()
            self._processes.pop().wait(10)


@dataclass
class OnHost(Place):
    """A folder of a test host, and a transient unit."""

    host: Host

    def prepare(self, files: Mapping[str, bytes]) -> None:
        """Empty the folder and write files into it, with the server and its libraries."""
        self.stop()
        self._run("rm", "-rf", FOLDER)
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as tar:
            for name, source in _sources().items():
                tar.add(source, f"lib/{name}", filter=_as_root)
            for name, content in files.items():
                member = tarfile.TarInfo(name)
                member.size, member.mode = len(content), 0o644 if name in OPEN else 0o600
                tar.addfile(member, io.BytesIO(content))
        self._run("mkdir", "-p", FOLDER)
        command = ["docker", "exec", "--interactive", self.host.name]
        command += ["tar", "-C", FOLDER, "-xf", "-"]
        subprocess.run(command, input=buffer.getvalue(), check=True)

    def launch(self) -> None:
        """Start the server."""
        options = [f"--unit={UNIT}", "--collect", "--quiet", f"--setenv=PYTHONPATH={FOLDER}/lib"]
        options += ["--description=Test receivers for mail, Slack and webhooks (deliver nothing)"]
        self._run("systemd-run", *options, "python3", "-m", "receivers.server", FOLDER)

    def read(self, name: str) -> str | None:
        """Return a file of the folder, None if there is none yet."""
        done = self.host.run("cat", f"{FOLDER}/{name}")
        return done.stdout if done.returncode == 0 else None

    def path(self, name: str) -> str:
        """Return the path of a file of the folder on the host."""
        return f"{FOLDER}/{name}"

    def log(self) -> str:
        """Return what the server has printed."""
        return self.host.run("journalctl", f"--unit={UNIT}", "--no-pager", "--lines=30").stdout

    def stop(self) -> None:
        """End the server; the folder stays."""
        self.host.run("systemctl", "stop", UNIT)

    def _run(self, *argv: str) -> None:
        done = self.host.run(*argv)
        if done.returncode:
            raise RuntimeError(f"{self.host.name}: {' '.join(argv)}: {done.stdout}{done.stderr}")


def _sources() -> dict[str, Path]:
    """Find what the server needs."""
    found = {name: Path(str(importlib.import_module(name).__file__)).parent for name in LIBRARIES}
    here = Path(__file__).parent
    return {
        **found,
        "receivers/__init__.py": here / "__init__.py",
        "receivers/server": here / "server",
    }


def _as_root(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    member.uid = member.gid = 0
    return None if "__pycache__" in member.name else member
