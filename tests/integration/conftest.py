# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts of the integration tests."""

from __future__ import annotations

import os

import pytest

from integration.support.chain import chain
from integration.support.fixtures import (
    alertmanager,
    fake,
    host,
    hosts,
    make,
    make_fake,
    prometheus,
    pytest_configure,
    pytest_generate_tests,
    server,
)

# Fixtures and hooks are found by pytest in the names of this file.
__all__ = [
    "alertmanager",
    "chain",
    "fake",
    "host",
    "hosts",
    "make",
    "make_fake",
    "prometheus",
    "pytest_configure",
    "pytest_generate_tests",
    "server",
]


@pytest.fixture(scope="session")
def prefix() -> str:
    """Return what the names of the hosts begin with; two runs at once need two names."""
    return os.environ.get("BAREHOST_INTEGRATION", "barehost-it")
