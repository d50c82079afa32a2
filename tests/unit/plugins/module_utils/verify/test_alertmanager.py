# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Alertmanager is compared with the file that was written for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.barehost.monitoring.plugins.module_utils.verify import _alertmanager
from ansible_collections.barehost.monitoring.plugins.module_utils.verify._alertmanager import (
    Wanted,
    config_hash,
)
from ansible_collections.barehost.monitoring.tests.unit.plugins.module_utils.verify.answers import (
    client,
    faults,
)

CONTENT = b"route: {receiver: operators}\n"


def answers(metrics: dict[str, float], peers: int = 1) -> dict[str, Any]:
    values = {"hash": config_hash(CONTENT), "successful": 1, **metrics}
    return {
        "/metrics": f"alertmanager_config_hash {values['hash']}\n"
        f"alertmanager_config_last_reload_successful {values['successful']}\n",
        "/api/v2/status": {
            "versionInfo": {"version": "0.33.1"},
            "cluster": {"status": "ready", "peers": [{}] * peers},
        },
    }


def test_the_hash_is_that_of_alertmanager() -> None:
    # MD5 of nothing is d41d8cd98f00b204e9800998ecf8427e.
    assert config_hash(b"") == int("008fd98c1dd4", 16)


@pytest.mark.parametrize(
    ("metrics", "peers", "members", "found"),
    [
        ({}, 1, 1, []),
        ({}, 0, 1, []),
        ({"hash": 5}, 1, 1, [("configuration", "what is loaded is not what {file} says", False)]),
        ({"successful": 0}, 1, 1, [("configuration", "the last reload has failed", False)]),
        ({}, 1, 2, [("peers", "its cluster has 1 of 2 members", False)]),
    ],
)
def test_what_is_loaded_and_who_is_known(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    metrics: dict[str, float],
    peers: int,
    members: int,
    found: list[tuple[str, str, bool]],
) -> None:
    file = tmp_path / "alertmanager.yml"
    file.write_bytes(CONTENT)
    wanted = Wanted(unit="alertmanager", version="0.33.1", file=str(file), members=members)
    verdict = _alertmanager.verify(client(monkeypatch, answers(metrics, peers))[0], wanted)
    assert faults(verdict) == [(a, b.format(file=file), c) for a, b, c in found]


@pytest.mark.parametrize("mute", ["", "operators"])
def test_an_alertmanager_that_tells_nobody_is_worth_a_look(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, mute: str
) -> None:
    file = tmp_path / "alertmanager.yml"
    file.write_bytes(CONTENT)
    wanted = Wanted("alertmanager", "0.33.1", str(file), 1, mute)
    verdict = _alertmanager.verify(client(monkeypatch, answers({}))[0], wanted)
    said = "nobody is told about alerts: the receiver operators has neither mail nor another way"
    assert faults(verdict) == ([("receivers", said, True)] if mute else [])
