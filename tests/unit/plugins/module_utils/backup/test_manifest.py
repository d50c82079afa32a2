# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A manifest tells what is not as it was saved, and what is too new."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.barehost.monitoring.plugins.module_utils.backup import _manifest
from ansible_collections.barehost.monitoring.plugins.module_utils.backup._manifest import (
    File,
    Manifest,
)
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._errors import DaemonError


def saved(folder: Path) -> Manifest:
    """A backup of two files."""
    (folder / "data/wal").mkdir(parents=True)
    (folder / "data/wal/0").write_text("samples")
    (folder / "data/db").write_text("rows")
    files = _manifest.digests(str(folder / "data"))
    return Manifest("prometheus", "prometheus", "3.5.3", "monitor", "20261126T081500Z", files)


def test_it_reads_what_it_has_written(tmp_path: Path) -> None:
    manifest = saved(tmp_path)
    (tmp_path / "manifest.json").write_text(manifest.to_json())
    assert _manifest.read(str(tmp_path)) == manifest
    assert (manifest.size, len(manifest.files)) == (11, 2)
    assert _manifest.faults(str(tmp_path), manifest) == []


def test_every_difference_is_told_at_once(tmp_path: Path) -> None:
    manifest = saved(tmp_path)
    (tmp_path / "data/wal/0").write_text("samplez")
    (tmp_path / "data/db").unlink()
    (tmp_path / "data/more").write_text("")
    assert _manifest.faults(str(tmp_path), manifest) == [
        f"{tmp_path}/data/db is missing",
        f"{tmp_path}/data/more is not of this backup",
        f"{tmp_path}/data/wal/0 is not what was saved: its sha256 differs",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is damaged"),
        ("[]", "is damaged"),
        ('{"format": 1}', "is damaged"),
        ('{"format": 2}', "does not know"),
        ('{"format": 1, "files": {"a": 1}}', "is damaged"),
    ],
)
def test_what_is_no_manifest_is_refused(text: str, said: str) -> None:
    with pytest.raises(DaemonError, match=said):
        _manifest.from_json(text, "/b/manifest.json")


def test_a_directory_without_one_is_no_complete_backup(tmp_path: Path) -> None:
    with pytest.raises(DaemonError, match="no complete backup"):
        _manifest.read(str(tmp_path))


@pytest.mark.parametrize(
    ("version", "installed", "newer"),
    [
        ("3.5.3", "3.5.3", False),
        ("3.6.0", "3.5.3", True),
        ("3.10.0", "3.9.9", True),
        ("2.55.1", "3.5.3", False),
        ("12.4.1+stand-in", "12.4.1", False),
        ("", "1.0", False),
    ],
)
def test_newer_versions_are_told_by_their_numbers(
    version: str, installed: str, newer: bool
) -> None:
    assert _manifest.newer(version, installed) is newer


def test_identity_names_host_daemon_and_time() -> None:
    manifest = Manifest("p", "prometheus", "1", "monitor", "20261126T081500Z", {"a": File(1, "x")})
    assert manifest.identity == "monitor/prometheus/20261126T081500Z"
