# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two hosts of the whole chain, and the load and the faults that their application gets."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from demo import faults
from demo.load import Load
from demo.passage import Passage, follow
from demo.stack import Stack
from hosts.container import Host

PREFIX = os.environ.get("BAREHOST_MOLECULE", "barehost-molecule")


@pytest.fixture(scope="session")
def stack() -> Stack:
    """Give the hosts; names in the inventory are those of the containers here."""
    monitor, app = Host(f"{PREFIX}-trixie"), Host(f"{PREFIX}-bookworm")
    inventory = Path(os.environ["MOLECULE_INVENTORY_FILE"]).parent
    return Stack(monitor, app, monitor.name, app.name, str(inventory))


@pytest.fixture(scope="session")
def load(stack: Stack) -> Load:
    """Send ordinary requests."""
    return Load.send(stack, "--rate=15", "--duration=10", "--seed=4")


@pytest.fixture(scope="session")
def passages(stack: Stack) -> dict[str, Passage]:
    """Cause the five documented faults and follow their alerts, there and back."""
    deployed = faults.prepare(stack)
    assert deployed.returncode == 0, deployed.stdout + deployed.stderr
    followed = follow(stack, faults.documented(stack))
    return {passage.alert: passage for passage in followed}
