# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module takes exactly one product, and answers in sentences."""

from __future__ import annotations

import json
import signal
from typing import Any

import pytest
import yaml
from ansible.module_utils.testing import patch_module_args
from ansible_collections.barehost.monitoring.plugins.module_utils.backup import _run
from ansible_collections.barehost.monitoring.plugins.module_utils.backup._manifest import (
    File,
    Manifest,
)
from ansible_collections.barehost.monitoring.plugins.modules import backup

PROMETHEUS = {"url": "http://127.0.0.1:9090", "data": "{data}"}
MANIFEST = Manifest(
    "prometheus", "nobody", "3.5.3", "h", "20261126T081500Z", {"wal/0": File(7, "x")}, {"a": 1}
)


def run(capsys: pytest.CaptureFixture[str], **args: Any) -> dict[str, Any]:
    """Run the module, and return its answer."""
    signals = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
    kept = {number: signal.getsignal(number) for number in signals}
    try:
        with patch_module_args(args), pytest.raises(SystemExit):
            backup.main()
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return answer


@pytest.fixture
def warned(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the warnings, which go to the display in a process with the controller's code."""
    said: list[str] = []
    monkeypatch.setattr(backup.AnsibleModule, "warn", lambda _module, text: said.append(text))
    return said


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "one of the following is required: prometheus, alertmanager, grafana, elasticsearch"),
        ({"prometheus": PROMETHEUS, "alertmanager": {"url": "u"}}, "mutually exclusive"),
        ({"prometheus": {"url": "u"}}, "missing required arguments: data"),
    ],
)
def test_exactly_one_product_is_described(
    capsys: pytest.CaptureFixture[str], given: dict[str, Any], said: str
) -> None:
    answer = run(capsys, name="nobody", state="saved", **given)
    assert answer["failed"] and said in answer["msg"]


def test_what_was_saved_is_told_as_documented(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome = _run.Outcome(["copy"], True, MANIFEST, "/b/x", sha256="d", warnings=["careful"])
    monkeypatch.setattr(_run, "save", lambda *_arguments: outcome)
    answer = run(capsys, name="nobody", state="saved", prometheus=PROMETHEUS)
    documented = set(yaml.safe_load(backup.RETURN)) - {"fetched"}  # by the controller's side
    assert documented <= set(answer)
    assert (answer["backup"], answer["size"], answer["files"]) == ("20261126T081500Z", 7, 1)
    assert answer["location"] == "/b/x" and answer["changed"]


def test_the_options_are_those_that_are_documented_and_the_examples_use_them() -> None:
    documented = yaml.safe_load(backup.DOCUMENTATION)["options"]
    assert set(documented) == set(backup.ARGUMENT_SPEC)
    for name, options in backup.PRODUCTS.items():
        assert set(documented[name]["suboptions"]) == set(options)
    for task in yaml.safe_load(backup.EXAMPLES):
        assert set(task["barehost.monitoring.backup"]) <= set(documented)


@pytest.mark.parametrize("state", ["saved", "restored"])
def test_an_agent_is_skipped_and_told_why(
    capsys: pytest.CaptureFixture[str], warned: list[str], state: str
) -> None:
    answer = run(capsys, name="nobody", state=state, prometheus={**PROMETHEUS, "agent": True})
    assert answer["skipped"] and not answer["changed"] and not answer.get("failed")
    assert "nobody runs as an agent" in warned[0] and "nothing to" in warned[0]


@pytest.mark.parametrize("state", ["saved", "restored"])
def test_a_relative_directory_is_refused(capsys: pytest.CaptureFixture[str], state: str) -> None:
    answer = run(capsys, name="nobody", state=state, directory="backups", prometheus=PROMETHEUS)
    assert answer["failed"]
    assert answer["msg"].startswith('nobody: directory: "backups" is no absolute path')
