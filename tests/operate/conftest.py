# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One deployment of the whole chain for all tests of the playbooks that operate it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from demo.stack import Stack
from operate.stack import DEPLOYMENT, boot, play, remove, send


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Return the deployed chain; a test that changes it puts it right again."""
    booted = boot(tmp_path_factory.mktemp("operate"))
    done = play(booted, DEPLOYMENT)
    assert done.returncode == 0, done.stdout + done.stderr
    send(booted)
    yield booted
    remove(booted)
