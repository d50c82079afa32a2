# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Releases of the stand-in daemon `fakehost`, and deployments of it."""

from __future__ import annotations

import copy
import gzip
import hashlib
import io
import itertools
import json
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from integration.support.host import Host, Result, poll

PROGRAM = b"#!/usr/bin/python3\n" + Path(__file__).with_name("fakehost.py").read_bytes()
RELEASES = "/srv/releases"
URL = f"file://{RELEASES}/v{{version}}/fakehost-{{version}}.linux-{{arch}}.tar.gz"
SUMS = f"file://{RELEASES}/v{{version}}/sha256sums.txt"
numbers = itertools.count(1)  # of the deployments of a session
# Versions every host has; the suffix says how the release misbehaves.
VERSIONS = (
    "1.0.0",
    "1.1.0",
    "1.2.0",
    "2.0.0-refuse",
    "2.0.0-crash",
    "2.0.0-unhealthy",
    "2.0.0-slow",
)


class Member(tarfile.TarInfo):
    """One member of an archive, with its content."""

    def __init__(
        self, name: str, content: bytes = b"", mode: int = 0o644, **attributes: Any
    ) -> None:
        super().__init__(name)
        self.content = content
        self.size, self.mode, self.mtime = len(content), mode, 1_700_000_000
        for key, value in attributes.items():
            setattr(self, key, value)


def archive(members: Iterable[Member]) -> bytes:
    """Pack members as a tar.gz that is equal each time."""
    buffer = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.GNU_FORMAT) as tar,
    ):
        for info in members:
            tar.addfile(info, io.BytesIO(info.content))
    return buffer.getvalue()


def release_members(version: str, arch: str) -> list[Member]:
    """List what a release of fakehost holds."""
    top = f"fakehost-{version}.linux-{arch}"
    files = {"VERSION": version.encode(), "LICENSE": b"GPL-3.0-or-later\n"}
    if "-" in version:
        files["mode"] = version.partition("-")[2].encode()
    return [
        Member(f"{top}/", type=tarfile.DIRTYPE, mode=0o755),
        Member(f"{top}/fakehost", PROGRAM, mode=0o755),
        *(Member(f"{top}/{name}", content) for name, content in files.items()),
    ]


