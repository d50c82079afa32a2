# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbooks that go through the whole stack know all of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

PLAYBOOKS = Path(__file__).parents[3] / "playbooks"


def plays(name: str) -> list[tuple[str, dict[str, Any]]]:
    """Return hosts and role of each play."""
    found = yaml.safe_load((PLAYBOOKS / name).read_text())
    return [(play["hosts"], role) for play in found for role in play["roles"]]


def test_what_is_deployed_last_is_removed_first() -> None:
    assert plays("uninstall.yml") == plays("site.yml")[::-1]


def test_every_play_of_the_uninstallation_removes() -> None:
    found = yaml.safe_load((PLAYBOOKS / "uninstall.yml").read_text())
    assert {play["vars"]["barehost_state"] for play in found} == {"absent"}
