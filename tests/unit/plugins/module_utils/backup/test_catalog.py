# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Backups are complete or do not count, and only so many stay."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.barehost.monitoring.plugins.module_utils.backup._catalog import (
    Catalog,
)
from ansible_collections.barehost.monitoring.plugins.module_utils.backup._manifest import (
    Manifest,
)
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._errors import DaemonError

OLD, MIDDLE, NEW = "20261124T000000Z", "20261125T000000Z", "20261126T000000Z"


def filled(folder: Path, *names: str) -> Catalog:
    """A catalogue with complete backups."""
    catalog = Catalog(str(folder / "backups"), "prometheus")
    for name in names:
        manifest = Manifest("prometheus", "prometheus", "3.5.3", "monitor", name, {})
        catalog.complete(catalog.begin(name), manifest)
    return catalog


def test_a_backup_counts_once_it_is_complete(tmp_path: Path) -> None:
    catalog = filled(tmp_path, OLD)
    catalog.begin(NEW)
    assert catalog.names() == [OLD]
    assert (tmp_path / "backups").stat().st_mode & 0o777 == 0o700


def test_what_was_cut_off_is_cleaned_up_and_nothing_else(tmp_path: Path) -> None:
    catalog = filled(tmp_path, OLD, MIDDLE)
    Path(catalog.begin(NEW), "data/wal").write_text("half")
    Path(catalog.path(MIDDLE), "manifest.json").unlink()  # its removal was cut off
    Path(catalog.directory, "notes").mkdir()
    catalog.clean()
    assert sorted(path.name for path in Path(catalog.directory).iterdir()) == [OLD, "notes"]


@pytest.mark.parametrize(
    ("keep", "coming", "surplus"),
    [
        (0, 0, []),
        (1, 0, [OLD, MIDDLE]),
        (2, 0, [OLD]),
        (3, 0, []),
        (9, 0, []),
        (3, 1, [OLD]),
        (1, 1, [OLD, MIDDLE, NEW]),
    ],
)
def test_the_newest_are_kept(tmp_path: Path, keep: int, coming: int, surplus: list[str]) -> None:
    assert filled(tmp_path, OLD, MIDDLE, NEW).surplus(keep, coming) == surplus


def test_the_newest_is_chosen_or_the_wanted_one(tmp_path: Path) -> None:
    catalog = filled(tmp_path, OLD, NEW)
    assert (catalog.choose(""), catalog.choose(OLD)) == (NEW, OLD)
    with pytest.raises(DaemonError, match=f"no backup {MIDDLE} in .*; there are: {OLD}, {NEW}"):
        catalog.choose(MIDDLE)


def test_without_a_backup_it_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(DaemonError, match="backup.yml.*barehost_restore_source"):
        filled(tmp_path).choose("")


def test_a_removed_backup_is_gone(tmp_path: Path) -> None:
    catalog = filled(tmp_path, OLD, NEW)
    catalog.remove(OLD)
    assert catalog.names() == [NEW]
