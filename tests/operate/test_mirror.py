# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A mirror with a lock, filled from upstream, and a host without a network that is deployed from it."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import re
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from demo.stack import Stack
from hosts.container import Host as Container
from integration.support.host import Host, poll
from operate.stack import PREFIX, play
from operate.upstream import RELEASES, Upstream, serving

MOUNTED = "/srv/airgap"
GROUPS = ("prometheus", "alertmanager", "node_exporter", "grafana")
VARIABLES = {
    "ansible_connection": "community.docker.docker",
    "ansible_user": "root",
    "ansible_python_interpreter": "/usr/bin/python3",
    "barehost_mirror": f"file://{MOUNTED}",
    "prometheus_targets": {"node-exporter": [{"targets": ["127.0.0.1:9100"]}]},
    "prometheus_alertmanagers": [{"static_configs": [{"targets": ["127.0.0.1:9093"]}]}],
}
# What it is like without a way out: no route, and no names.
OUTSIDE = """
import errno, json, socket
def why(attempt):
    try:
        attempt()
    except socket.gaierror as error:
        return "no names"
    except OSError as error:
        return errno.errorcode[error.errno]
    return "reachable"
print(json.dumps([
    why(lambda: socket.create_connection(("192.0.2.1", 443), 3)),
    why(lambda: socket.create_connection(("198.51.100.1", 80), 3)),
    why(lambda: socket.getaddrinfo("github.com", 443)),
]))
"""


@dataclass
class Site:
    """An inventory of one host, the directory of its mirror, and upstream."""

    stack: Stack
    directory: Path
    upstream: Upstream

    @property
    def host(self) -> Host:
        """Return the host."""
        return Host(self.stack.monitor.name, "bookworm")

    def mirror(self, *options: str) -> subprocess.CompletedProcess[str]:
        """Run the playbook; what was asked of upstream before is forgotten."""
        self.upstream.asked.clear()
        given = {
            "barehost_mirror_source": self.upstream.address,
            "barehost_mirror_directory": str(self.directory),
        }
        return play(
            self.stack, ("playbooks/mirror.yml",), f"-e{json.dumps(given)}", "--diff", *options
        )

    def deploy(self, *options: str) -> subprocess.CompletedProcess[str]:
        """Deploy what the lock pins."""
        lock = f"-ebarehost_mirror_lock={self.directory}/lock.json"
        return play(self.stack, ("site.yml",), lock, *options)

    def lock(self) -> dict[str, Any]:
        """Return path -> entry of the lock."""
        files: dict[str, Any] = json.loads((self.directory / "lock.json").read_text())["files"]
        return files

    def holds(self) -> dict[str, str]:
        """Return path -> digest of everything in the directory, unfinished files too."""
        files = [path for path in self.directory.rglob("*") if path.is_file()]
        digests = {str(p.relative_to(self.directory)): digest(p.read_bytes()) for p in files}
        digests.pop("lock.json", None)
        return digests

    def archive(self, product: str) -> str:
        """Return the path of the only archive of a product."""
        (path,) = (p for p in self.lock() if re.search(rf"/{product}-\d[^/]*[.]tar[.]gz\Z", p))
        return path


def digest(content: bytes) -> str:
    """Digest as the lock writes it."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def changed(done: subprocess.CompletedProcess[str]) -> int:
    """Return how many tasks have changed something."""
    assert done.returncode == 0, done.stdout + done.stderr
    return sum(map(int, re.findall(r"changed=(\d+)", done.stdout)))


def refused(done: subprocess.CompletedProcess[str]) -> str:
    """Return what a run that fails has said, in one line."""
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    return " ".join((done.stdout + done.stderr).split())


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Fill a mirror for a host that is not there yet. The tests follow one another."""
    folder = tmp_path_factory.mktemp("mirror")
    container = Container(f"{PREFIX}-island")
    known = {"island": {"ansible_host": container.name}}
    groups = {name: {"hosts": {"island": {}}} for name in GROUPS}
    path = folder / "hosts.json"
    path.write_text(json.dumps({"all": {"vars": VARIABLES, "hosts": known, "children": groups}}))
    stack = Stack(container, container, "island", "island", str(path))
    with serving() as upstream, pytest.MonkeyPatch.context() as patch:
        patch.setenv("no_proxy", "127.0.0.1")
        site = Site(stack, folder / "site", upstream)
        said = site.mirror("--check")
        assert not site.directory.exists()
        assert upstream.asked == []
        assert changed(site.mirror()) == 1
        gets = re.findall(r"^\+ get (\S+)$", said.stdout, re.MULTILINE)
        assert sorted(gets) == sorted(f"{upstream.address}/{path}" for path in upstream.asked)
        yield site
    container.remove()


@pytest.fixture(scope="module")
def island(site: Site) -> Iterator[Host]:
    """Boot the host, and cut its network off."""
    container = site.stack.monitor.boot("bookworm", f"--volume={site.directory}:{MOUNTED}:ro")
    host = Host(container.name, "bookworm")
    host.sh("ip route del default")
    yield host


