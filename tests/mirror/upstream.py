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
from mirror.products import ARCH, Product, Release

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
        asset = product.asset(version)
        for name in (asset,) if product.bare else ("sha256sums.txt", asset):
            say(f"downloading {product.name} {version}: {name}")
            self._download(f"{UPSTREAM}/{product.release(version)}/{name}", folder / name)
        checksum = digest(folder / asset)
        if [checksum, asset] not in self._known(product, folder, asset):
            give_up(f"{asset} does not have the digest that is known of it")
        return Release(version, {f"{UPSTREAM}/{product.release(version)}/{asset}": checksum})

    @staticmethod
    def _known(product: Product, folder: Path, asset: str) -> list[list[str]]:
        if product.bare:
            return [[product.digests[ARCH], asset]]
        return [line.split() for line in (folder / "sha256sums.txt").read_text().splitlines()]

    @staticmethod
    def _download(address: str, target: Path) -> None:
        try:
            urllib.request.urlretrieve(address, target)
        except urllib.error.URLError as exc:
            give_up(f"{address}: {exc.reason}")
