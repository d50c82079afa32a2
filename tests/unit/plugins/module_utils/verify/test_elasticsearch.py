# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Elasticsearch is asked for its cluster and for the newest line."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from ansible_collections.barehost.monitoring.plugins.module_utils.verify import _elasticsearch
from ansible_collections.barehost.monitoring.plugins.module_utils.verify._elasticsearch import (
    Wanted,
)
from ansible_collections.barehost.monitoring.tests.unit.plugins.module_utils.verify.answers import (
    client,
    faults,
)


@pytest.mark.parametrize(
    ("status", "nodes", "age", "newest", "ahead", "found"),
    [
        ("green", 3, 10, 900, 0, []),
        ("green", 2, 10, 900, 0, ["its cluster has 2 of 3 nodes"]),
        ("red", 3, 10, 900, 0, ["its cluster is red: some lines can neither be found nor written"]),
        ("yellow", 3, 10, 900, 0, ["its cluster is yellow: some lines exist only once"]),
        ("green", 3, None, 900, 0, ["there is no line in logs-*"]),
        ("green", 3, None, 0, 0, []),
        ("green", 3, 1000, 900, 0, ["the newest line is of "]),
        ("green", 3, 1000, 0, 0, []),
        ("green", 3, 10, 900, 1, ["1 line is of a time that has not come yet"]),
        ("green", 3, 10, 900, 2, ["2 lines are of a time that has not come yet"]),
        (
            *("green", 3, None, 900, 1),
            ["1 line is of a time that has not come yet", "there is no line in logs-*"],
        ),
    ],
)
def test_cluster_and_lines(
    monkeypatch: pytest.MonkeyPatch,
    status: str,
    nodes: int,
    age: float | None,
    newest: float,
    ahead: int,
    found: list[str],
) -> None:
    hits = [] if age is None else [{"sort": [(time.time() - age) * 1000]}]
    answers: dict[str, Any] = {
        "/": {"version": {"number": "8.5.0"}},
        "/_cluster/health": {"number_of_nodes": nodes, "status": status},
        "/logs-*/_search": {"hits": {"hits": hits}},
        "/logs-*/_count": {"count": ahead},
    }
    wanted = Wanted(unit="elasticsearch", version="8.5.0", nodes=3, newest=newest)
    asked, service = client(monkeypatch, answers)
    told = faults(_elasticsearch.verify(asked, wanted))
    # No line of tomorrow is the newest.
    bodies = {url.rpartition("/")[2]: json.loads(body) for url, body in service.asked if body}
    sides = {name.partition("?")[0]: body["query"]["range"] for name, body in bodies.items()}
    assert sides == {
        "_search": {"@timestamp": {"lte": "now+60s"}},
        "_count": {"@timestamp": {"gt": "now+60s"}},
    }
    assert len(told) == len(found)
    for (_check, fault, _warning), words in zip(told, found, strict=True):
        assert fault.startswith(words)
