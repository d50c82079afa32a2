# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalogue of alerts: a subject a file, each alert once, and enough for a runbook."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import yaml

DEFAULTS = Path(__file__).parents[3] / "roles/prometheus/defaults/main"
SUBJECTS = {path.stem: path for path in sorted(DEFAULTS.glob("alerts_*.yml"))}


def test_the_alerts_of_a_subject_are_named_after_their_file() -> None:
    found = {stem: list(_values(path)) for stem, path in SUBJECTS.items()}
    assert found == {stem: [f"prometheus_{stem}"] for stem in SUBJECTS}


def test_every_subject_is_part_of_the_alerts_of_the_role() -> None:
    whole = yaml.safe_load((DEFAULTS / "alerts.yml").read_text())["prometheus_alerts"]
    assert sorted(re.findall(r"prometheus_(\w+)", whole)) == sorted(SUBJECTS)


def test_no_alert_is_in_two_subjects() -> None:
    """Of two with one name, the role would keep the last and say nothing."""
    parts = [entries for path in SUBJECTS.values() for entries in _values(path).values()]
    names = Counter(name for entries in parts for name in entries)
    assert [name for name, count in names.items() if count > 1] == []


def test_every_alert_says_what_to_type(alert: str, shipped: dict[str, Any]) -> None:
    assert 1 <= len(shipped["prometheus_alerts"][alert]["commands"]) <= 4


def test_an_alert_about_a_host_keeps_its_name(shipped: dict[str, Any]) -> None:
    """Thresholds of a host of its own need the label."""
    about = _values(SUBJECTS["alerts_host"])["prometheus_alerts_host"]
    clauses = {name: re.findall(r"by \(([^)]*)\)", entry["expr"]) for name, entry in about.items()}
    assert any(clauses.values())
    lost = [name for name, found in clauses.items() if any("host" not in by for by in found)]
    assert lost == []


def _values(path: Path) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = yaml.safe_load(path.read_text())
    return {name: value for name, value in found.items() if name.startswith("prometheus_alerts_")}
