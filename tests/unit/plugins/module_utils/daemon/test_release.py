# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Release directories: installed completely or not at all."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
import urllib.request
from collections import namedtuple
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import IO, Any
from urllib.error import URLError

import pytest
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon import (
    _archive,
    _build,
    _errors,
    _release,
)
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._release import (
    ReleaseError,
    ReleaseSpec,
)

ELF = b"\x7fELF" + b"program" * 100
SCRIPT = b"#!/bin/sh\n"


class Mirror:
    """A mirror in memory; counts what is asked of it."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []

    def __call__(self, url: str) -> IO[bytes]:
        self.asked.append(url)
        if url not in self.files:
            raise URLError(FileNotFoundError(2, "No such file or directory"))
        return io.BytesIO(self.files[url])

    def add(self, version: str, members: dict[str, bytes], arch: str = "amd64") -> str:
        name = f"p-{version}.linux-{arch}"
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz") as pack:
            for member, content in members.items():
                info = tarfile.TarInfo(f"{name}/{member}")
                info.size = len(content)
                pack.addfile(info, io.BytesIO(content))
        self.files[f"http://m/v{version}/{name}.tar.gz"] = buffer.getvalue()
        digest = hashlib.sha256(buffer.getvalue()).hexdigest()
        self.files[f"http://m/v{version}/sums"] = f"{digest}  {name}.tar.gz\n".encode()
        return digest


@pytest.fixture
def mirror() -> Mirror:
    mirror = Mirror()
    for version in ("1.0", "2.0", "3.0", "4.0"):
        mirror.add(version, {"p": ELF, "tool": SCRIPT, "NOTICE": b"text"})
    return mirror


@pytest.fixture
def spec(tmp_path: Path) -> ReleaseSpec:
    return ReleaseSpec(
        name="p",
        version="1.0",
        url="http://m/v{version}/p-{version}.linux-{arch}.tar.gz",
        checksum="http://m/v{version}/sums",
        format="",
        arch_names={},
        binaries=("p", "tool"),
        strip=1,
        keep=1,
        root=str(tmp_path / "opt"),
    )


def everything(spec: ReleaseSpec) -> list[str]:
    root = Path(spec.root)
    return sorted(str(path.relative_to(root)) for path in root.rglob("*"))


@pytest.mark.parametrize(
    ("machine", "renames", "arch"),
    [
        ("x86_64", {}, "amd64"),
        ("aarch64", {"armv7": "arm"}, "arm64"),
        ("armv7l", {}, "armv7"),
        ("armv7l", {"armv7": "arm"}, "arm"),
        ("i686", {}, "386"),
        ("riscv64", {}, "riscv64"),
        ("loongarch64", {"loongarch64": "loong64"}, "loong64"),
    ],
)
def test_an_architecture_is_named(machine: str, renames: dict[str, str], arch: str) -> None:
    assert _release.architecture(machine, renames) == arch


def test_an_unknown_architecture_is_an_error() -> None:
    with pytest.raises(ReleaseError, match=r"unsupported architecture vax \(known are: aarch64"):
        _release.architecture("vax", {})


@pytest.mark.parametrize("version", ["", "..", "a/b", "current", "current-b", ".hidden", "1\n"])
def test_a_version_has_to_be_a_directory_name(spec: ReleaseSpec, version: str) -> None:
    with pytest.raises(ReleaseError, match="cannot be the version of a release"):
        _release.directory(replace(spec, version=version))


def test_a_release_is_installed_once(spec: ReleaseSpec, mirror: Mirror) -> None:
    assert _release.fault(spec, "x86_64") == "not installed"
    assert _release.install(spec, "x86_64", mirror) == _release.directory(spec)
    marker = f"p/1.0/{_build.MARKER}"
    assert everything(spec) == ["p", "p/1.0", marker, "p/1.0/NOTICE", "p/1.0/p", "p/1.0/tool"]
    assert os.access(f"{_release.directory(spec)}/p", os.X_OK)
    assert _release.fault(spec, "x86_64") is None
    asked = list(mirror.asked)
    _release.install(spec, "x86_64", mirror)
    assert mirror.asked == asked


def test_nothing_is_readable_only_by_root(spec: ReleaseSpec, mirror: Mirror) -> None:
    old = os.umask(0o077)
    try:
        _release.install(replace(spec, root=f"{spec.root}/deep"), "x86_64", mirror)
    finally:
        os.umask(old)
    for path in (Path(spec.root) / "deep/p", *(Path(spec.root) / "deep/p").rglob("*")):
        assert path.stat().st_mode & 0o044 == 0o044, path


@pytest.mark.parametrize("url", ["http://m/tool-{version}-{arch}", "http://m/x.tar.gz"])
def test_a_bare_binary_is_installed(spec: ReleaseSpec, mirror: Mirror, url: str) -> None:
    mirror.files |= {"http://m/tool-1.0-arm": ELF, "http://m/x.tar.gz": ELF}
    bare = replace(
        spec,
        url=url,
        format="binary" if url.endswith("gz") else "",
        checksum={"arm": "sha512:" + hashlib.sha512(ELF).hexdigest()},
        arch_names={"armv7": "arm"},
        binaries=("bin/tool",),
    )
    path = _release.install(bare, "armv7l", mirror)
    assert Path(path, "bin/tool").read_bytes() == ELF
    assert _release.fault(bare, "armv7l") is None


@pytest.mark.parametrize("form", ["archive", "binary"])
def test_binaries_need_not_be_named(spec: ReleaseSpec, mirror: Mirror, form: str) -> None:
    mirror.add("1.0", {"lib": b"text"})
    url = "http://m/p"
    mirror.files[url] = ELF
    if form == "binary":
        spec = replace(spec, url=url, checksum=hashlib.sha256(ELF).hexdigest())
    path = _release.install(replace(spec, binaries=()), "x86_64", mirror)
    assert os.path.exists(f"{path}/{'lib' if form == 'archive' else 'p'}")
    assert _release.fault(replace(spec, binaries=()), "x86_64") is None


def test_a_file_address_is_installed(spec: ReleaseSpec, mirror: Mirror, tmp_path: Path) -> None:
    for url, content in mirror.files.items():
        path = tmp_path / url.replace("http://m/", "srv/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    local = replace(
        spec,
        url=f"file://{tmp_path}/srv/v{{version}}/p-{{version}}.linux-{{arch}}.tar.gz",
        checksum=f"file://{tmp_path}/srv/v{{version}}/sums",
    )
    _release.install(local, "x86_64", urllib.request.urlopen)
    assert _release.fault(local, "x86_64") is None
    with pytest.raises(ReleaseError, match=r"version 9.9.9 of p is not at file:///.*no such file"):
        _release.install(replace(local, version="9.9.9"), "x86_64", urllib.request.urlopen)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: os.truncate(path / "p", 0), f"p is 0 bytes, was {len(ELF)}"),
        (lambda path: (path / "tool").unlink(), "tool is missing"),
        (lambda path: (path / "p").write_bytes(ELF.upper()[: len(ELF)]), "p was changed after"),
        (lambda path: (path / "p").chmod(0o644), "p has mode 0644, not 0755"),
        (lambda path: (path / _build.MARKER).unlink(), "not installed completely"),
        (lambda path: (path / _build.MARKER).write_text("{"), "not installed completely"),
        (lambda path: (path / _build.MARKER).write_text("[1]"), "not installed completely"),
        (lambda path: (path / _build.MARKER).write_text('{"files": 1}'), "not installed compl"),
    ],
)
def test_damage_is_found_and_repaired(
    spec: ReleaseSpec, mirror: Mirror, damage: Callable[[Path], object], message: str
) -> None:
    path = Path(_release.install(spec, "x86_64", mirror))
    os.utime(path / "p", ns=(0, 0))
    marker = json.loads((path / _build.MARKER).read_text())
    marker["files"]["p"][1] = 0
    (path / _build.MARKER).write_text(json.dumps(marker))
    assert _release.fault(spec, "x86_64") is None
    damage(path)
    assert message in str(_release.fault(spec, "x86_64"))
    _release.install(spec, "x86_64", mirror)
    assert _release.fault(spec, "x86_64") is None
    assert os.listdir(f"{spec.root}/p") == ["1.0"]


def test_a_new_binary_or_digest_is_a_fault(spec: ReleaseSpec, mirror: Mirror) -> None:
    _release.install(spec, "x86_64", mirror)
    more = replace(spec, binaries=("p", "NOTICE"))
    assert _release.fault(more, "x86_64") == "NOTICE is not part of the installation"
    pinned = replace(spec, checksum="sha256:" + "0" * 64)
    assert f"but sha256:{'0' * 64} is wanted" in str(_release.fault(pinned, "x86_64"))


def change(**fields: Any) -> Callable[[ReleaseSpec, Mirror], ReleaseSpec]:
    return lambda spec, mirror: replace(spec, **fields)


def repack(**members: bytes) -> Callable[[ReleaseSpec, Mirror], ReleaseSpec]:
    def apply(spec: ReleaseSpec, mirror: Mirror) -> ReleaseSpec:
        mirror.add("1.0", {name.replace("__", "/"): value for name, value in members.items()})
        return spec

    return apply


def cut(spec: ReleaseSpec, mirror: Mirror) -> ReleaseSpec:
    url = "http://m/v1.0/p-1.0.linux-amd64.tar.gz"
    mirror.files[url] = mirror.files[url][:-20]
    digest = hashlib.sha256(mirror.files[url]).hexdigest()
    return replace(spec, checksum=digest)


FAULTS: list[tuple[str, Callable[[ReleaseSpec, Mirror], ReleaseSpec], str]] = [
    ("version", change(version="9.9.9"), "version 9.9.9 of p is not at http://m/v9.9.9/p-9.9.9"),
    ("list", change(checksum="http://m/none"), "the digest list of p 1.0 is not at http://m/none"),
    ("arch", change(checksum={"arm64": "0" * 64}), "no checksum for architecture amd64"),
    ("digest", change(checksum="0" * 64), f"but sha256:{'0' * 64} is wanted"),
    ("cut", cut, "p-1.0.linux-amd64.tar.gz: the archive is damaged"),
    ("missing", change(binaries=("p", "gone")), "no file gone (it has NOTICE, p, tool)"),
    ("strip", change(strip=0), "holds no file p (it has p-1.0.linux-amd64)"),
    ("directory", repack(p__x=ELF, tool=ELF), "holds no file p"),
    ("text", change(binaries=("p", "NOTICE")), "NOTICE of http://m/v1.0/p-1.0.linux-amd64.tar.gz"),
    ("binaries", change(format="binary"), "is one binary, not p, tool"),
    ("empty", repack(p=b"", tool=ELF), "is neither a program (ELF) nor a script"),
]


@pytest.mark.parametrize(("_id", "prepare", "message"), FAULTS, ids=[row[0] for row in FAULTS])
@pytest.mark.parametrize("before", ["nothing", "damaged", "other"])
def test_an_error_leaves_everything_as_it_was(
    spec: ReleaseSpec,
    mirror: Mirror,
    _id: str,
    prepare: Callable[[ReleaseSpec, Mirror], ReleaseSpec],
    message: str,
    before: str,
) -> None:
    if before == "damaged":
        os.truncate(_release.install(spec, "x86_64", mirror) + "/p", 3)
    elif before == "other":
        _release.install(replace(spec, version="3.0"), "x86_64", mirror)
    found = everything(spec)
    with pytest.raises(ReleaseError) as caught:
        _release.install(prepare(spec, mirror), "x86_64", mirror)
    assert message in str(caught.value)
    assert everything(spec) == found


def test_an_interrupted_run_leaves_nothing(spec: ReleaseSpec, mirror: Mirror) -> None:
    class Stopping(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise _errors.Interrupted("asked to stop")

    with pytest.raises(_errors.Interrupted):
        _release.install(replace(spec, checksum="0" * 64), "x86_64", lambda url: Stopping())
    assert everything(spec) == []


def test_credentials_are_never_in_a_message(spec: ReleaseSpec, mirror: Mirror) -> None:
    url = spec.url.replace("//m", "//user:secret@m")
    mirror.files |= {k.replace("//m", "//user:secret@m"): v for k, v in mirror.files.items()}
    for fields in ({"version": "9"}, {"checksum": "0" * 64}, {"binaries": ("gone",)}):
        with pytest.raises(ReleaseError) as caught:
            _release.install(replace(spec, url=url, **fields), "x86_64", mirror)
        assert "http://m/" in str(caught.value)
        assert "secret" not in str(caught.value)


def test_leftovers_of_a_killed_run_are_removed(spec: ReleaseSpec, mirror: Mirror) -> None:
    left = Path(spec.root, "p", _release.WORK + "killed", "tree")
    left.mkdir(parents=True)
    (left / "p").write_bytes(ELF)
    assert _release.installed_versions(spec) == []
    _release.install(spec, "x86_64", mirror)
    assert os.listdir(f"{spec.root}/p") == ["1.0"]


def test_a_kill_before_the_rename_is_not_taken_for_installed(
    spec: ReleaseSpec, mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_args: object) -> None:
        raise SystemExit

    monkeypatch.setattr(_build, "swap", killed)
    monkeypatch.setattr("shutil.rmtree", lambda *_args, **_options: None)
    with pytest.raises(SystemExit):
        _release.install(spec, "x86_64", mirror)
    monkeypatch.undo()
    assert any(name.startswith(f"p/{_release.WORK}") for name in everything(spec))
    assert _release.fault(spec, "x86_64") == "not installed"
    _release.install(spec, "x86_64", mirror)
    assert os.listdir(f"{spec.root}/p") == ["1.0"]


def test_a_failed_rename_brings_the_old_directory_back(
    spec: ReleaseSpec, mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _release.install(spec, "x86_64", mirror)
    os.truncate(f"{path}/p", 3)
    rename = os.rename

    def failing(source: str, target: str) -> None:
        if source.endswith("tree"):
            raise PermissionError(13, "Permission denied", source)
        rename(source, target)

    monkeypatch.setattr(os, "rename", failing)
    with pytest.raises(ReleaseError, match="cannot install p 1.0 in .*: Permission denied"):
        _release.install(spec, "x86_64", mirror)
    assert os.stat(f"{path}/p").st_size == 3
    assert os.listdir(f"{spec.root}/p") == ["1.0"]


def test_a_full_disk_names_what_is_needed(
    spec: ReleaseSpec, mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_args: object) -> None:
        raise OSError(28, "No space left on device")

    mirror.add("1.0", {"p": ELF + os.urandom(2_000_000), "tool": SCRIPT})
    monkeypatch.setattr(_archive._Tree, "_write", full)
    with pytest.raises(ReleaseError, match=r"is full: p 1.0 needs at least 4.0 MB, \d+.\d MB were"):
        _release.install(spec, "x86_64", mirror)
    assert everything(spec) == []


def test_a_download_that_does_not_fit_is_not_begun(
    spec: ReleaseSpec, mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    def big(url: str) -> IO[bytes]:
        response = mirror(url)
        response.headers = {"Content-Length": "53000000"}  # type: ignore[attr-defined]
        return response

    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage(10**9, 10**9, 10**6))
    with pytest.raises(ReleaseError, match="p 1.0 needs at least 53.0 MB, 1.0 MB were free"):
        _release.install(spec, "x86_64", big)
    assert len(mirror.asked) == 1


def test_two_runs_install_once(spec: ReleaseSpec, mirror: Mirror) -> None:
    with ThreadPoolExecutor(4) as pool:
        runs = [pool.submit(_release.install, spec, "x86_64", mirror) for _run in range(4)]
    assert {run.result() for run in runs} == {_release.directory(spec)}
    assert len(mirror.asked) == 2
    assert _release.fault(spec, "x86_64") is None


@pytest.mark.parametrize(
    ("keep", "current", "in_use", "kept"),
    [
        (1, "4.0", [], ["3.0", "4.0"]),
        (0, "4.0", [], ["4.0"]),
        (9, "4.0", [], ["1.0", "2.0", "3.0", "4.0"]),
        (1, "4.0", ["1.0"], ["1.0", "4.0"]),
        (1, "4.0", ["/opt/p/2.0/", "1.0"], ["1.0", "2.0", "4.0"]),
        (0, "2.0", [], ["2.0", "4.0"]),
    ],
)
def test_old_versions_are_pruned(
    spec: ReleaseSpec, mirror: Mirror, keep: int, current: str, in_use: list[str], kept: list[str]
) -> None:
    versions = ["1.0", "2.0", "3.0", "4.0"]
    for version in versions:
        _release.install(replace(spec, version=version), "x86_64", mirror)
    os.symlink(current, Path(spec.root, "p", "current-second"))
    Path(spec.root, "p", "by-hand").mkdir()
    now = replace(spec, version="4.0", keep=keep)
    assert _release.installed_versions(now) == versions
    assert sorted(_release.prune(now, in_use)) == sorted(set(versions) - set(kept))
    assert _release.installed_versions(now) == kept
    assert sorted(os.listdir(f"{spec.root}/p")) == [*kept, "by-hand", "current-second"]


def test_the_last_version_takes_the_folder_with_it(spec: ReleaseSpec, mirror: Mirror) -> None:
    _release.install(spec, "x86_64", mirror)
    _release.remove(spec, "1.0")
    _release.remove(spec, "1.0")
    assert everything(spec) == []
    assert _release.prune(spec, []) == _release.installed_versions(spec) == []
