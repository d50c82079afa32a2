# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Archives, benign and malicious."""

from __future__ import annotations

import gzip
import io
import os
import stat
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon import _archive
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._digests import (
    ReleaseError,
)

Entry = tuple[str, dict[str, Any], bytes]


def file(name: str, content: bytes = b"x", **fields: Any) -> Entry:
    return name, fields, content


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> Entry:
    return name, {"type": kind, "linkname": target}, b""


def directory(name: str, mode: int = 0o755) -> Entry:
    return name, {"type": tarfile.DIRTYPE, "mode": mode}, b""


def tar(path: Path, *entries: Entry, mode: Any = "w") -> str:
    with tarfile.open(path, mode) as pack:
        for name, fields, content in entries:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            for key, value in fields.items():
                setattr(info, key, value)
            pack.addfile(info, io.BytesIO(content))
    return str(path)


def unpack(tmp_path: Path, archive: str, strip: int = 0, **options: int) -> Path:
    tree = tmp_path / "tree"
    tree.mkdir()
    _archive.unpack(archive, str(tree), strip, **options)
    return tree


def names(tree: Path) -> list[str]:
    return sorted(str(path.relative_to(tree)) for path in tree.rglob("*"))


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:xz", "w:bz2"])
def test_every_compression_is_read(tmp_path: Path, mode: str) -> None:
    archive = tar(tmp_path / "a", file("p-1/bin/p", b"p" * 3_000_000), file("top"), mode=mode)
    tree = unpack(tmp_path, archive, strip=1)
    assert names(tree) == ["bin", "bin/p"]
    assert (tree / "bin/p").read_bytes() == b"p" * 3_000_000
    assert _archive.unpacked_size(archive) == 3_000_001


def test_links_inside_are_kept(tmp_path: Path) -> None:
    archive = tar(
        tmp_path / "a",
        file("p/lib/x", b"content"),
        link("p/bin/x", "../lib/x"),
        link("p/hard", "p/lib/x", tarfile.LNKTYPE),
        link("p/dangling", "lib/later/y"),
    )
    tree = unpack(tmp_path, archive, strip=1)
    assert os.readlink(tree / "bin/x") == "../lib/x"
    assert (tree / "bin/x").read_bytes() == (tree / "hard").read_bytes() == b"content"


def test_modes_are_limited(tmp_path: Path) -> None:
    archive = tar(
        tmp_path / "a",
        directory("d", 0o2777),
        file("d/suid", mode=0o6777, uid=12345, gid=12345),
        file("d/secret", mode=0o600),
        file("d/none", mode=0),
    )
    old = os.umask(0o077)
    try:
        tree = unpack(tmp_path, archive)
    finally:
        os.umask(old)
    modes = {name: stat.S_IMODE((tree / name).stat().st_mode) for name in names(tree)}
    assert modes == {"d": 0o755, "d/suid": 0o755, "d/secret": 0o644, "d/none": 0o644}
    assert (tree / "d/suid").stat().st_uid == os.geteuid()


FAR = "../../../../../../tmp/x"


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([file("/etc/x")], "'/etc/x' leads out of it"),
        ([file("p/../../x")], "'p/../../x' leads out of it"),
        ([file("..")], "'..' leads out of it"),
        ([directory("../d")], "'../d' leads out of it"),
        ([link("p/l", "/etc/passwd")], "the link 'p/l' leaves it"),
        ([link("p/l", "../../x")], "the link 'p/l' leaves it"),
        ([link("p/l", FAR)], "the link 'p/l' leaves it"),
        ([link("p/l", "")], "the link 'p/l' leaves it"),
        ([link("l2", "x/l1/../../../o"), directory("y"), link("x/l1", "../y")],
         "the link 'l2' leaves it"),
        ([link("p/l", FAR), file("p/l/x")], "'p/l/x' lies below something that is no directory"),
        ([link("p/l", "."), file("p/l/x")], "'p/l/x' lies below something that is no directory"),
        ([link("p/l", "."), link("p/l/m", "x")], "'p/l/m' lies below something"),
        ([link("p/l", "."), directory("p/l")], "'p/l' lies below something that is no directory"),
        ([file("f"), file("f/x")], "'f/x' lies below something that is no directory"),
        ([link("l", "x"), file("l")], "'l' is in it twice"),
        ([file("f"), file("./f")], "'./f' is in it twice"),
        ([link("h", "/etc/passwd", tarfile.LNKTYPE)], "'/etc/passwd' leads out of it"),
        ([link("h", "../x", tarfile.LNKTYPE)], "'../x' leads out of it"),
        ([link("h", "nowhere", tarfile.LNKTYPE)], "'h' links to a file outside of it"),
        ([link("l", FAR), link("h", "l", tarfile.LNKTYPE)], "'h' links to a file outside of it"),
        ([("n", {"type": tarfile.CHRTYPE}, b"")], "'n' is a device"),
        ([("n", {"type": tarfile.BLKTYPE}, b"")], "'n' is a device"),
        ([("p", {"type": tarfile.FIFOTYPE}, b"")], "'p' is a fifo"),
    ],
)  # fmt: skip
def test_a_malicious_member_is_refused(tmp_path: Path, entries: list[Entry], message: str) -> None:
    archive = tar(tmp_path / "a", *entries)
    before = names(tmp_path)
    with pytest.raises(ReleaseError) as caught:
        unpack(tmp_path, archive)
    assert "the archive is refused" in str(caught.value)
    assert message in str(caught.value)
    assert [name for name in names(tmp_path) if not name.startswith("tree")] == before


