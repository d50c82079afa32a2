# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logstash, Filebeat and Kibana: a given archive, else upstream's, else a stand-in in its layout.

No package source has them. The stand-in brings the libraries that hosts do not have, so only those in
pure Python.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import tarfile
import tempfile
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from hosts.shell import CHECKOUT, give_up, say
from mirror.archives import pack

UPSTREAM = "https://artifacts.elastic.co"
VERSION = "8.5.0"
SOURCES = CHECKOUT / "tests" / "standins" / "elastic"
MACHINE = platform.machine()
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Release:
    """One product's release."""

    name: str
    folder: str  # of the address
    machine: str  # how upstream names it here
    top: str  # folder in the archive
    program: str  # in the top folder
    libraries: tuple[ModuleType, ...]
    # More files of the release, by their paths.
    files: Callable[[str], dict[str, str]]

    @property
    def given(self) -> str:
        """The variable that names a real archive."""
        return f"BAREHOST_{self.name.upper()}"

    def address(self, version: str) -> str:
        """Return upstream's path of the archive."""
        return f"downloads/{self.folder}/{self.name}-{version}-linux-{self.machine}.tar.gz"


def recipe(release: Release) -> str:
    """Digest what the release is made of, so that a change is noticed."""
    given = os.environ.get(release.given, "")
    parts = [VERSION, given, digest(Path(given)) if given else ""]
    parts += [f"{path.relative_to(SOURCES)}\n{path.read_text()}" for path in _sources(release)]
    parts += [f"{name}\n{text}" for name, text in release.files(VERSION).items()]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def add(release: Release, mirror: Path, version: str = VERSION) -> list[str]:
    """Put a release below the mirror with its digest beside it; return a role's variables."""
    with tempfile.TemporaryDirectory(dir=mirror) as folder:
        archive, version = _archive(release, Path(folder), version)
        target = mirror / release.address(version)
        target.parent.mkdir(parents=True, exist_ok=True)
        archive.replace(target)
        target.chmod(0o644)
    checksum = digest(target)
    Path(f"{target}.sha512").write_text(f"{checksum}  {target.name}\n")
    say(f"{release.name} {version}")
    return [
        f'elk_{release.name}_version: "{version}"\n',
        f"elk_{release.name}_release_checksum: sha512:{checksum}\n",
    ]


def digest(path: Path) -> str:
    """Return the SHA-512 of a file in hex, which is what upstream publishes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha512").hexdigest()


def _archive(release: Release, folder: Path, version: str) -> tuple[Path, str]:
    archive = folder / "archive.tar.gz"
    if given := os.environ.get(release.given):
        shutil.copy(given, archive)
        return archive, _version(release, archive)
    if _download(f"{UPSTREAM}/{release.address(version)}", archive):
        _download(f"{UPSTREAM}/{release.address(version)}.sha512", folder / "digest")
        if digest(archive) != (folder / "digest").read_text().split()[0]:
            give_up(f"upstream's {release.name} {version} has another digest than upstream says")
        return archive, version
    pack(_stand_in(release, folder, version), archive)
    return archive, version


def _version(release: Release, archive: Path) -> str:
    with tarfile.open(archive) as tar:
        top = (tar.next() or tarfile.TarInfo()).name.removeprefix("./").partition("/")[0]
    before, _blank, after = release.top.partition("{version}")
    version = top.removeprefix(before).removesuffix(after.format(machine=release.machine))
    if not top.startswith(before) or not version[:1].isdigit():
        give_up(f"{archive} is no release of {release.name}: it holds {top}")
    return version


def _download(address: str, path: Path) -> bool:
    """Tell whether it could be had; upstream need not be reachable."""
    try:
        with urllib.request.urlopen(address, timeout=5) as answer, path.open("wb") as file:
            shutil.copyfileobj(answer, file, _CHUNK)
    except OSError:
        return False
    return True


def _stand_in(release: Release, folder: Path, version: str) -> Path:
    """Lay it out as upstream does."""
    top = folder / release.top.format(version=version, machine=release.machine)
    program = top / release.program
    program.parent.mkdir(parents=True)
    source = SOURCES / release.name / f"{release.name}.py"
    program.write_text("#!/usr/bin/python3\n" + source.read_text())
    program.chmod(0o755)
    for path in _sources(release):
        _copy(path, top / "lib" / "elastic" / path.relative_to(SOURCES))
    for library in release.libraries:
        file = Path(str(library.__file__))
        if file.name == "__init__.py":
            for path in sorted(file.parent.glob("*.py")):
                _copy(path, top / "lib" / file.parent.name / path.name)
        else:
            _copy(file, top / "lib" / file.name)
    notice = f"This is a stand-in for {release.name.capitalize()}, for tests alone.\n"
    more = {"VERSION": f"{version}\n", "README.stand-in": notice, **release.files(version)}
    for name, text in more.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(text)
    return top


def _copy(path: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, target)


def _sources(release: Release) -> Iterator[Path]:
    yield SOURCES / "__init__.py"
    for part in ("common", release.name):
        yield from sorted((SOURCES / part).glob("*.py"))
