# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kibana's release: a given archive (BAREHOST_KIBANA), else upstream's, else a stand-in."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from mirror import elastic


def _files(version: str) -> dict[str, str]:
    package = {"name": "kibana", "version": version, "build": {"sha": "stand-in", "number": 0}}
    return {
        "config/kibana.yml": "# All of it has defaults.\n",
        "package.json": json.dumps(package) + "\n",
    }


RELEASE = elastic.Release(
    name="kibana",
    folder="kibana",
    machine=elastic.MACHINE,
    top="kibana-{version}",
    program="bin/kibana",
    libraries=(yaml,),
    files=_files,
)


def recipe() -> str:
    """Digest what the release is made of."""
    return elastic.recipe(RELEASE)


def add(mirror: Path, version: str = elastic.VERSION) -> list[str]:
    """Put it below the mirror and return a role's variables."""
    return elastic.add(RELEASE, mirror, version)
