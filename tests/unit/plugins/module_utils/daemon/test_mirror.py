# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filling a mirror."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
from email.message import Message
from pathlib import Path
from typing import IO, Any

import pytest
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon import (
    _mirror,
    _mirror_lock,
    _mirror_wanted,
)
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._errors import DaemonError
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._mirror import (
    Orders,
    Outcome,
)

TOP = "https://u:secret@up.example/"
ARCHIVE, SUMS = "web/v1.0/web-amd64.tar.gz", "web/v1.0/sums"
SHOWN = {path: f"https://up.example/{path}" for path in (ARCHIVE, SUMS)}


def sha(content: bytes, algorithm: str = "sha256") -> str:
    return hashlib.new(algorithm, content).hexdigest()


class Upstream:
    """What upstream publishes, and a directory that is filled from it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.cut: set[str] = set()
        self.publish(b"one")

    def publish(self, content: bytes, algorithm: str = "sha256") -> None:
        """Put an archive there, with the list of its digest."""
        self.files[ARCHIVE] = content
        name = os.path.basename(ARCHIVE)
        self.files[SUMS] = f"{sha(content, algorithm)}  {name}\n".encode()

    def open_url(self, url: str) -> IO[bytes]:
        """Download."""
        path = url.removeprefix(TOP)
        self.asked.append(path)
        response = io.BytesIO(self.files[path])
        headers = Message()
        headers["Content-Length"] = str(len(self.files[path]) + (path in self.cut))
        response.headers = headers  # type: ignore[attr-defined]
        return response

    def fill(
        self, *, check: bool = False, checksum: Any = "", version: str = "1.0", **orders: bool
    ) -> Outcome:
        """Run once; what was asked before is forgotten."""
        release = {
            "name": "web",
            "version": version,
            "url": TOP + "web/v{version}/web-{arch}.tar.gz",
            "checksum": checksum or TOP + "web/v{version}/sums",
        }
        self.asked.clear()
        wanted = _mirror_wanted.files([release], ["amd64"], "")
        return _mirror.fill(str(self.directory), wanted, Orders(**orders), self.open_url, check)

    def holds(self) -> dict[str, bytes]:
        """Everything in the directory but the lock."""
        files = [path for path in self.directory.rglob("*") if path.is_file()]
        found = {str(path.relative_to(self.directory)): path.read_bytes() for path in files}
        found.pop("lock.json", None)
        return found

    def lock(self) -> dict[str, Any]:
        """The files in the lock."""
        found: dict[str, Any] = json.loads((self.directory / "lock.json").read_text())["files"]
        return found


@pytest.fixture
def upstream(tmp_path: Path) -> Upstream:
    return Upstream(tmp_path / "srv/mirror")


def test_an_empty_directory_is_filled_and_locked(upstream: Upstream) -> None:
    outcome = upstream.fill()
    assert outcome.actions == [f"get {SHOWN[SUMS]}", f"get {SHOWN[ARCHIVE]}"]
    assert (outcome.faults, outcome.unwanted, outcome.files) == ([], [], 2)
    assert upstream.holds() == upstream.files
    assert upstream.lock() == {
        path: {
            "address": SHOWN[path],
            "digest": f"sha256:{sha(content)}",
            "release": "web 1.0",
            "size": len(content),
        }
        for path, content in upstream.files.items()
    }
    assert (upstream.directory / ARCHIVE).stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_the_lock_has_the_kind_of_digest_that_upstream_publishes(
    upstream: Upstream, algorithm: str
) -> None:
    upstream.publish(b"two", algorithm)
    upstream.fill()
    assert upstream.lock()[ARCHIVE]["digest"] == f"{algorithm}:{sha(b'two', algorithm)}"


def test_a_second_run_asks_nobody_and_writes_nothing(upstream: Upstream) -> None:
    upstream.fill()
    before = {p: p.stat().st_mtime_ns for p in upstream.directory.rglob("*")}
    assert upstream.fill().actions == []
    assert upstream.asked == []
    assert {p: p.stat().st_mtime_ns for p in upstream.directory.rglob("*")} == before


def test_check_mode_says_what_it_would_get_and_asks_nobody(upstream: Upstream) -> None:
    said = upstream.fill(check=True).actions
    assert (upstream.asked, upstream.directory.exists()) == ([], False)
    assert said == upstream.fill().actions
    assert upstream.fill(check=True).actions == []
    assert upstream.fill(check=True, relock=True).actions == [
        f"look anew at {SHOWN[path]}" for path in (SUMS, ARCHIVE)
    ]


@pytest.mark.parametrize("path", [ARCHIVE, SUMS])
@pytest.mark.parametrize("damage", ["missing", "short", "other"])
def test_what_is_missing_or_damaged_comes_again(upstream: Upstream, path: str, damage: str) -> None:
    upstream.fill()
    file, lock = upstream.directory / path, upstream.lock()
    if damage == "missing":
        file.unlink()
    else:
        old = file.read_bytes()
        file.write_bytes(old[:-1] if damage == "short" else b"x" + old[1:])
    assert upstream.fill().actions == [f"get {SHOWN[path]}"]
    assert (upstream.asked, upstream.holds(), upstream.lock()) == ([path], upstream.files, lock)


@pytest.mark.parametrize("digest", [f"sha256:{sha(b'one')}", f"sha512:{sha(b'one', 'sha512')}"])
def test_a_digest_that_is_given_counts(upstream: Upstream, digest: str) -> None:
    assert upstream.fill(checksum=digest).actions == [f"get {SHOWN[ARCHIVE]}"]
    assert upstream.lock()[ARCHIVE]["digest"] == digest
    assert upstream.fill(checksum=digest).actions == []
    upstream.fill()
    other = f"sha512:{sha(b'one', 'sha512')}"  # of another kind than that of the list
    assert upstream.fill(checksum=other).actions == []


def test_a_changed_file_is_refused_and_the_lock_and_the_rest_stay(upstream: Upstream) -> None:
    upstream.fill()
    lock, old = upstream.lock(), dict(upstream.files)
    (upstream.directory / ARCHIVE).unlink()
    upstream.publish(b"exchanged")
    outcome = upstream.fill()
    assert outcome.actions == []
    assert outcome.faults == [
        f"{ARCHIVE}: upstream has sha256:{sha(b'exchanged')}, but {upstream.directory}/lock.json has "
        f"sha256:{sha(b'one')}. What is published does not change: find out why it did. "
        "If that is right, run again with barehost_mirror_relock=true"
    ]
    assert upstream.holds() == {SUMS: old[SUMS]}
    assert upstream.lock() == lock


def test_a_changed_list_is_refused(upstream: Upstream) -> None:
    upstream.fill()
    for path in (ARCHIVE, SUMS):
        (upstream.directory / path).unlink()
    upstream.publish(b"exchanged")
    faults = upstream.fill().faults
    assert faults[0].startswith(f"{SUMS}: upstream has sha256:")
    assert faults[1:] == [f"{ARCHIVE}: not had, since {SUMS} is missing"]
    assert upstream.holds() == {}


def test_a_digest_in_the_inventory_that_is_not_the_locked_one_is_refused(
    upstream: Upstream,
) -> None:
    upstream.fill()
    outcome = upstream.fill(checksum=f"sha256:{sha(b'two')}")
    assert outcome.faults[0].startswith(f"{ARCHIVE}: the inventory wants sha256:{sha(b'two')}, but")
    assert upstream.asked == []


def test_relock_takes_what_upstream_has_now(upstream: Upstream) -> None:
    upstream.fill()
    assert upstream.fill(relock=True).actions == []
    assert upstream.asked == [SUMS]  # which says that the archive is the same
    upstream.publish(b"new")
    assert upstream.fill(relock=True).actions == [f"get {SHOWN[SUMS]}", f"get {SHOWN[ARCHIVE]}"]
    assert upstream.holds() == upstream.files
    assert upstream.lock()[ARCHIVE]["digest"] == f"sha256:{sha(b'new')}"


def test_a_download_that_breaks_off_gets_no_name_and_the_others_are_there(
    upstream: Upstream,
) -> None:
    upstream.cut = {ARCHIVE}
    outcome = upstream.fill()
    assert outcome.faults == [
        f"the download is truncated: 3 of 4 bytes of {SHOWN[ARCHIVE]} arrived; try again"
    ]
    assert upstream.holds() == {SUMS: upstream.files[SUMS]}
    assert list(upstream.lock()) == [SUMS]
    upstream.cut = set()
    assert upstream.fill().actions == [f"get {SHOWN[ARCHIVE]}"]


def test_what_does_not_have_the_digest_of_the_list_gets_no_name(upstream: Upstream) -> None:
    upstream.files[ARCHIVE] = b"exchanged"
    outcome = upstream.fill()
    wanted = f"sha256:{sha(b'one')}"
    assert outcome.faults == [
        f"digest of {SHOWN[ARCHIVE]} is sha256:{sha(b'exchanged')}, but {wanted} is wanted"
    ]
    assert upstream.holds() == {SUMS: upstream.files[SUMS]}


def test_what_a_killed_run_has_left_goes(upstream: Upstream) -> None:
    upstream.fill()
    (upstream.directory / ARCHIVE).unlink()
    left = upstream.directory / f"{os.path.dirname(ARCHIVE)}/.web-amd64.tar.gz.abc.barehost"
    left.write_bytes(b"on")
    upstream.fill()
    assert upstream.holds() == upstream.files


def test_a_full_disk_is_told(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_args: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(_mirror._files, "write", full)
    assert upstream.fill().faults[0] == f"{upstream.directory}/{SUMS}: No space left on device"


@pytest.mark.parametrize(
    ("orders", "unwanted", "stays"),
    [
        ({}, [SUMS, ARCHIVE], True),
        ({"prune": True}, [SUMS, ARCHIVE], False),
        ({"prune": True, "complete": False}, [], True),
    ],
    ids=["named", "pruned", "unknown"],
)
def test_what_nobody_wants_is_named_and_pruned_on_demand(
    upstream: Upstream, orders: dict[str, bool], unwanted: list[str], stays: bool
) -> None:
    upstream.fill()
    for path in (ARCHIVE, SUMS):
        upstream.files[path.replace("1.0", "2.0")] = upstream.files[path]
    said = upstream.fill(version="2.0", check=True, **orders)
    outcome = upstream.fill(version="2.0", **orders)
    assert (said.unwanted, said.actions) == (outcome.unwanted, outcome.actions)
    assert outcome.unwanted == unwanted
    assert (upstream.directory / "web/v1.0").exists() is stays
    assert (ARCHIVE in upstream.lock()) is stays
    removed = [action for action in outcome.actions if action.startswith("remove ")]
    assert removed == ([] if stays else [f"remove {path}" for path in unwanted])


def test_nothing_is_pruned_where_something_could_not_be_had(upstream: Upstream) -> None:
    upstream.fill()
    for path in (ARCHIVE, SUMS):
        upstream.files[path.replace("1.0", "2.0")] = b""
    assert upstream.fill(version="2.0", prune=True).faults
    assert (upstream.directory / ARCHIVE).exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "can not be read"),
        ('{"format": 1}', "can not be read"),
        ('{"format": 1, "files": {"a": {"size": 1}}}', "can not be read"),
        ('{"format": 2, "files": {}}', "has format 2, and 1 alone is known"),
    ],
)
def test_a_damaged_lock_is_not_taken_for_an_empty_one(
    upstream: Upstream, text: str, said: str
) -> None:
    upstream.fill()
    (upstream.directory / "lock.json").write_text(text)
    with pytest.raises(DaemonError, match=said):
        upstream.fill()


def test_the_lock_reads_what_it_writes(tmp_path: Path) -> None:
    files = {
        name: _mirror_lock.Locked("sha256:1", 1, f"https://x/{name}", "web 1") for name in "ba"
    }
    _mirror_lock.save(str(tmp_path), files)
    assert _mirror_lock.load(str(tmp_path)) == files
    assert list(json.loads((tmp_path / "lock.json").read_text())["files"]) == ["a", "b"]
