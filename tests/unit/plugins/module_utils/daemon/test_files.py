# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Single paths: old or new, never half."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon import _files
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._errors import DaemonError
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._state import Entry, digest

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="gives files away")


def test_what_is_there_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a"
    assert _files.read(str(path)) == (None, b"")
    assert _files.read(str(path / "b")) == (None, b"")
    path.write_bytes(b"x")
    assert _files.read(str(path / "b")) == (None, b"")
    path.chmod(0o604)
    entry, content = _files.read(str(path))
    assert entry is not None
    assert (entry.digest, entry.mode, content) == (digest(b"x"), 0o604, b"x")
    (tmp_path / "l").symlink_to("gone")
    assert _files.read(str(tmp_path / "l")) == (Entry(target="gone"), b"")
    with pytest.raises(DaemonError, match="is not a file but something else; move it away"):
        _files.read(str(tmp_path))


@root_only
def test_owners_are_names_or_else_numbers(tmp_path: Path) -> None:
    path = tmp_path / "a"
    _files.write(str(path), b"", 0o640, "daemon", "12345")
    entry = _files.read(str(path))[0]
    assert entry and (entry.owner, entry.group) == ("daemon", "12345")
    os.chown(path, 54321, 0)
    entry = _files.read(str(path))[0]
    assert entry and (entry.owner, entry.group) == ("54321", "root")


@pytest.mark.parametrize(("owner", "group"), [("no-such-user", "root"), ("root", "no-such-group")])
def test_an_unknown_owner_is_named(tmp_path: Path, owner: str, group: str) -> None:
    path = tmp_path / "a"
    with pytest.raises(DaemonError, match="a: no such account on this host: .*no-such"):
        _files.write(str(path), b"x", 0o640, owner, group)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o755])
@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_a_file_gets_exactly_its_mode(tmp_path: Path, mode: int, umask: int) -> None:
    old = os.umask(umask)
    try:
        _files.write(str(tmp_path / "a"), b"x", mode)
    finally:
        os.umask(old)
    assert (tmp_path / "a").stat().st_mode & 0o7777 == mode
    assert os.listdir(tmp_path) == ["a"]


def test_a_failed_write_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a"
    path.write_text("old")

    def full(_fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        _files.write(str(path), b"new", 0o600)
    assert (os.listdir(tmp_path), path.read_text()) == (["a"], "old")


def test_readers_of_the_old_file_are_not_disturbed(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("old")
    with open(path, encoding="utf-8") as reader:
        _files.write(str(path), b"new", 0o600)
        assert reader.read() == "old"
    assert path.read_text() == "new"


def test_a_link_is_replaced_not_followed(tmp_path: Path) -> None:
    path, target = tmp_path / "l", tmp_path / "t"
    target.write_text("kept")
    path.symlink_to(target)
    _files.write(str(path), b"new", 0o600)
    assert (path.is_symlink(), target.read_text()) == (False, "kept")
    _files.link(str(path), "elsewhere")
    _files.link(str(path), "t")
    assert (os.readlink(path), target.read_text()) == ("t", "kept")
    (tmp_path / ".l.link.barehost").symlink_to("left by a killed run")
    _files.put(str(path), Entry(target="u"), b"")
    assert os.readlink(path) == "u"
    assert sorted(os.listdir(tmp_path)) == ["l", "t"]


def test_leftovers_of_a_path_are_found_but_not_those_of_others(tmp_path: Path) -> None:
    names = [".a*.x1.barehost", ".a*.link.barehost", ".ab.x1.barehost", "a*", ".a*.swp"]
    for name in names:
        (tmp_path / name).touch()
    found = sorted(os.path.basename(path) for path in _files.temporaries(str(tmp_path / "a*")))
    assert found == sorted(names[:2])


def test_only_files_and_links_are_removed(tmp_path: Path) -> None:
    _files.remove(str(tmp_path / "none"))
    (tmp_path / "a").touch()
    _files.remove(str(tmp_path / "a/below"))
    _files.remove(str(tmp_path / "a"))
    assert os.listdir(tmp_path) == []
    with pytest.raises(OSError):
        _files.remove(str(tmp_path))


@root_only
def test_missing_directories_are_made_and_others_left_alone(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    old = os.umask(0o077)
    try:
        _files.make_parents(str(tmp_path / "a/b/file"), 0o750, "root", "daemon")
    finally:
        os.umask(old)
    for path in (tmp_path / "a", tmp_path / "a/b"):
        assert (path.stat().st_mode & 0o7777, path.group()) == (0o750, "daemon")
    assert tmp_path.stat().st_mode & 0o7777 == 0o700
    (tmp_path / "f").touch()
    with pytest.raises(DaemonError, match="f is in the way: it is no directory"):
        _files.make_parents(str(tmp_path / "f/x/y"), 0o750, "root", "root")


@pytest.mark.parametrize(
    ("path", "top", "left"),
    [
        ("a/b/c/file", "a", []),
        ("a/b/c/file", "a/b", ["a"]),
        ("a/b/c/file", "x", ["a", "a/b", "a/b/c"]),
        ("a/b/c/file", "a/b/c/file", ["a", "a/b", "a/b/c"]),
    ],
)
def test_empty_directories_go_up_to_the_top(
    tmp_path: Path, path: str, top: str, left: list[str]
) -> None:
    (tmp_path / "a/b/c").mkdir(parents=True)
    _files.remove_empty_parents(str(tmp_path / path), str(tmp_path / top))
    assert sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*")) == left


def test_a_directory_with_a_file_stays(tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "a/x").touch()
    _files.remove_empty_parents(str(tmp_path / "a/b/file"), str(tmp_path / "a"))
    assert os.listdir(tmp_path / "a") == ["x"]