def sha256(content: bytes) -> str:
    """Digest in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def publish(host: Host, version: str, content: bytes | None = None, sums: str | None = None) -> str:
    """Put a release and its digest list where the default address finds them; return the digest."""
    content = archive(release_members(version, host.arch)) if content is None else content
    name = f"fakehost-{version}.linux-{host.arch}.tar.gz"
    digest = sha256(content)
    listed = f"{digest}  {name}\n" if sums is None else sums.format(digest=digest, name=name)
    folder = f"{RELEASES}/v{version}"
    host.put({f"{folder}/{name}": content, f"{folder}/sha256sums.txt": listed.encode()})
    return digest


@dataclass
class Fake:
    """One deployment of fakehost, with a name and a port of its own."""

    host: Host
    name: str
    port: int

    @property
    def unit(self) -> str:
        """The systemd unit."""
        return f"{self.name}.service"

    @property
    def etc(self) -> str:
        """The configuration directory."""
        return f"/etc/{self.name}"

    @property
    def opt(self) -> str:
        """The directory of the releases."""
        return f"/opt/{self.name}"

    @property
    def records(self) -> str:
        """Where the module keeps the last good state."""
        return f"/var/lib/barehost/{self.name}"

    def args(
        self,
        config: str = "greeting = hello\n",
        version: str = "1.0.0",
        files: Iterable[Mapping[str, Any]] = (),
        flags: Iterable[str] = (),
        **groups: Any,
    ) -> dict[str, Any]:
        """Describe the deployment; a group given by name is merged into the default."""
        described: dict[str, Any] = {
            "name": self.name,
            "release": {"version": version, "url": URL, "checksum": SUMS, "binaries": ["fakehost"]},
            "files": [{"path": "fakehost.conf", "content": config, "on_change": "reload"}, *files],
            "checks": [{"argv": ["{release}/fakehost", "check", "{config}/fakehost.conf"]}],
            "command": [
                "{release}/fakehost",
                "serve",
                "--config={config}/fakehost.conf",
                f"--listen=127.0.0.1:{self.port}",
                *flags,
            ],
            "unit": {"Service": {"ExecReload": "/bin/kill -HUP $MAINPID", "TimeoutStopSec": 3}},
            "health": {
                "timeout": 4,
                "settle": 0.4,
                "probes": [
                    {"url": f"http://127.0.0.1:{self.port}/-/ready"},
                    {
                        "url": f"http://127.0.0.1:{self.port}/metrics",
                        "metrics": self.reload_metrics(),
                    },
                ],
            },
        }
        return merge(described, groups)

    @staticmethod
    def reload_metrics() -> list[dict[str, Any]]:
        """Return the proof that the running daemon has read the new files."""
        return [
            {"name": "fakehost_config_last_reload_successful", "equals": 1},
            {
                "name": "fakehost_config_last_reload_success_timestamp_seconds",
                "since_activation": True,
            },
            {"name": "fakehost_scrape_pools_failed_total", "not_risen": True},
        ]

    def deploy(self, *args: Any, **kwargs: Any) -> Result:
        """Deploy; the run must succeed."""
        return self.apply(self.args(*args, **kwargs))

    def apply(self, args: Mapping[str, Any], **how: Any) -> Result:
        """Run the module; the run must succeed."""
        result = self.host.module(args, **how)
        assert not result.failed, str(result)
        return result

    def refuse(self, args: Mapping[str, Any], **how: Any) -> Result:
        """Run the module; the run must fail with a message."""
        result = self.host.module(args, **how)
        assert result.failed, str(result)
        assert result.msg, str(result)
        return result

    def get(self, path: str, host: str = "127.0.0.1") -> tuple[int, str]:
        """Ask the daemon."""
        return self.host.http(f"http://{host}:{self.port}{path}")

    def ask(self, path: str) -> Any:
        """Ask the daemon for a JSON document."""
        status, text = self.get(path)
        assert status == 200, text
        return json.loads(text)

    @property
    def pid(self) -> int:
        """The main process, 0 for none."""
        return self.host.main_pid(self.unit)

    @property
    def running_release(self) -> str:
        """The version that the running process tells of itself, "" if nobody answers."""
        metrics = self.get("/metrics")[1]
        return metrics.partition('fakehost_build_info{version="')[2].partition('"')[0]

    def healthy(self) -> bool:
        """Tell whether the daemon answers as ready."""
        return self.get("/-/ready")[0] == 200

    def wait_dead(self) -> None:
        """Wait until no process of the unit is left."""
        poll(lambda: self.pid == 0, what=f"{self.unit} stops")


def merge(base: dict[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    """Merge mappings deeply; everything else is replaced."""
    merged = copy.deepcopy(base)
    for key, value in extra.items():
        if isinstance(value, Mapping) and isinstance(merged.get(key), dict):
            merged[key] = merge(merged[key], value)
        else:
            merged[key] = value
    return merged


def remove(fake: Fake) -> None:
    """Remove whatever a test left, without the module."""
    name = fake.name
    fake.host.sh(
        f"systemctl kill -s KILL {name}.service 2>/dev/null || true\n"
        f"systemctl stop {name}.service 2>/dev/null || true\n"
        f"umount /opt/{name} 2>/dev/null || true\n"
        f"find /usr/local/bin -lname '/opt/{name}/*' -delete\n"
        f"rm -rf /etc/systemd/system/{name}.service* /etc/systemd/system/*.wants/{name}.service"
        f" /etc/sysusers.d/barehost-{name}.conf /etc/{name} /opt/{name} /var/lib/{name} /var/lib/barehost/{name}\n"
        f"systemctl reset-failed {name}.service 2>/dev/null || true"
    )
