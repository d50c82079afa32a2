# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module's seam: its documentation, its parameters, its answers."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.testing import patch_module_args
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon import _parse
from ansible_collections.barehost.monitoring.plugins.modules import daemon
from ansible_collections.barehost.monitoring.tests.unit.plugins.module_utils.daemon import conftest
from ansible_collections.barehost.monitoring.tests.unit.plugins.module_utils.daemon.fakes import (
    World,
)

clock, host = conftest.clock, conftest.world  # fixtures
DOCUMENTATION = yaml.safe_load(daemon.DOCUMENTATION)
Options = Mapping[str, Any]


# -- documentation ------------------------------------------------------------


def documented(options: Options) -> dict[str, Any]:
    """The argument specification that the documentation promises."""
    found = {}
    for name, option in options.items():
        kept = {k: v for k, v in option.items() if k not in ("description", "suboptions")}
        more = {"options": documented(option["suboptions"])} if "suboptions" in option else {}
        found[name] = {**kept, **more}
    return found


def specified(options: Options) -> dict[str, Any]:
    """The argument specification, without what is not documented."""
    found = {}
    for name, option in options.items():
        kept = {k: v for k, v in option.items() if k not in ("no_log", "options")}
        more = {"options": specified(option["options"])} if "options" in option else {}
        found[name] = {**kept, **more}
    return found


def test_the_documentation_is_that_of_the_parameters() -> None:
    assert documented(DOCUMENTATION["options"]) == specified(daemon.ARGUMENT_SPEC)


def every(options: Options, where: str = "") -> Iterator[tuple[str, Options]]:
    for name, option in options.items():
        yield where + name, option
        yield from every(option.get("suboptions", option.get("options", {})), f"{where}{name}.")


@pytest.mark.parametrize(
    ("name", "option"), list(every(DOCUMENTATION["options"])), ids=lambda value: str(value)[:40]
)
def test_every_parameter_is_described(name: str, option: Options) -> None:
    text = option["description"]
    assert all(line.endswith(".") for line in ([text] if isinstance(text, str) else text)), name


def test_nothing_secret_is_logged() -> None:
    masked = {name for name, option in every(daemon.ARGUMENT_SPEC) if option.get("no_log")}
    assert masked == {"secrets.content", "prepare.stdin", "health.url_password"}


def test_the_examples_can_be_run() -> None:
    for task in yaml.safe_load(daemon.EXAMPLES):
        given = task["barehost.monitoring.daemon"]
        assert set(given) <= set(daemon.ARGUMENT_SPEC)
        assert _parse.parse(given).name == given["name"]


def test_every_answer_is_documented(deployed: World, capsys: pytest.CaptureFixture[str]) -> None:
    params = deployed.params()
    found = {*run(capsys, **params)[1], *run(capsys, **deployed.params("sick"))[1]}
    found |= {*run(capsys, **params, state="verified")[1]}
    common = {
        "ansible_facts",
        "changed",
        "diff",
        "invocation",
        "failed",
        "msg",
        "warnings",
        "exception",
    }
    assert found - common <= set(yaml.safe_load(daemon.RETURN))
    assert set(yaml.safe_load(daemon.RETURN)) <= found


# -- runs ---------------------------------------------------------------------


def run(
    capsys: pytest.CaptureFixture[str], *, check: bool = False, diff: bool = True, **args: Any
) -> tuple[int, dict[str, Any]]:
    args |= {"_ansible_check_mode": check, "_ansible_diff": diff}
    kept = {
        number: signal.getsignal(number)
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
    }
    try:
        with patch_module_args(args), pytest.raises(SystemExit) as stop:
            daemon.main()
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return int(stop.value.code or 0), answer


