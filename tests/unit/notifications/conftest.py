# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration that the role alertmanager makes, and the amtools that judge it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from integration.support.alertmanager import PROJECT, rendered

VARIABLES = {
    "alertmanager_global": {"smtp_smarthost": "mail:25", "smtp_from": "a@example.com"},
    "alertmanager_email": {"to": "b@example.com"},
    "alertmanager_slack": {"channel": "#alerts", "api_url_file": "secrets/slack_url"},
    "alertmanager_dead_mans_switch": {"url_file": "secrets/heartbeat_url"},
}
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Render the shipped configuration."""
    return rendered(tmp_path_factory.mktemp("rendered"), VARIABLES)


@pytest.fixture(scope="session")
def config(folder: Path) -> dict[str, Any]:
    """Read it."""
    found: dict[str, Any] = yaml.safe_load((folder / "alertmanager.yml").read_text("utf-8"))
    return found


@pytest.fixture(params=["current", "previous"])
def amtool(request: pytest.FixtureRequest) -> Run:
    """Run the amtool of a version."""
    tool = PROJECT / ".cache/tools" / request.param / "amtool"

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        if not tool.exists():
            pytest.fail(f"no {request.param} amtool: {tool} is missing, `make mirror` brings it")
        return subprocess.run([tool, *arguments], capture_output=True, text=True, check=False)

    return run
