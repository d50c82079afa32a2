# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Archives of the mirror: the same content gives the same bytes."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

from mirror.archives import digest, pack


def _folder(parent: Path, names: list[str], time: int = 1) -> Path:
    folder = parent / "product-1.0.linux-amd64"
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).write_text(name)
        os.utime(folder / name, (time, time))
    return folder


def test_order_and_time_do_not_change_the_digest(tmp_path: Path) -> None:
    digests = set()
    for time, names in enumerate((["a", "b"], ["b", "a"])):
        archive = tmp_path / f"{time}.tar.gz"
        pack(_folder(tmp_path / str(time), names, time), archive)
        digests.add(digest(archive))
    assert len(digests) == 1


def test_members_lie_below_the_folder_and_belong_to_root(tmp_path: Path) -> None:
    archive = tmp_path / "product.tar.gz"
    pack(_folder(tmp_path, ["a"]), archive)
    with tarfile.open(archive) as tar:
        members = tar.getmembers()
    assert [m.name for m in members] == ["product-1.0.linux-amd64", "product-1.0.linux-amd64/a"]
    assert {(m.uid, m.gid, m.uname, m.mtime) for m in members} == {(0, 0, "", 0)}
