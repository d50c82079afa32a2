# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies of what grows, links of what does not, and room for them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.barehost.monitoring.plugins.module_utils.backup import _copies
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._errors import DaemonError

OWNER = (os.getuid(), os.getgid())


def test_a_copy_has_the_length_that_the_file_had_when_it_began(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "log"
    log.write_text("123456")
    parts = _copies._files.parts

    def growing(path: str):  # type: ignore[no-untyped-def]
        with open(path, "a") as file:
            file.write("789")
        return parts(path)

    monkeypatch.setattr(_copies._files, "parts", growing)
    _copies.copy(str(log), str(tmp_path / "copy"), OWNER)
    assert (tmp_path / "copy").read_text() == "123456"
    assert (tmp_path / "copy").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("linked", [True, False])
def test_a_tree_is_copied_or_linked(tmp_path: Path, linked: bool) -> None:
    (tmp_path / "block/chunks").mkdir(parents=True)
    (tmp_path / "block/chunks/1").write_text("samples")
    (tmp_path / "block/meta.json").write_text("{}")
    _copies.tree(str(tmp_path / "block"), str(tmp_path / "saved"), OWNER, linked)
    saved = tmp_path / "saved/chunks/1"
    assert saved.read_text() == "samples"
    assert saved.samefile(tmp_path / "block/chunks/1") is linked
    assert _copies.size([str(tmp_path / "saved"), str(tmp_path / "missing")]) == 9


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "block").mkdir()
    (tmp_path / "block/link").symlink_to("/etc/passwd")
    with pytest.raises(DaemonError, match="neither a file nor a directory"):
        _copies.tree(str(tmp_path / "block"), str(tmp_path / "saved"), OWNER)


def test_a_file_system_that_is_too_small_is_told_also_for_a_directory_to_be(tmp_path: Path) -> None:
    missing = str(tmp_path / "a/b")
    assert _copies.room(missing, 1, "a backup") == []
    (fault,) = _copies.room(missing, 1 << 60, "a backup")
    assert f"the file system of {tmp_path} has" in fault and str(1 << 60) in fault
