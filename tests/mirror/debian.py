# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The same releases, put together from the binaries in Debian's packages."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from hosts.packages import KEYRING, debian_archive
from hosts.shell import CACHE, give_up, run, say
from mirror.archives import digest, pack
from mirror.products import PRODUCTS, Product, Release

SUITE, PREVIOUS_SUITE = "forky", "trixie"
# Debian's Alertmanager reads its built-in templates from the host; they go into the host images.
ON_THE_HOST = "usr/share/prometheus/alertmanager"


class Debian:
    """Debian's archive, read by an apt of our own that checks signatures and digests."""

    name = "debian"

    def __init__(self, home: Path = CACHE / "apt", suites: Sequence[str] = ()) -> None:
        """Fetch the package lists, by default of all suites that the products are from."""
        address = debian_archive()
        if not address:
            give_up("upstream cannot be reached, and no Debian archive is set up here instead")
        self.home = home
        for folder in ("lists/partial", "cache/archives/partial", "packages"):
            (self.home / folder).mkdir(parents=True, exist_ok=True)
        suites = suites or [SUITE, PREVIOUS_SUITE, *sorted({p.suite for p in PRODUCTS if p.suite})]
        lines = [f"deb [signed-by={KEYRING}] {address} {suite} main\n" for suite in suites]
        (self.home / "sources.list").write_text("".join(lines))
        say(f"reading the package lists of Debian's {', '.join(suites)}")
        self._apt("update", cwd=self.home)

    def add(self, product: Product, *, previous: bool, mirror: Path) -> Release:
        """Put together one release below the mirror."""
        suite = product.suite or (PREVIOUS_SUITE if previous else SUITE)
        origins: dict[str, str] = {}
        packages = [self.fetch(package, suite, origins) for package in product.packages]
        version = _upstream_version(packages[0])
        say(f"{product.name} {version}: from {', '.join(path.name for path in packages)}")
        root = self.home / "root"
        shutil.rmtree(root, ignore_errors=True)
        for package in packages:
            run("dpkg-deb", "--extract", str(package), str(root))
        self._pack(product, version, root, mirror / product.release(version))
        if not previous:
            for template in (root / ON_THE_HOST).glob("*.tmpl"):
                target = mirror / "host" / template.relative_to(root)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(template, target)
        shutil.rmtree(root)
        return Release(version, origins)

    @staticmethod
    def _pack(product: Product, version: str, root: Path, release: Path) -> None:
        if product.bare:
            (program,) = product.files.values()
            release.mkdir(parents=True)
            shutil.copy(root / program, release / product.asset(version))
            return
        folder = release / product.folder(version)
        folder.mkdir(parents=True)
        for name, source in product.files.items():
            if (root / source).is_dir():
                shutil.copytree(root / source, folder / name)
            elif (root / source).exists():
                shutil.copy(root / source, folder / name)
        archive = release / product.asset(version)
        pack(folder, archive)
        shutil.rmtree(folder)
        (release / "sha256sums.txt").write_text(f"{digest(archive)}  {archive.name}\n")

    def fetch(self, package: str, suite: str, origins: dict[str, str]) -> Path:
        """Download a package unless it is there already; apt verifies it."""
        listed = self._apt("download", "--print-uris", f"{package}/{suite}", cwd=self.home)
        found = re.search(r"^'(.*)' (\S+) \d+ SHA256:(\w+)$", listed, re.MULTILINE)
        if not found:
            give_up(f"Debian's {suite} has no package {package}: {listed}")
        address, name, checksum = found.groups()
        origins[address] = checksum
        path = self.home / "packages" / name
        if not path.exists() or digest(path) != checksum:
            self._apt("download", f"{package}/{suite}", cwd=path.parent)
        return path

    def _apt(self, *command: str, cwd: Path) -> str:
        options = {
            "Dir::Etc::sourcelist": self.home / "sources.list",
            "Dir::Etc::sourceparts": "-",
            "Dir::State": self.home,
            "Dir::State::lists": self.home / "lists",
            "Dir::Cache": self.home / "cache",
            "APT::Sandbox::User": "root",
            "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled": "false",
        }
        words = [f"-o={key}={value}" for key, value in options.items()]
        return run("apt-get", "-qq", *words, *command, cwd=cwd)


def _upstream_version(package: Path) -> str:
    """Cut Debian's own suffixes from a package's version."""
    version = run("dpkg-deb", "--field", str(package), "Version").strip()
    return re.split(r"[+-]", version.rpartition(":")[2])[0]
