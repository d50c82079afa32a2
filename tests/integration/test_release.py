# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Releases: what is refused before anything is replaced, and every form that is taken."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Callable
from typing import Any

import pytest

from integration.support import fake as releases
from integration.support import snapshot
from integration.support.claims import converged, refused, replaced
from integration.support.fake import RELEASES, Fake, Member, archive, publish, release_members
from integration.support.host import Host
from integration.support.server import Server

MIB = 1024 * 1024


@pytest.fixture
def running(fake: Fake) -> Fake:
    """Return a deployment that runs version 1.0.0."""
    fake.deploy()
    return fake


def truncated(host: Host) -> dict[str, Any]:
    """Publish a whole digest with half an archive."""
    whole = archive(release_members("7.0.0", host.arch))
    publish(host, "7.0.0", whole[: len(whole) // 2], sums=f"{releases.sha256(whole)}  {{name}}\n")
    return {"version": "7.0.0"}


def truncated_at_source(host: Host) -> dict[str, Any]:
    """Publish half an archive under its own digest: only unpacking can notice."""
    whole = archive(release_members("7.0.1", host.arch))
    publish(host, "7.0.1", whole[: len(whole) // 2])
    return {"version": "7.0.1"}


def one_wrong_byte(host: Host) -> dict[str, Any]:
    """Publish an archive in which one byte was changed on the way."""
    whole = archive(release_members("7.0.2", host.arch))
    damaged = whole[:900] + bytes([whole[900] ^ 1]) + whole[901:]
    publish(host, "7.0.2", damaged, sums=f"{releases.sha256(whole)}  {{name}}\n")
    return {"version": "7.0.2"}


def no_archive(host: Host) -> dict[str, Any]:
    """Publish an error page of some proxy as if it were the archive."""
    publish(host, "7.0.3", b"<html>Welcome to the airport's network</html>\n")
    return {"version": "7.0.3"}


def other_file_listed(host: Host) -> dict[str, Any]:
    """Publish a digest list that does not name our archive."""
    publish(host, "7.0.4", sums="{digest}  fakehost-7.0.4.plan9-mips.tar.gz\n" * 2)
    return {"version": "7.0.4"}


def binary_missing(host: Host) -> dict[str, Any]:
    """Want a program that the release does not hold."""
    publish(host, "7.0.5")
    return {"version": "7.0.5", "binaries": ["fakehost", "faketool"]}


UNUSABLE: dict[str, tuple[Callable[[Host], dict[str, Any]], tuple[str, ...]]] = {
    "wrong digest": (
        lambda host: {"version": "1.1.0", "checksum": f"sha256:{'0' * 64}"},
        ("0{64}", r"fakehost-1\.1\.0"),
    ),
    "one wrong byte": (one_wrong_byte, (r"fakehost-7\.0\.2", "sha256")),
    "truncated download": (truncated, (r"fakehost-7\.0\.0", "sha256|truncated")),
    "truncated at its source": (truncated_at_source, (r"fakehost-7\.0\.1",)),
    "no archive": (no_archive, (r"fakehost-7\.0\.3",)),
    "not in the digest list": (other_file_listed, ("digest list", r"plan9-mips")),
    "program missing": (binary_missing, ("faketool",)),
    "unknown version": (lambda host: {"version": "9.9.9"}, (r"9\.9\.9",)),
    "mirror down": (
        lambda host: {"version": "1.1.0", "url": "http://127.0.0.1:9/{version}-{arch}.tar.gz"},
        ("127.0.0.1:9", "[Rr]efused|unreachable"),
    ),
    "name of the mirror unknown": (
        lambda host: {"version": "1.1.0", "url": "http://mirror.invalid/{version}-{arch}.tar.gz"},
        ("mirror.invalid",),
    ),
    "architecture not built": (
        lambda host: {"version": "1.1.0", "arch": {host.arch: "vax"}},
        ("vax",),
    ),
    "no digest for the architecture": (
        lambda host: {"version": "1.1.0", "checksum": {"s390x": f"sha256:{'0' * 64}"}},
        ("s390x",),
    ),
    "malformed digest": (
        lambda host: {"version": "1.1.0", "checksum": "sha256:123"},
        ("sha256:123",),
    ),
    "placeholder unknown": (
        lambda host: {"version": "1.1.0", "url": f"file://{RELEASES}/{{vresion}}.tar.gz"},
        ("vresion",),
    ),
}


@pytest.mark.parametrize("case", UNUSABLE)
def test_an_unusable_release_is_refused_and_the_service_runs_on(running: Fake, case: str) -> None:
    """The error names the cause; no file differs, the process is the same one."""
    change, patterns = UNUSABLE[case]
    args = running.args(release=change(running.host))
    result = refused(running, args, *patterns)
    assert len(result.msg) < 600
    converged(running, running.args())


def test_an_http_mirror_without_the_version_is_named_with_the_status(
    running: Fake, server: Server
) -> None:
    """404 is told as what it is: this version is not there."""
    args = running.args(
        version="9.9.9",
        release={"url": server.url(releases.URL), "checksum": server.url(releases.SUMS)},
    )
    refused(running, args, r"9\.9\.9", "404")


@pytest.mark.suites("bookworm", "bullseye")
def test_a_full_disk_is_named_and_leaves_nothing_behind(fake: Fake) -> None:
    """The release does not fit: the old one serves, nothing half-unpacked is left."""
    host, version = fake.host, "7.1.0"
    top = f"fakehost-{version}.linux-{host.arch}"
    publish(
        host,
        version,
        archive([*release_members(version, host.arch), Member(f"{top}/bulk", os.urandom(2 * MIB))]),
    )
    host.sh(f"mkdir {fake.opt}; mount -t tmpfs -o size=1m,mode=755 none {fake.opt}")
    fake.deploy()
    before = host.out("find", fake.opt)
    refused(fake, fake.args(version=version), "full", r"7\.1\.0")
    assert host.out("find", fake.opt) == before


def hostile(host: Host, top: str) -> dict[str, list[Member]]:
    """List archives that try to write, or to read, outside of their directory."""
    link = {"type": tarfile.SYMTYPE}
    return {
        "path traversal": [Member(f"{top}/../../../../etc/barehost-evil", b"x")],
        "absolute name": [Member("/etc/barehost-evil", b"x")],
        "link out of the tree": [Member(f"{top}/out", **link, linkname="../../../etc")],
        "absolute link": [Member(f"{top}/out", **link, linkname="/etc")],
        "file through a link": [
            Member(f"{top}/out", **link, linkname="../../../etc"),
            Member(f"{top}/out/barehost-evil", b"x"),
        ],
        "link through a link": [
            Member(f"{top}/a", **link, linkname="."),
            Member(f"{top}/a/b", **link, linkname="../../.."),
        ],
        "hard link out of the tree": [
            Member(f"{top}/shadow", type=tarfile.LNKTYPE, linkname="../../../etc/shadow")
        ],
        "absolute hard link": [
            Member(f"{top}/shadow", type=tarfile.LNKTYPE, linkname="/etc/shadow")
        ],
        "character device": [Member(f"{top}/mem", type=tarfile.CHRTYPE, devmajor=1, devminor=1)],
        "block device": [Member(f"{top}/disk", type=tarfile.BLKTYPE, devmajor=8, devminor=0)],
        "named pipe": [Member(f"{top}/pipe", type=tarfile.FIFOTYPE)],
    }


@pytest.mark.suites("bookworm", "trixie", "bullseye")
def test_hostile_archives_are_refused_and_leave_nothing(fake: Fake) -> None:
    """Whatever points out of the tree, or is no file, is refused by name before it is written."""
    host = fake.host
    before = snapshot.take(host, times=False)
    top = f"fakehost-6.6.6.linux-{host.arch}"
    for case, members in hostile(host, top).items():
        publish(host, "6.6.6", archive([*release_members("6.6.6", host.arch), *members]))
        result = fake.refuse(fake.args(version="6.6.6"))
        assert members[-1].name.rpartition("/")[2] in result.msg, f"{case}: {result.msg}"
        left = replaced(before, snapshot.take(host, times=False), RELEASES, "/var/lib/barehost")
        assert left == {}, f"{case}: {left}"


LISTS = {
    "two columns": "{digest}  {name}\n{other}  other.tar.gz\n",
    "binary mark": "{other} *other.tar.gz\n{digest} *{name}\n",
    "leading folder": "{other}  ./other.tar.gz\n{digest}  ./{name}\n",
    "one column": "{digest}\n",
    "BSD": "SHA256 (./other.tar.gz) = {other}\nSHA256 (./{name}) = {digest}\n",
    "DOS line ends": "{other}  other.tar.gz\r\n{digest}  {name}\r\n",
}


@pytest.mark.parametrize("form", LISTS)
def test_digest_lists_are_understood_in_every_form(fake: Fake, form: str) -> None:
    """The forms that upstream projects and the usual tools write; a wrong digest in it is refused."""
    content = archive(release_members("1.0.1", fake.host.arch))
    for digest, fits in (("f" * 64, False), (releases.sha256(content), True)):
        listing = LISTS[form].replace("{digest}", digest).replace("{other}", "e" * 64)
        publish(fake.host, "1.0.1", content, sums=listing)
        result = fake.host.module(fake.args(version="1.0.1"))
        assert result.failed is not fits, str(result)
    assert fake.running_release == "1.0.1"


@pytest.mark.suites("bookworm", "bullseye")
def test_a_bare_binary_is_a_release(fake: Fake) -> None:
    """cAdvisor's form: no archive, no digest list, the digest pinned."""
    host, name = fake.host, f"fakehost-v1.0.0-linux-{fake.host.arch}"
    host.put({f"{RELEASES}/bare/{name}": releases.PROGRAM})
    release = {
        "url": f"file://{RELEASES}/bare/fakehost-v{{version}}-linux-{{arch}}",
        "checksum": {host.arch: f"sha256:{releases.sha256(releases.PROGRAM)}"},
        "format": "binary",
        "binaries": ["fakehost"],
    }
    args = fake.args(release=release)
    fake.apply(args)
    assert host.out("stat", "-c", "%a %U", f"{fake.opt}/1.0.0/fakehost") == "755 root"
    converged(fake, args)
    assert host.out("/usr/local/bin/fakehost", "--version") == "fakehost (stand-in), version none"


def test_architecture_names_are_resolved_on_the_host_and_can_be_renamed(fake: Fake) -> None:
    """A project that calls our architecture otherwise is served by a rename."""
    host = fake.host
    host.put(
        {f"{RELEASES}/renamed-sparkling.tar.gz": archive(release_members("1.0.0", "sparkling"))}
    )
    digest = releases.sha256(archive(release_members("1.0.0", "sparkling")))
    fake.deploy(
        release={
            "url": f"file://{RELEASES}/renamed-{{arch}}.tar.gz",
            "arch": {host.arch: "sparkling"},
            "checksum": f"sha256:{digest}",
        }
    )
    assert fake.healthy()


@pytest.mark.suites("bookworm", "bullseye")
def test_http_https_and_proxy_deliver_releases(fake: Fake, server: Server) -> None:
    """http plain, https against the host's own trust store, http through the proxy of the environment."""
    digest = {"version": "1.0.0"}
    fake.deploy(
        release={**digest, "url": server.url(releases.URL), "checksum": server.url(releases.SUMS)}
    )
    assert server.requests()

    secure = server.secure()
    upgrade = fake.args(
        version="1.1.0",
        release={"url": secure.url(releases.URL), "checksum": secure.url(releases.SUMS)},
    )
    refused(fake, upgrade, "(?i)certificate", secure.address)
    with secure.trusted():
        fake.apply(upgrade)
    assert fake.running_release == "1.1.0"

    upstream = "http://releases.invalid"
    through = fake.args(
        version="1.2.0",
        release={
            "url": releases.URL.replace(f"file://{RELEASES}", upstream),
            "checksum": releases.SUMS.replace(f"file://{RELEASES}", upstream),
        },
    )
    fake.apply(through, env={"http_proxy": f"http://{server.address}"})
    assert fake.running_release == "1.2.0"
    assert any(f"GET {upstream}/v1.2.0/" in line for line in server.requests())


def test_superseded_versions_are_removed_and_the_link_moves(fake: Fake) -> None:
    """One version is kept to go back to; the running process comes from the new one."""
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        result = fake.apply(fake.args(version=version, release={"binaries": ["fakehost"]}))
        assert result["version"] == version
    assert result["previous_version"] == "1.1.0"
    host = fake.host
    assert sorted(host.out("ls", fake.opt).split()) == ["1.1.0", "1.2.0", "current"]
    assert host.out("readlink", "-f", "/usr/local/bin/fakehost") == f"{fake.opt}/1.2.0/fakehost"
    assert fake.running_release == "1.2.0"


def test_going_back_to_the_kept_version_needs_no_mirror(fake: Fake) -> None:
    """A version that is still there is not fetched again."""
    fake.deploy(version="1.0.0")
    fake.deploy(version="1.1.0")
    gone = {"url": "http://127.0.0.1:9/{version}", "checksum": "http://127.0.0.1:9/sums"}
    fake.apply(fake.args(version="1.0.0", release=gone))
    assert fake.running_release == "1.0.0"


@pytest.mark.parametrize("damage", [": > {}", "rm {}", "echo '#' >> {}"])
def test_a_damaged_release_is_installed_again(fake: Fake, damage: str) -> None:
    """A release that is no longer what was installed is not taken for installed."""
    args = fake.args()
    fake.apply(args)
    program = f"{fake.opt}/1.0.0/fakehost"
    fake.host.sh(damage.format(program))
    result = fake.apply(args)
    assert result.changed
    assert any("1.0.0" in action for action in result["actions"]), str(result)
    assert fake.host.read(program).encode() == releases.PROGRAM
    converged(fake, args)


def test_a_half_unpacked_release_is_not_taken_for_installed(fake: Fake) -> None:
    """What an interrupted copy by other means left in the version's place is replaced."""
    fake.host.put({f"{fake.opt}/1.0.0/fakehost": b"#!/bin/sh\nexec sleep 1000\n"}, mode=0o755)
    fake.deploy()
    assert fake.running_release == "1.0.0"
