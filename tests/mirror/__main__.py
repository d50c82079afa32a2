# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fill .cache/mirror once: python3 -m mirror. What is there and intact stays as it is."""

from __future__ import annotations

import json
import shutil
import tarfile
from collections import ChainMap
from pathlib import Path

from hosts.shell import CACHE, say
from mirror import elasticsearch, example, filebeat, grafana, kibana, logstash
from mirror.archives import digest
from mirror.debian import Debian
from mirror.products import PRODUCTS, Product, Release, recipe
from mirror.upstream import Upstream, reachable

MIRROR = CACHE / "mirror"
LOCK = MIRROR / "lock.json"
TOOLS = CACHE / "tools"
# Where Debian does not have the product.
MADE = (grafana, elasticsearch, logstash, filebeat, kibana)


def main() -> None:
    """Build the mirror unless a complete one is there, and the example unless it is up to date."""
    if not _intact():
        _fill()
    example.fill(MIRROR)


def _fill() -> None:
    """Build the mirror anew."""
    # Emptied, not removed: running test hosts have the folder mounted.
    MIRROR.mkdir(parents=True, exist_ok=True)
    for path in MIRROR.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    source = Upstream() if reachable() else Debian()
    current = {p: source.add(p, previous=False, mirror=MIRROR) for p in PRODUCTS}
    older = [p for p in PRODUCTS if p.previous]
    previous = {p: source.add(p, previous=True, mirror=MIRROR) for p in older}
    for name, tools, releases in (
        ("versions.yml", "current", current),
        ("versions_previous.yml", "previous", previous),
    ):
        lines = [line for p, release in releases.items() for line in _variables(p, release)]
        (MIRROR / name).write_text("---\n" + "".join(lines))
        _unpack_tools(releases, TOOLS / tools)
    with (MIRROR / "versions.yml").open("a") as file:
        for product in MADE:
            file.writelines(product.add(MIRROR))
    origins = [release.origins for release in (*current.values(), *previous.values())]
    lock = {
        "recipe": recipes(),
        "source": source.name,
        "origins": dict(ChainMap(*origins)),
        "files": {str(path.relative_to(MIRROR)): digest(path) for path in _files()},
    }
    LOCK.write_text(json.dumps(lock, indent=2, sort_keys=True) + "\n")
    say(f"the mirror is ready (source: {source.name})")


def _variables(product: Product, release: Release) -> list[str]:
    """Return the lines that tell a role what the mirror holds."""
    lines = [f'{product.name}_version: "{release.version}"\n']
    if product.bare:
        program = MIRROR / product.release(release.version) / product.asset(release.version)
        lines.append(f"{product.name}_release_checksum: sha256:{digest(program)}\n")
    return lines


def _unpack_tools(releases: dict[Product, Release], link: Path) -> None:
    """Unpack the archives' programs for use here, in a folder named by Prometheus' version."""
    folder = TOOLS / next(iter(releases.values())).version
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for product, release in releases.items():
        if not product.bare:
            asset = product.asset(release.version)
            _unpack_binaries(MIRROR / product.release(release.version) / asset, folder)
    link.unlink(missing_ok=True)
    link.symlink_to(folder.name)


def _unpack_binaries(archive: Path, folder: Path) -> None:
    with tarfile.open(archive) as tar:
        for member in tar.getmembers():
            if member.isfile() and member.mode & 0o100:
                content = tar.extractfile(member)
                target = folder / Path(member.name).name
                target.write_bytes(content.read() if content else b"")
                target.chmod(0o755)


def recipes() -> str:
    """Digest what the mirror is made of."""
    return recipe() + "".join(product.recipe() for product in MADE)


def _intact() -> bool:
    if not LOCK.exists() or not (TOOLS / "previous").exists():
        return False
    lock = json.loads(LOCK.read_text())
    if lock.get("recipe") != recipes():  # a product has come, gone or changed since
        return False
    return bool(lock["files"] == {str(path.relative_to(MIRROR)): digest(path) for path in _files()})


def _files() -> list[Path]:
    """List what the lock is about: not the example, which changes with the checkout."""
    files = [path for path in sorted(MIRROR.rglob("*")) if path.is_file() and path != LOCK]
    return [path for path in files if not path.is_relative_to(MIRROR / example.FOLDER)]


if __name__ == "__main__":
    main()
