# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filebeat's release: a given archive (BAREHOST_FILEBEAT), else upstream's, else a stand-in."""

from __future__ import annotations

from pathlib import Path

import pylogbeat
import yaml

from mirror import elastic

RELEASE = elastic.Release(
    name="filebeat",
    folder="beats/filebeat",
    machine={"aarch64": "arm64"}.get(elastic.MACHINE, elastic.MACHINE),
    top="filebeat-{version}-linux-{machine}",
    program="filebeat",
    libraries=(pylogbeat, yaml),
    files=lambda _version: {"filebeat.yml": "filebeat.inputs: []\n"},
)


def recipe() -> str:
    """Digest what the release is made of."""
    return elastic.recipe(RELEASE)


def add(mirror: Path, version: str = elastic.VERSION) -> list[str]:
    """Put it below the mirror and return a role's variables."""
    return elastic.add(RELEASE, mirror, version)
