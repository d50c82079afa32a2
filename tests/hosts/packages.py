# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Debian packages on the controller, and where its apt gets them from."""

from __future__ import annotations

import os
import re
import shutil

from hosts.shell import give_up, run, say

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


def install(*names: str, why: str) -> None:
    """Install packages of the controller's own distribution, after saying so."""
    if os.geteuid() or not shutil.which("apt-get"):
        give_up(f"{why}: install {', '.join(names)} first (done by itself only as root on Debian)")
    say(f"{why}: apt-get install {' '.join(names)}")
    os.environ["DEBIAN_FRONTEND"] = "noninteractive"
    run("apt-get", "update", "-qq")
    run("apt-get", "install", "-qq", "-y", "--no-install-recommends", *names)


def debian_archive() -> str | None:
    """Return the address of the Debian archive that the controller's apt is set up with."""
    if not shutil.which("apt-get"):
        return None
    found = re.search(r"'(\S+/debian/?)/dists/", run("apt-get", "update", "--print-uris"))
    return found[1] if found else None
