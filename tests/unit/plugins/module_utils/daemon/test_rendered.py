# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rendering: what would be deployed, below a local directory."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon import _parse, _rendered
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._errors import SpecError
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._spec import Spec


def spec(**more: Any) -> Spec:
    return _parse.parse(
        {
            "name": "web",
            "command": ["{release}/web"],
            "files": [{"path": "web.conf", "content": "one"}],
            "secrets": [
                {"path": "key", "content": "hidden"},
                {"path": "made", "generate": {}},
                {"credential": "pw", "content": "hidden too"},
            ],
            "release": {
                "version": "1.0",
                "url": "http://m/x",
                "checksum": "c",
                "binaries": ["web"],
            },
            **more,
        }
    )


def found(top: Path) -> list[str]:
    return sorted(str(p.relative_to(top)) for p in top.rglob("*") if not p.is_dir())


PATHS = [
    "etc/systemd/system/web.service",
    "etc/sysusers.d/barehost-web.conf",
    "etc/web/credentials/pw",
    "etc/web/key",
    "etc/web/made",
    "etc/web/web.conf",
    "opt/web/current",
    "usr/local/bin/web",
]


def test_every_file_is_written_and_no_secret(tmp_path: Path) -> None:
    top = tmp_path / "new/out"
    changed = _rendered.render(spec(), str(top), {}, False)
    assert [os.path.relpath(path, top) for path in changed] == found(top) == PATHS
    assert (top / "etc/web/web.conf").read_text() == "one"
    for name in ("key", "made", "credentials/pw"):
        assert (top / "etc/web" / name).read_text() == "<secret: deployed, but never rendered>\n"
    assert os.readlink(top / "opt/web/current") == "1.0"
    assert "hidden" not in "".join(p.read_text() for p in top.rglob("*") if p.is_file())


def test_a_rendering_is_the_same_everywhere(tmp_path: Path) -> None:
    for name in ("a", "b"):
        _rendered.render(spec(), str(tmp_path / name), {}, False)
    units = [(tmp_path / n / "etc/systemd/system/web.service").read_text() for n in "ab"]
    assert units[0] == units[1]


@pytest.mark.parametrize("check_mode", [False, True])
def test_a_relative_directory_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, check_mode: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SpecError, match=r"^destination: 'out/a' is no absolute path"):
        _rendered.render(spec(), "out/a", {}, check_mode)
    assert list(tmp_path.iterdir()) == []


def test_only_what_differs_is_written(tmp_path: Path) -> None:
    _rendered.render(spec(), str(tmp_path), {}, False)
    before = {p: p.lstat().st_mtime_ns for p in tmp_path.rglob("*")}
    assert _rendered.render(spec(), str(tmp_path), {}, False) == ()
    assert {p: p.lstat().st_mtime_ns for p in tmp_path.rglob("*")} == before
    (tmp_path / "etc/web/web.conf").write_text("edited")
    (tmp_path / "opt/web/current").unlink()
    (tmp_path / "opt/web/current").symlink_to("elsewhere")
    changed = _rendered.render(spec(), str(tmp_path), {}, False)
    assert [os.path.relpath(path, tmp_path) for path in changed] == [
        "etc/web/web.conf",
        "opt/web/current",
    ]


@pytest.mark.parametrize("there", [False, True])
def test_check_mode_writes_nothing(tmp_path: Path, there: bool) -> None:
    top = tmp_path / "out"
    if there:
        _rendered.render(spec(), str(top), {}, False)
    before = {p: p.lstat().st_mtime_ns for p in tmp_path.rglob("*")}
    more = spec(files=[{"path": "more", "content": ""}])
    assert _rendered.render(more, str(top), {}, True)
    assert {p: p.lstat().st_mtime_ns for p in tmp_path.rglob("*")} == before
