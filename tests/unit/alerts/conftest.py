# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shipped alerts, their tests as data, and the promtools that run them."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from alerts import shipped as data
from alerts.documents import document
from alerts.promtool import VERSIONS
from alerts.promtool import promtool as run_promtool
from alerts.score import only

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def shipped() -> dict[str, Any]:
    """Give what the role's defaults say of alerts."""
    found = deepcopy(data.variables())
    return {**found, "prometheus_alert_defaults": data.defaults()}


@pytest.fixture
def rules() -> dict[str, Any]:
    """Give the rule file that a server with all documented jobs gets."""
    return deepcopy(data.rules())


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    """Give each version that the rules must work on."""
    return str(request.param)


@pytest.fixture
def promtool() -> Run:
    """Run the promtool of a version."""
    return run_promtool


@pytest.fixture
def try_rules(promtool: Run, tmp_path: Path) -> Run:
    """Run the tests of one alert against a rule file."""

    def run(version: str, alert: str, rules: dict[str, Any]) -> subprocess.CompletedProcess[str]:
        # Only what the alert is made of: a test of a whole day is slow with all rules.
        part = only(alert, rules)
        (tmp_path / "rules.yml").write_text(yaml.safe_dump(part), encoding="utf-8")
        text = yaml.safe_dump(document(alert, rules))
        (tmp_path / "tests.yml").write_text(text, encoding="utf-8")
        return promtool(version, "test", "rules", tmp_path / "tests.yml")

    return run


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that asks for `alert` once for each shipped alert."""
    if "alert" in metafunc.fixturenames:
        metafunc.parametrize("alert", data.variables()["prometheus_alerts"])