@pytest.fixture
def deployed(host: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A host that the module takes for its own."""
    monkeypatch.setattr(daemon, "Host", lambda _open_url: host.host)
    parse = partial(_parse.parse, layout=host.layout)
    monkeypatch.setattr(daemon, "_parse", type("parse", (), {"parse": staticmethod(parse)}))
    return host


def test_a_deployment_is_answered(deployed: World, capsys: pytest.CaptureFixture[str]) -> None:
    code, answer = run(capsys, check=True, **deployed.params())
    assert (code, answer["changed"], deployed.systemd.log) == (0, True, [])
    said = answer["actions"]
    code, answer = run(capsys, **deployed.params())
    assert (code, answer["changed"], answer["actions"]) == (0, True, said)
    assert (answer["version"], answer["previous_version"], answer["repaired"]) == ("1.0", "", [])
    assert answer["diff"][-1]["prepared"].endswith("start web.service (it is inactive)\n")
    code, answer = run(capsys, **deployed.params())
    assert (code, answer["changed"], answer["actions"], answer["diff"]) == (0, False, [], [])
    assert answer["previous_version"] == "1.0"


def test_the_release_is_described_and_nothing_is_done(
    deployed: World, capsys: pytest.CaptureFixture[str]
) -> None:
    before = deployed.tree()
    params = deployed.params()
    code, answer = run(capsys, state="described", **params)
    assert (code, answer["changed"], answer["actions"]) == (0, False, [])
    given = {key: params["release"][key] for key in ("version", "url", "checksum")}
    fact = {"name": "web", "arch": None, **given}
    assert answer["ansible_facts"] == {"barehost_described_web": {"release": fact}}
    code, answer = run(capsys, state="described", **{**params, "release": None})
    assert (code, answer["ansible_facts"]) == (0, {"barehost_described_web": {"release": None}})
    assert (deployed.tree(), deployed.asked, deployed.systemd.log) == (before, [], [])


def test_no_diff_is_made_for_nobody(deployed: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert "diff" not in run(capsys, diff=False, **deployed.params())[1]


def test_drift_and_warnings_are_answered(
    deployed: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # In a process that has loaded the controller's code, warnings go to its display instead.
    warnings: list[str] = []
    monkeypatch.setattr(AnsibleModule, "warn", lambda _module, text: warnings.append(text))
    run(capsys, **deployed.params("warn"))
    deployed.path("etc/web/web.conf").write_text("by hand")
    answer = run(capsys, **deployed.params("warn"))[1]
    assert answer["repaired"] == [f"{deployed.path('etc/web/web.conf')} was edited"]
    assert "redis_up is 0" in str(warnings)


def test_a_failure_is_answered(deployed: World, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, **deployed.params())
    code, answer = run(capsys, **deployed.params("sick"))
    assert (code, answer["failed"], answer["failed_phase"]) == (1, True, "gate")
    assert (answer["rolled_back"], answer["journal"]) == (True, ["last words"])
    assert answer["msg"].startswith("web: not healthy after 5 s: http://web: answers 503")


def test_a_secret_is_in_no_answer(deployed: World, capsys: pytest.CaptureFixture[str]) -> None:
    def answer(secret: str, config: str = "one") -> str:
        params = deployed.params(
            config,
            secrets=[{"path": "key", "content": secret}],
            prepare=[{"name": "p", "argv": ["x"], "stdin": "secret-stdin"}],
        )
        params["health"] |= {"url_username": "u", "url_password": "secret-password"}
        return json.dumps(run(capsys, **params)[1])

    text = answer("secret-one") + answer("secret-two") + answer("secret-two", "sick")
    deployed.path("etc/web/key").write_text("secret-three")
    text += answer("secret-two")
    assert "secret-" not in text
    assert deployed.systemd.commands[0][1] == "secret-stdin"


def test_a_removal_is_answered(deployed: World, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, **deployed.params())
    said = run(capsys, check=True, **{**deployed.params(), "state": "absent"})[1]
    assert said["diff"]["prepared"].startswith("- stop and disable the unit\n- remove ")
    code, answer = run(capsys, name="web", state="absent", account={"group": "root"})
    assert (code, answer["changed"], answer["actions"]) == (0, True, said["actions"])
    code, answer = run(capsys, name="web", state="absent", account={"group": "root"})
    assert (code, answer["changed"], answer["actions"]) == (0, False, [])


def test_a_rendering_needs_no_host(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    args: dict[str, Any] = {
        "name": "web",
        "state": "rendered",
        "destination": str(tmp_path),
        "command": ["/bin/x"],
    }
    code, said = run(capsys, check=True, **args)
    assert (code, said["changed"], list(tmp_path.iterdir())) == (0, True, [])
    code, answer = run(capsys, **args)
    assert (code, answer["actions"]) == (0, said["actions"])
    assert f"write {tmp_path}/etc/systemd/system/web.service" in answer["actions"]
    assert run(capsys, **args)[1]["changed"] is False


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({}, "missing required arguments: name"),
    ({"name": "web"}, "state is present but all of the following are missing: command"),
    ({"name": "web", "state": "rendered", "command": ["x"]}, "following are missing: destination"),
    ({"name": "A", "command": []}, "A: name: 'A' is no service name"),
    (
        {"name": "web", "command": ["x"], "files": [{"path": "a"}]},
        "missing required arguments: content found in files",
    ),
    ({"name": "web", "command": ["x"], "healht": {}}, "Unsupported parameters"),
    (
        {"name": "web", "command": ["x"], "health": {"probes": [{"url": "x"}]}},
        "health.probes[0].url",
    ),
    ({"name": "web", "command": ["x"], "health": {"timeout": "1 m"}}, "timeout"),
]


@pytest.mark.parametrize(("args", "message"), REFUSED)
def test_a_wrong_task_is_refused_in_a_sentence(
    capsys: pytest.CaptureFixture[str], args: dict[str, Any], message: str
) -> None:
    code, answer = run(capsys, **args)
    assert (code, answer["failed"]) == (1, True)
    assert message in answer["msg"]
    assert "Traceback" not in json.dumps(answer)


def test_the_roll_back_of_a_sick_state_is_not_interrupted(
    deployed: World, capsys: pytest.CaptureFixture[str]
) -> None:
    run(capsys, **deployed.params())

    def interrupt(words: str) -> None:
        if words == "daemon-reload":  # the first thing that a roll-back of a reload does
            signal.raise_signal(signal.SIGTERM)

    deployed.systemd.on_call = interrupt
    code, answer = run(capsys, **deployed.params("sick"))
    assert (code, answer["failed_phase"], answer["rolled_back"]) == (1, "gate", True)
    assert deployed.path("etc/web/web.conf").read_text() == "one"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_run_that_is_asked_to_stop_rolls_back_first(
    deployed: World, capsys: pytest.CaptureFixture[str], number: int
) -> None:
    run(capsys, **deployed.params())

    def stop(words: str) -> None:
        if words == "reload" and deployed.systemd.log[-1] != "reload":
            deployed.systemd.log.append("reload")
            signal.raise_signal(number)
            signal.raise_signal(number)  # once more, amid the roll-back

    deployed.systemd.on_call = stop
    code, answer = run(capsys, **deployed.params("two"))
    assert (code, answer["failed_phase"], answer["rolled_back"]) == (1, "activate", True)
    assert "the run was interrupted" in answer["msg"]
    assert deployed.path("etc/web/web.conf").read_text() == "one"
