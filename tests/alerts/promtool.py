# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the promtool of a version of Prometheus."""

from __future__ import annotations

import subprocess
from pathlib import Path

from alerts.shipped import ROOT

VERSIONS = ("2.53.3", "3.5.3")
NEWEST = VERSIONS[-1]


class Missing(Exception):
    """There is no promtool of that version."""


def promtool(version: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run it; the caller judges what it says."""
    tool = ROOT / ".cache/tools" / version / "promtool"
    if not tool.exists():
        raise Missing(f"no promtool {version}: {tool} is missing, `make mirror` brings it")
    command = [str(tool), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
