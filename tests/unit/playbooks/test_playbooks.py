# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbooks that go through the whole stack know all of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

PLAYBOOKS = Path(__file__).parents[3] / "playbooks"


Step = tuple[str, Any, Any]


def read(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load((PLAYBOOKS / name).read_text())
    return found


def deployed() -> list[Step]:
    """Return of each play of site.yml who is asked, its role and its tags."""
    return [
        (
            " or ".join(f"'{group}' in group_names" for group in play["hosts"].split(":")),
            (play["roles"][0]["role"], play["roles"][0].get("vars")),
            play["roles"][0]["tags"],
        )
        for play in read("site.yml")
    ]


def groups(*plays: dict[str, Any]) -> set[str]:
    return {group for play in plays for group in play["hosts"].split(":")}


def test_what_is_deployed_last_is_removed_first() -> None:
    (play,) = read("uninstall.yml")
    removed = [
        (role["when"], (role["role"], role.get("vars")), role["tags"]) for role in play["roles"]
    ]
    assert removed == deployed()[::-1]
    assert groups(play) == groups(*read("site.yml"))
    assert play["vars"] == {"barehost_state": "absent"}


def back(task: dict[str, Any]) -> Step:
    (role,) = task["block"]
    return (
        task["when"],
        (role["ansible.builtin.import_role"]["name"], role.get("vars")),
        task["tags"],
    )


def one_by_one(step: Step) -> list[Step]:
    """Of a role with several daemons each goes back by itself: one that does not must not hold up the next."""
    asked, (role, given), tags = step
    parts = given["elk_parts"] if given else []
    return [(asked, (role, {"elk_parts": [part]}), tags) for part in parts] or [step]


def test_all_that_is_deployed_can_go_back_and_elasticsearch_last() -> None:
    _refusal, play, last, told = read("rollback.yml")
    (elasticsearch,) = [p for p in read("site.yml") if p["name"] == "Deploy Elasticsearch"]
    strict = ("hosts", "serial", "max_fail_percentage")
    assert {key: last[key] for key in strict} == {key: elasticsearch[key] for key in strict}
    node = ("barehost.monitoring.elk", {"elk_parts": ["elasticsearch"]})
    assert back(last["tasks"][0])[1:] == (node, ["elk"])
    wanted = [one for step in deployed() if step[1] != node for one in one_by_one(step)]
    assert [back(task) for task in play["tasks"]] == wanted
    assert groups(play, last) == groups(*read("site.yml"))
    assert play["vars"] == last["vars"] == {"barehost_state": "previous"}
    kept = [task["rescue"][0]["register"] for task in (*play["tasks"], *last["tasks"])]
    assert len(set(kept)) == len(kept)
    assert told["hosts"] == "all"