def test_the_mirror_holds_what_upstream_has_and_the_lock_says_so(site: Site) -> None:
    lock = site.lock()
    for path, found in site.holds().items():
        content = (RELEASES / path).read_bytes()
        assert found == digest(content), path
        assert lock[path]["digest"] == found
        assert lock[path]["size"] == len(content)
        assert lock[path]["address"] == f"{site.upstream.address}/{path}"
    assert sorted(lock) == sorted(site.holds())
    products = {entry["release"].split()[0] for entry in lock.values()}
    assert products == set(GROUPS)


def test_a_second_run_asks_nobody_and_changes_nothing(site: Site) -> None:
    before = {path: path.stat().st_mtime_ns for path in site.directory.rglob("*")}
    assert changed(site.mirror()) == 0
    assert site.upstream.asked == []
    assert {path: path.stat().st_mtime_ns for path in site.directory.rglob("*")} == before


@pytest.mark.parametrize("how", ["exchanged", "cut"])
def test_what_upstream_serves_otherwise_gets_no_name(site: Site, how: str) -> None:
    path, lock, before = site.archive("node_exporter"), site.lock(), site.holds()
    (site.directory / path).unlink()
    if how == "cut":
        site.upstream.cut.add(path)
    else:
        site.upstream.exchanged[path] = b"another program"
    said = refused(site.mirror("--tags=node_exporter"))
    if how == "cut":
        assert "the download is truncated: " in said
    else:
        assert f"{path}: upstream has {digest(b'another program')}, but " in said
        assert "barehost_mirror_relock=true" in said
    assert site.holds() == {place: d for place, d in before.items() if place != path}
    assert site.lock() == lock
    site.upstream.cut.clear()
    site.upstream.exchanged.clear()
    assert changed(site.mirror("--tags=node_exporter")) == 1
    assert (site.holds(), site.lock()) == (before, lock)


def test_the_host_has_no_way_out(island: Host) -> None:
    unreachable = errno.errorcode[errno.ENETUNREACH]
    assert island.python(OUTSIDE) == [unreachable, unreachable, "no names"]


def test_an_archive_that_was_exchanged_with_its_list_is_refused(site: Site, island: Host) -> None:
    path = site.archive("node_exporter")
    archive, sums = site.directory / path, (site.directory / path).with_name("sha256sums.txt")
    kept = {file: file.read_bytes() for file in (archive, sums)}
    other = io.BytesIO()
    with tarfile.open(fileobj=other, mode="w:gz") as tar:
        script = b"#!/bin/sh\ntouch /root/taken\n"
        member = tarfile.TarInfo(f"{archive.name.removesuffix('.tar.gz')}/node_exporter")
        member.size, member.mode = len(script), 0o755
        tar.addfile(member, io.BytesIO(script))
    archive.write_bytes(other.getvalue())
    sums.write_text(f"{digest(other.getvalue()).removeprefix('sha256:')}  {archive.name}\n")
    try:
        said = refused(site.deploy("--tags=node_exporter"))
    finally:
        for file, content in kept.items():
            file.write_bytes(content)
    wanted = site.lock()[path]["digest"]
    assert f"is {digest(other.getvalue())}, but {wanted} is wanted" in said
    assert not island.exists("/root/taken")
    assert not island.exists("/opt/node_exporter")


def test_a_host_without_a_network_is_deployed_from_the_mirror(site: Site, island: Host) -> None:
    assert changed(site.deploy()) == len(GROUPS)
    assert "default" not in island.out("ip", "route")

    def up() -> Any:
        status, text = island.http("http://127.0.0.1:9090/api/v1/query?query=up")
        return status == 200 and [one["value"][1] for one in json.loads(text)["data"]["result"]]

    assert poll(lambda: up() == ["1"], seconds=30, what="Prometheus scrapes node_exporter")
    for address in ("9093/-/healthy", "3000/api/health"):
        assert island.http(f"http://127.0.0.1:{address}")[0] == 200
    for product in GROUPS:
        marker = island.sh(f"cat /opt/{product}/current/.barehost-release.json")
        locked = {e["digest"] for e in site.lock().values() if e["release"].startswith(product)}
        assert json.loads(marker)["digest"] in locked
    assert changed(site.deploy()) == 0


def test_what_is_not_locked_is_refused_on_the_controller(site: Site) -> None:
    said = refused(site.deploy("--tags=prometheus", "-eprometheus_version=9.9.9"))
    assert "prometheus_release_lock: the lock does not have prometheus 9.9.9" in said


def test_what_nobody_wants_any_more_is_named_and_removed_on_demand(site: Site) -> None:
    none = ("-ealertmanager_version=0.28.1",)
    old = sorted(path for path, e in site.lock().items() if e["release"] == "alertmanager 0.33.1")
    done = site.mirror(*none)
    assert changed(done) == 1
    named = (
        f"nobody wants these any more, barehost_mirror_prune=true removes them: {', '.join(old)}"
    )
    assert named in " ".join((done.stdout + done.stderr).split())
    assert set(old) <= set(site.holds())
    # Of a part of the inventory it is not known what the rest wants.
    assert changed(site.mirror(*none, "-ebarehost_mirror_prune=true", "--tags=alertmanager")) == 0
    assert changed(site.mirror(*none, "-ebarehost_mirror_prune=true")) == 1
    assert not set(old) & {*site.holds(), *site.lock()}
