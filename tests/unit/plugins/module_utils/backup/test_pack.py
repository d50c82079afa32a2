# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A backup comes out of its archive as it went in, and nothing else does."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
import time
from pathlib import Path

import pytest
from ansible_collections.barehost.monitoring.plugins.module_utils.backup import (
    _manifest,
    _pack,
)
from ansible_collections.barehost.monitoring.plugins.module_utils.backup._manifest import (
    Manifest,
)
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._errors import DaemonError


def backup(folder: Path) -> Manifest:
    """A backup of one file."""
    (folder / "data/wal").mkdir(parents=True)
    (folder / "data/wal/0").write_text("samples")
    files = _manifest.digests(str(folder / "data"))
    manifest = Manifest("prometheus", "prometheus", "1", "monitor", "20261126T081500Z", files)
    (folder / "manifest.json").write_text(manifest.to_json())
    return manifest


def test_an_archive_holds_the_backup(tmp_path: Path) -> None:
    manifest, archive = backup(tmp_path / "backup"), tmp_path / "backup.tar"
    digest = _pack.pack(str(tmp_path / "backup"), str(archive))
    assert digest == hashlib.sha256(archive.read_bytes()).hexdigest()
    assert archive.stat().st_mode & 0o777 == 0o600
    assert _pack.described(str(archive)) == manifest
    (tmp_path / "again").mkdir()
    _pack.unpack(str(archive), str(tmp_path / "again"))
    assert _manifest.faults(str(tmp_path / "again"), manifest) == []


def made(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> str:
    """An archive of somebody else."""
    with tarfile.open(path, "w") as tar:
        for member, content in members:
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return str(path)


@pytest.mark.parametrize("name", ["/etc/passwd", "../x", "data/../../x", "elsewhere/x"])
def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    archive = made(tmp_path / "a.tar", (tarfile.TarInfo(name), b"x"))
    with pytest.raises(DaemonError, match="which no backup does"):
        _pack.unpack(archive, str(tmp_path / "into"))
    assert not (tmp_path / "x").exists()


def test_a_link_is_refused(tmp_path: Path) -> None:
    member = tarfile.TarInfo("data/link")
    member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
    with pytest.raises(DaemonError, match="which no backup does"):
        _pack.unpack(made(tmp_path / "a.tar", (member, b"")), str(tmp_path))


def test_an_archive_that_was_cut_off_is_refused(tmp_path: Path) -> None:
    backup(tmp_path / "backup")
    (tmp_path / "backup/data/large").write_bytes(b"x" * 100_000)
    archive = tmp_path / "backup.tar"
    _pack.pack(str(tmp_path / "backup"), str(archive))
    archive.write_bytes(archive.read_bytes()[:50_000])
    (tmp_path / "into").mkdir()
    with pytest.raises(DaemonError, match="was cut off"):
        _pack.unpack(str(archive), str(tmp_path / "into"))


@pytest.mark.parametrize(
    ("place", "age", "left"),
    [("ansible-tmp-2", 90000, False), ("ansible-tmp-2", 60, True), ("other", 90000, True)],
)
def test_what_a_connection_that_was_lost_left_on_the_host_goes_a_day_later(
    tmp_path: Path, place: str, age: float, left: bool
) -> None:
    here, there = tmp_path / "ansible-tmp-1", tmp_path / place
    for path in (here, there / "barehost-backup/data"):
        path.mkdir(parents=True)
    (there / "barehost-backup.tar").write_text("secrets")
    (there / "own.tar").write_text("of somebody else")
    for name in ("barehost-backup", "barehost-backup.tar", "own.tar"):
        os.utime(there / name, (time.time(), time.time() - age))
    _pack.sweep(str(here))
    ours = ["barehost-backup", "barehost-backup.tar"] if left else []
    assert sorted(os.listdir(there)) == [*ours, "own.tar"]


@pytest.mark.parametrize("directory", ["tmp", "ansible-tmp-1"])
def test_a_link_leads_nowhere(tmp_path: Path, directory: str) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/barehost-backup.tar").write_text("x")
    os.utime(tmp_path / "elsewhere/barehost-backup.tar", (1, 1))
    (tmp_path / "ansible-tmp-2").symlink_to(tmp_path / "elsewhere")
    _pack.sweep(str(tmp_path / directory))
    assert (tmp_path / "elsewhere/barehost-backup.tar").exists()


def test_what_begins_otherwise_is_no_backup(tmp_path: Path) -> None:
    archive = made(tmp_path / "a.tar", (tarfile.TarInfo("data"), b"x"))
    with pytest.raises(DaemonError, match="does not begin with manifest.json"):
        _pack.described(archive)
