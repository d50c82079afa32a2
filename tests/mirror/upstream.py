# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Releases from upstream, where it can be reached."""

from __future__ import annotations

import urllib.error
import urllib.request
from pathlib import Path

from hosts.shell import give_up, say
from mirror.archives import digest
from mirror.products import Product, Release

UPSTREAM = "https://github.com"


def reachable() -> bool:
    """Ask once, with little patience."""
    try:
        with urllib.request.urlopen(UPSTREAM, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


class Upstream:
    """The published archives and digest lists, taken as they are."""

    name = "upstream"

    def add(self, product: Product, *, previous: bool, mirror: Path) -> Release:
        """Download one release below the mirror."""
        version = product.previous if previous else product.version
        folder = mirror / product.release(version)
        folder.mkdir(parents=True, exist_ok=True)
        archive = f"{product.asset(version)}.tar.gz"
        for name in ("sha256sums.txt", archive):
            say(f"downloading {product.name} {version}: {name}")
            self._download(f"{UPSTREAM}/{product.release(version)}/{name}", folder / name)
        listed = [line.split() for line in (folder / "sha256sums.txt").read_text().splitlines()]
        checksum = digest(folder / archive)
        if [checksum, archive] not in listed:
            give_up(f"{archive} does not have the digest that upstream publishes")
        return Release(version, {f"{UPSTREAM}/{product.release(version)}/{archive}": checksum})

    @staticmethod
    def _download(address: str, target: Path) -> None:
        try:
            urllib.request.urlretrieve(address, target)
        except urllib.error.URLError as exc:
            give_up(f"{address}: {exc.reason}")
