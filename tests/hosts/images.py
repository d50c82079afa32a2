# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images of the test hosts, built from Debian's packages; no image registry is needed."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path

from hosts.packages import debian_archive, install
from hosts.shell import CACHE, run, say, succeeds

SUITES = ("bookworm", "trixie", "bullseye")
PACKAGES = (
    "systemd",
    "systemd-sysv",
    "dbus",
    "python3",
    "ca-certificates",
    "iproute2",
    "procps",
)
# Real databases for the exporters and the application to talk to, on hosts of the suites that roles
# are tested on. They do not start by themselves, so that a host of another test is none the slower.
DATABASES = {"redis-server": "redis-server", "postgresql": "postgresql"}  # package -> service
WITH_DATABASES = ("bookworm", "trixie")
LABEL = "barehost.recipe"
OVERLAYS = (Path(__file__).parent / "overlay", CACHE / "mirror" / "host")
# Each host has a tree of control groups of its own, in which it is the whole machine.
BOOT = "mount -t cgroup2 cgroup2 /sys/fs/cgroup && exec /sbin/init"
CHANGES = (f"CMD {json.dumps(['/bin/sh', '-c', BOOT])}", "ENV container=docker")


def image(suite: str) -> str:
    """Name the image of a suite."""
    return f"barehost/host:{suite}"


def build(suite: str) -> None:
    """Make the image unless the same recipe made it before."""
    recipe = _recipe(suite)
    form = f'{{{{index .Config.Labels "{LABEL}"}}}}'
    made_by = run("docker", "image", "inspect", "--format", form, image(suite), check=False)
    if made_by.strip() == recipe:
        return
    if not shutil.which("mmdebstrap") and not os.geteuid() and shutil.which("apt-get"):
        install("mmdebstrap", "debian-archive-keyring", why="test hosts are built by mmdebstrap")
    if shutil.which("mmdebstrap"):
        _from_packages(suite, recipe)
    else:
        _from_registry(suite, recipe)
    _remove_outdated()


def remove_images() -> None:
    """Remove the images of all suites from the engine."""
    for suite in SUITES:
        if succeeds("docker", "image", "rm", "--force", image(suite)):
            say(f"removed {image(suite)}")
    _remove_outdated()


def _remove_outdated() -> None:
    """Remove images that lost their name to a newer one, unless a host still runs from them."""
    run("docker", "image", "prune", "--force", f"--filter=label={LABEL}")


def _from_packages(suite: str, recipe: str) -> None:
    archive = CACHE / "images" / f"{suite}-{recipe}.tar"
    if not archive.exists():
        say(f"{image(suite)}: building from Debian's packages")
        archive.parent.mkdir(parents=True, exist_ok=True)
        unfinished = archive.with_suffix(".part")
        hooks = [f"copy-in {tree} /" for tree in _overlay_trees()]
        hooks += [f'chroot "$1" {command}' for command in _disable(suite)]
        source = [address] if (address := debian_archive()) else []
        run(
            "mmdebstrap",
            "--quiet",
            "--variant=minbase",
            "--format=tar",
            f"--include={','.join(_packages(suite))}",
            *(f"--customize-hook={hook}" for hook in hooks),
            suite,
            str(unfinished),
            *source,
        )
        for old in archive.parent.glob(f"{suite}-*.tar"):
            old.unlink()
        unfinished.rename(archive)
    say(f"{image(suite)}: importing")
    labels = [f"--change={change}" for change in (*CHANGES, f"LABEL {LABEL}={recipe}")]
    run("docker", "import", *labels, str(archive), image(suite))


def _from_registry(suite: str, recipe: str) -> None:
    say(f"{image(suite)}: building from the registry's debian:{suite}")
    packages = _packages(suite)
    lines = (
        f"FROM debian:{suite}",
        f"RUN apt-get update && apt-get install -y --no-install-recommends {' '.join(packages)}",
        *(f"RUN {command}" for command in _disable(suite)),
        "COPY overlay/ /",
        f"LABEL {LABEL}={recipe}",
        *CHANGES,
    )
    context = str(Path(__file__).parent)
    run("docker", "build", "-t", image(suite), "-f", "-", context, stdin="\n".join(lines))


def _packages(suite: str) -> list[str]:
    return [*PACKAGES, *(DATABASES if suite in WITH_DATABASES else ())]


def _disable(suite: str) -> list[str]:
    services = " ".join(DATABASES.values())
    return [f"systemctl disable {services}"] if suite in WITH_DATABASES else []


def _overlay_trees() -> list[Path]:
    return [tree for overlay in OVERLAYS if overlay.is_dir() for tree in sorted(overlay.iterdir())]


def _recipe(suite: str) -> str:
    """Digest everything an image is made of, so that a change is noticed."""
    parts = [suite, *_packages(suite), *_disable(suite), *CHANGES]
    for tree in _overlay_trees():
        files = [path for path in sorted(tree.rglob("*")) if path.is_file()]
        parts += [f"{path.relative_to(tree.parent)}\n{path.read_text()}" for path in files]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
