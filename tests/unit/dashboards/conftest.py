# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The dashboards as the role brings them."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from alerts import shipped

ROOT = Path(__file__).parents[3]
FILES = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in sorted((ROOT / "roles/grafana/files/dashboards").glob("*.json"))
}


@pytest.fixture
def board(uid: str) -> Any:
    """Give one dashboard."""
    from dashboards.checks.view import BoardView

    return BoardView(deepcopy(FILES[uid]))


@pytest.fixture
def boards() -> list[Any]:
    """Give all of them."""
    from dashboards.checks.view import BoardView

    return [BoardView(deepcopy(found)) for found in FILES.values()]


@pytest.fixture(scope="session")
def rules() -> list[dict[str, Any]]:
    """Give the alerting rules of a server with all documented jobs."""
    groups = shipped.rules()["groups"]
    return [rule for group in groups for rule in group["rules"] if "alert" in rule]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that asks for `uid` once for each dashboard."""
    if "uid" in metafunc.fixturenames:
        metafunc.parametrize("uid", FILES)
