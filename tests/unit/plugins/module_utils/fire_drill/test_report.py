# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report: latencies, and the table that people read."""

from __future__ import annotations

import pytest
from ansible_collections.barehost.monitoring.plugins.module_utils.fire_drill._report import (
    CAUSED,
    HOPS,
    OVER,
    Report,
    latencies,
    table,
)

LATENCIES = {
    "each hop counts from the one before": (
        {"scraped": 12.0, "rule": 15.0, "alertmanager": 15.5, "receiver": 16.0},
        {"scraped": 2.0, "rule": 3.0, "alertmanager": 0.5, "receiver": 0.5},
    ),
    "what was seen late was made before what came next": (
        {"scraped": 12.0, "rule": 17.0, "alertmanager": 18.0, "receiver": 16.0},
        {"scraped": 2.0, "rule": 4.0, "alertmanager": 0.0, "receiver": 0.0},
    ),
    "a clock that lags makes no negative time": (
        {"scraped": 7.0, "rule": 15.0},
        {"scraped": 0.0, "rule": 5.0},
    ),
    "only what was made counts": ({"scraped": 11.0}, {"scraped": 1.0}),
    "a gap is counted for the hop behind it": (
        {"scraped": 11.0, "receiver": 14.0},
        {"scraped": 1.0, "receiver": 3.0},
    ),
    "nothing": ({}, {}),
}


@pytest.mark.parametrize("case", LATENCIES)
def test_latencies(case: str) -> None:
    seen, wanted = LATENCIES[case]
    found = latencies(CAUSED, 10.0, seen)
    assert found == wanted
    assert list(found) == [hop for hop in CAUSED if hop in found], "not in their order"


def test_every_hop_is_watched_and_has_a_remedy() -> None:
    assert list(HOPS) == ["armed", *CAUSED, *OVER]
    assert all(what and remedy for what, remedy in HOPS.values())


def report(**more: object) -> dict[str, object]:
    hops = {"armed": 2.5, "scraped": 3.25}
    known = {"hops": hops, "receivers": ["fire-drill"], "seconds": 6.04}
    return Report("d1", "mon", 1_700_000_000.123456, **{**known, **more}).as_dict()  # type: ignore[arg-type]


def test_the_report_for_machines() -> None:
    assert report() == {
        "passed": True,
        "drill": "d1",
        "host": "mon",
        "page": False,
        "inspected": False,
        "receivers": ["fire-drill"],
        "failed_hop": "",
        "fault": "",
        "remedy": "",
        "started": 1_700_000_000.123,
        "seconds": 6.04,
        "hops": [
            {"hop": "armed", "seconds": 2.5, "what": HOPS["armed"][0]},
            {"hop": "scraped", "seconds": 3.25, "what": HOPS["scraped"][0]},
        ],
    }


def test_the_table_for_people() -> None:
    assert table(report()) == [
        "Fire drill d1 on mon passed (6.0 s)",
        "hop            seconds  what has happened",
        f"armed             2.50  {HOPS['armed'][0]}",
        f"scraped           3.25  {HOPS['scraped'][0]}",
        "told                    fire-drill",
    ]


def test_the_table_of_a_drill_that_failed() -> None:
    found = table(report(failed_hop="rule", fault="it does not fire", remedy="look", receivers=[]))
    assert found[0] == "Fire drill d1 on mon FAILED (6.0 s)"
    assert found[-2:] == ["rule                 -  FAILED: it does not fire", "what to do: look"]


def test_the_table_of_a_mere_look() -> None:
    found = table(report(inspected=True, hops={}))
    assert found == [
        "Fire drill d1 on mon could run, nothing was fired (6.0 s)",
        "told                    fire-drill",
    ]
