# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Grafana's release: a given archive (BAREHOST_GRAFANA), else upstream's, else a stand-in.

No package source has Grafana. The stand-in is packed in the layout of upstream's archive.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tarfile
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import yaml

from hosts.shell import CHECKOUT, give_up, say
from mirror.archives import digest, pack
from mirror.products import ARCH

GIVEN = "BAREHOST_GRAFANA"
UPSTREAM = "https://dl.grafana.com"
SOURCES = CHECKOUT / "tests" / "standins" / "grafana"
DEFAULTS = CHECKOUT / "roles" / "grafana" / "defaults" / "main" / "main.yml"
_CHUNK = 1 << 20


def recipe() -> str:
    """Digest what the release is made of, so that a change is noticed."""
    given = os.environ.get(GIVEN, "")
    parts = [given, digest(Path(given)) if given else "", DEFAULTS.read_text()]
    parts += [f"{path.relative_to(SOURCES)}\n{path.read_text()}" for path in _sources()]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def add(mirror: Path) -> list[str]:
    """Put the release below the mirror, at both addresses of upstream; return a role's variables."""
    with tempfile.TemporaryDirectory(dir=mirror) as folder:
        archive, version, build = _release(Path(folder))
        checksum = digest(archive)
        for path in addresses(version, build):
            target = mirror / path
            target.parent.mkdir(parents=True, exist_ok=True)
            os.link(archive, target)
            target.chmod(0o644)
            Path(f"{target}.sha256").write_text(f"{checksum}  dist/grafana.tar.gz\n")
    say(f"grafana {version}")
    return [
        f'grafana_version: "{version}"\n',
        f'grafana_release_build: "{build}"\n',
        f"grafana_release_checksum: sha256:{checksum}\n",
    ]


def addresses(version: str, build: str) -> list[str]:
    """Upstream's address of one build, and its older one."""
    return [
        f"grafana/release/{version}/grafana_{version}_{build}_linux_{ARCH}.tar.gz",
        f"oss/release/grafana-{version}.linux-{ARCH}.tar.gz",
    ]


def _release(folder: Path) -> tuple[Path, str, str]:
    archive = folder / "grafana.tar.gz"
    if given := os.environ.get(GIVEN):
        shutil.copy(given, archive)
        return archive, _version(archive), "0"
    defaults = yaml.safe_load(DEFAULTS.read_text())
    version, build = defaults["grafana_version"], defaults["grafana_release_build"]
    if _download(f"{UPSTREAM}/{addresses(version, build)[0]}", archive):
        if f"sha256:{digest(archive)}" != defaults["grafana_release_checksum"].get(ARCH):
            give_up(f"upstream's grafana {version} has another digest than the role")
        return archive, version, build
    version = f"{version}+stand-in"
    pack(_stand_in(folder / f"grafana-{version}", version), archive)
    return archive, version, "0"


def _version(archive: Path) -> str:
    with tarfile.open(archive) as tar:
        top = (tar.next() or tarfile.TarInfo()).name.removeprefix("./").partition("/")[0]
    found = re.fullmatch(r"grafana-v?(\d.*)", top)
    if not found:
        give_up(f"{archive} is no release of Grafana: it holds {top}")
    return found[1]


def _download(address: str, path: Path) -> bool:
    """Tell whether it could be had; upstream need not be reachable."""
    try:
        with urllib.request.urlopen(address, timeout=5) as answer, path.open("wb") as file:
            shutil.copyfileobj(answer, file, _CHUNK)
    except OSError:
        return False
    return True


def _stand_in(top: Path, version: str) -> Path:
    """Lay it out as upstream does; it brings the YAML parser that hosts do not have."""
    for name in ("bin", "conf", "public", "lib"):
        (top / name).mkdir(parents=True)
    program = top / "bin" / "grafana"
    program.write_text("#!/usr/bin/python3\n" + (SOURCES / "grafana.py").read_text())
    program.chmod(0o755)
    shutil.copy(SOURCES / "defaults.ini", top / "conf" / "defaults.ini")
    for package in (SOURCES / "standin", Path(yaml.__file__).parent):
        folder = top / "lib" / package.name
        folder.mkdir()
        for path in sorted(package.glob("*.py")):
            shutil.copy(path, folder)
    (top / "VERSION").write_text(f"{version}\n")
    (top / "public" / "README").write_text("This is a stand-in for Grafana, for tests alone.\n")
    return top


def _sources() -> Iterator[Path]:
    yield from sorted(path for path in SOURCES.rglob("*") if path.suffix in (".py", ".ini"))
