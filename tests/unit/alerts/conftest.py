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
from ansible_collections.barehost.monitoring.plugins.plugin_utils._alerts import alert_rules
from ansible_collections.barehost.monitoring.plugins.plugin_utils._rule_tests import rule_tests

ROOT = Path(__file__).parents[3]
CASES = Path(__file__).parent / "cases"
EXTRA = "prometheus_alerts_extra"
VERSIONS = ("2.53.3", "3.5.3")
JOBS = "ai-assistant redis postgres node-exporter cadvisor prometheus alertmanager".split()  # noqa: SIM905
Run = Callable[..., "subprocess.CompletedProcess[str]"]


def _data() -> dict[str, Any]:
    """Read the alerts, which may be spread over prometheus_alerts_<subject>, one a file."""
    files = (ROOT / "roles/prometheus/defaults/main").glob("alerts*.yml")
    data = {name: value for path in sorted(files) for name, value in _read(path).items()}
    subjects = [v for k, v in data.items() if k.startswith("prometheus_alerts_") and k != EXTRA]
    if subjects:
        whole = data.get("prometheus_alerts")
        data["prometheus_alerts"] = (whole if isinstance(whole, dict) else {}) | {
            name: entry for part in subjects for name, entry in part.items()
        }
    variables = _read(ROOT / "roles/prometheus/vars/main.yml")
    limits = {"scrape_interval": "15s", "evaluation_interval": "15s"}
    data["prometheus_alert_defaults"] = variables["__prometheus_alert_defaults"] | limits
    return data


def _read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


def _cases() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for path in sorted(CASES.glob("*.yml")):
        found |= _read(path)
    return found


SHIPPED, TESTS = _data(), _cases()


@pytest.fixture
def shipped() -> dict[str, Any]:
    """Give what the role's defaults say of alerts."""
    return deepcopy(SHIPPED)


@pytest.fixture
def tests() -> dict[str, Any]:
    """Give the tests of the alerts."""
    return deepcopy(TESTS)


@pytest.fixture
def rules(shipped: dict[str, Any]) -> dict[str, Any]:
    """Give the rule file that a server with all documented jobs gets."""
    return alert_rules(
        shipped["prometheus_alerts"],
        defaults=shipped["prometheus_alert_defaults"],
        known_jobs=JOBS,
        slos=shipped["prometheus_slos"],
    )


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    """Give each version that the rules must work on."""
    return str(request.param)


@pytest.fixture
def promtool() -> Run:
    """Run the promtool of a version."""

    def run(version: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        tool = ROOT / ".cache/tools" / version / "promtool"
        if not tool.exists():
            pytest.fail(f"no promtool {version}: {tool} is missing, `make mirror` brings it")
        command = [str(tool), *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)

    return run


@pytest.fixture
def rules_of() -> Callable[[str, dict[str, Any]], dict[str, Any]]:
    """Keep of a rule file what one alert is made of; a test of a whole day is slow with all of it."""

    def kept(rule: dict[str, Any], alert: str) -> bool:
        return alert in (rule.get("alert"), rule["labels"].get("alert"))

    def only(alert: str, rules: dict[str, Any]) -> dict[str, Any]:
        parts = [
            {**group, "rules": [rule for rule in group["rules"] if kept(rule, alert)]}
            for group in rules["groups"]
        ]
        return {"groups": [group for group in parts if group["rules"]]}

    return only


@pytest.fixture
def try_rules(promtool: Run, tests: dict[str, Any], rules_of: Any, tmp_path: Path) -> Run:
    """Run the tests of one alert against its part of a rule file."""

    def run(
        version: str, alert: str, rules: dict[str, Any], original: dict[str, Any]
    ) -> subprocess.CompletedProcess[str]:
        document = rule_tests(original, {alert: tests[alert]}, rule_files=["rules.yml"])
        (tmp_path / "rules.yml").write_text(yaml.safe_dump(rules_of(alert, rules)))
        (tmp_path / "tests.yml").write_text(yaml.safe_dump(document), encoding="utf-8")
        return promtool(version, "test", "rules", tmp_path / "tests.yml")

    return run


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that asks for `alert` once for each shipped alert."""
    if "alert" in metafunc.fixturenames:
        metafunc.parametrize("alert", SHIPPED["prometheus_alerts"])
