# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who looks hears of a host that fails as of everything else; who deploys is stopped."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action.normal import ActionModule as NormalAction
from ansible_collections.barehost.monitoring.plugins.action.daemon import ActionModule
from ansible_collections.barehost.monitoring.plugins.plugin_utils import _this_run


def act(
    monkeypatch: pytest.MonkeyPatch, outcome: Any, state: str = "verified", facts: Any = None
) -> Any:
    def run(*_: Any) -> Any:
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    monkeypatch.setattr(NormalAction, "run", run)
    action = ActionModule.__new__(ActionModule)
    action._task = SimpleNamespace(args={"name": "web", "state": state})
    return action.run(None, {"ansible_facts": facts or {}})


@pytest.mark.parametrize(
    ("outcome", "fault"),
    [
        (AnsibleConnectionFailure("no route"), "the host can not be reached: no route"),
        ({"failed": True, "msg": "no python"}, "nothing could be seen: no python"),
        (
            {"failed": True, "module_stderr": "sudo: a password is required"},
            "nothing could be seen: sudo: a password is required",
        ),
    ],
)
def test_a_failure_becomes_a_finding(
    monkeypatch: pytest.MonkeyPatch, outcome: Any, fault: str
) -> None:
    result = act(monkeypatch, outcome)
    assert not result.get("failed")
    (finding,) = result["ansible_facts"]["barehost_verified_web"]["findings"]
    assert finding["fault"] == fault
    assert finding["warning"] is False


def test_a_host_that_can_not_be_reached_is_asked_and_told_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = act(monkeypatch, AnsibleConnectionFailure("no route"))
    second = act(monkeypatch, RuntimeError("asked again"), facts=first["ansible_facts"])
    assert second["ansible_facts"]["barehost_verified_web"]["findings"] == []


def test_a_host_that_could_not_be_reached_yesterday_is_asked_today(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = act(monkeypatch, AnsibleConnectionFailure("no route"))["ansible_facts"]
    first["barehost_unreachable"]["run"] = "ansible-local-1yesterday"
    assert act(monkeypatch, {"findings": [1]}, facts=first) == {"findings": [1]}


def test_facts_say_of_which_run_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = {"barehost_verified_web": {"findings": [], "seen": {}}, "other": 1}
    left = act(monkeypatch, {"ansible_facts": facts})["ansible_facts"]
    run = _this_run.this_run()
    assert run.startswith("ansible-local-")
    assert left == {"barehost_verified_web": {"findings": [], "seen": {}, "run": run}, "other": 1}


def test_what_the_module_says_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    assert act(monkeypatch, {"findings": [1]}) == {"findings": [1]}


def test_a_deployment_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AnsibleConnectionFailure):
        act(monkeypatch, AnsibleConnectionFailure("no route"), state="present")
    assert act(monkeypatch, {"failed": True}, state="present") == {"failed": True}