def test_a_stripped_member_is_checked_too(tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match="'../x' leads out of it"):
        unpack(tmp_path, tar(tmp_path / "a", file("../x")), strip=1)


def test_the_total_size_is_limited(tmp_path: Path) -> None:
    archive = tar(tmp_path / "a", file("a", b"x" * 60), file("b", b"x" * 60))
    with pytest.raises(ReleaseError, match="unpacks to more than 100 bytes"):
        unpack(tmp_path, archive, limit=100)


def zip_file(path: Path, *members: tuple[str, int, bytes]) -> str:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as pack:
        for name, mode, content in members:
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            pack.writestr(info, content, zipfile.ZIP_DEFLATED)
    return str(path)


def test_a_zip_is_read(tmp_path: Path) -> None:
    archive = zip_file(
        tmp_path / "a",
        ("p/", stat.S_IFDIR | 0o700, b""),
        ("p/bin", stat.S_IFREG | 0o4775, b"bin"),
        ("p/doc", 0, b"doc"),
        ("p/link", stat.S_IFLNK | 0o777, b"bin"),
    )
    tree = unpack(tmp_path, archive, strip=1)
    assert names(tree) == ["bin", "doc", "link"]
    assert (tree / "link").read_bytes() == b"bin"
    assert stat.S_IMODE((tree / "bin").stat().st_mode) == 0o755
    assert stat.S_IMODE((tree / "doc").stat().st_mode) == 0o644


@pytest.mark.parametrize(
    ("member", "message"),
    [
        (("../x", 0, b""), "'../x' leads out of it"),
        (("/x", 0, b""), "'/x' leads out of it"),
        (("l", stat.S_IFLNK, b"../x"), "the link 'l' leaves it"),
        (("l", stat.S_IFLNK, b"/x"), "the link 'l' leaves it"),
        (("p", stat.S_IFIFO, b""), "'p' is a special file"),
        (("p", stat.S_IFCHR, b""), "'p' is a special file"),
    ],
)
def test_a_malicious_zip_is_refused(
    tmp_path: Path, member: tuple[str, int, bytes], message: str
) -> None:
    with pytest.raises(ReleaseError) as caught:
        unpack(tmp_path, zip_file(tmp_path / "a", member))
    assert message in str(caught.value)


def damaged_zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as pack:
        pack.writestr("x", b"content")
    return buffer.getvalue().replace(b"content", b"CONTENT")


def good_tar() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as pack:
        info = tarfile.TarInfo("x")
        info.size = 100_000
        pack.addfile(info, io.BytesIO(os.urandom(100_000)))
    return buffer.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>not found</html>",
        gzip.compress(good_tar())[:50_000],
        gzip.compress(b"no tar at all"),
        good_tar()[:50_000],
        damaged_zip(),
        damaged_zip()[:40],
    ],
    ids=["empty", "html", "cut gzip", "gzip of text", "cut tar", "zip crc", "cut zip"],
)
def test_a_damaged_archive_is_an_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(ReleaseError, match="the archive is damaged"):
        unpack(tmp_path, str(tmp_path / "a"))


def test_a_full_disk_is_not_called_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_archive._Tree, "_write", full)
    with pytest.raises(OSError, match="No space left"):
        unpack(tmp_path, tar(tmp_path / "a", file("x")))
