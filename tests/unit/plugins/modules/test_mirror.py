# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module's seam: its documentation, its parameters, its answers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.testing import patch_module_args
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon import _mirror_wanted
from ansible_collections.barehost.monitoring.plugins.modules import mirror

OPTIONS = yaml.safe_load(mirror.DOCUMENTATION)["options"]


def documented(options: Mapping[str, Any]) -> dict[str, Any]:
    """The argument specification that the documentation promises."""
    found = {}
    for name, option in options.items():
        kept = {k: v for k, v in option.items() if k not in ("description", "suboptions")}
        more = {"options": documented(option["suboptions"])} if "suboptions" in option else {}
        found[name] = {**kept, **more}
    return found


def test_the_documentation_is_that_of_the_parameters() -> None:
    assert documented(OPTIONS) == mirror.ARGUMENT_SPEC


def test_the_examples_can_be_run() -> None:
    for task in yaml.safe_load(mirror.EXAMPLES):
        given = task["barehost.monitoring.mirror"]
        assert set(given) <= set(mirror.ARGUMENT_SPEC)
        assert len(_mirror_wanted.files(given["releases"], given["architectures"], "")) == 3


def run(
    capsys: pytest.CaptureFixture[str], *, check: bool = False, **args: Any
) -> tuple[int, dict[str, Any]]:
    args |= {"_ansible_check_mode": check, "_ansible_diff": True}
    with patch_module_args(args), pytest.raises(SystemExit) as stop:
        mirror.main()
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return int(stop.value.code or 0), answer


@pytest.fixture
def params(tmp_path: Path) -> dict[str, Any]:
    """What mirrors one release that lies in a directory."""
    (tmp_path / "up").mkdir()
    (tmp_path / "up/web-1.0").write_bytes(b"one")
    (tmp_path / "up/sums").write_text(f"{hashlib.sha256(b'one').hexdigest()}  web-1.0\n")
    source = f"file://{tmp_path}/up"
    release = {"name": "web", "version": "1.0", "url": f"{source}/web-{{version}}"}
    release["checksum"] = f"{source}/sums"
    return {"directory": str(tmp_path / "mirror"), "releases": [release], "source": source}


def test_a_mirror_is_filled_and_answered(
    params: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = run(capsys, check=True, **params)
    assert (code, said["changed"], Path(params["directory"]).exists()) == (0, True, False)
    code, answer = run(capsys, **params)
    assert (code, answer["changed"], answer["files"]) == (0, True, 2)
    assert answer["actions"] == said["actions"]
    assert answer["diff"]["prepared"] == "".join(f"+ {action}\n" for action in said["actions"])
    assert sorted(json.loads(Path(answer["lock"]).read_text())["files"]) == ["sums", "web-1.0"]
    code, answer = run(capsys, **params)
    assert (code, answer["changed"], answer["actions"]) == (0, False, [])
    common = {"changed", "diff", "invocation"}
    assert set(answer) - common == set(yaml.safe_load(mirror.RETURN))


def test_what_nobody_wants_is_a_warning(
    params: dict[str, Any], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    warned: list[str] = []
    monkeypatch.setattr(AnsibleModule, "warn", lambda _self, text: warned.append(text))
    run(capsys, **params)
    code, answer = run(capsys, **{**params, "releases": []})
    assert (code, answer["changed"], answer["unwanted"]) == (0, False, ["sums", "web-1.0"])
    assert warned == [
        "nobody wants these any more, barehost_mirror_prune=true removes them: sums, web-1.0"
    ]
    code, answer = run(capsys, **{**params, "releases": [], "prune": True})
    assert (code, answer["actions"]) == (0, ["remove sums", "remove web-1.0"])


def test_all_faults_are_answered_with_what_was_done(
    params: dict[str, Any], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "up/web-1.0").write_bytes(b"two")
    code, answer = run(capsys, **params)
    assert (code, answer["failed"], answer["changed"]) == (1, True, True)
    assert answer["actions"] == [f"get file://{tmp_path}/up/sums"]
    assert answer["msg"].startswith(f"digest of file://{tmp_path}/up/web-1.0 is sha256:")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"directory": "mirror"}, "the mirror mirror: it is no absolute path"),
        ({"architectures": ["../up"]}, "web 1.0: file:///srv/../up is no address of a file"),
    ],
)
def test_what_can_not_be_mirrored_is_a_sentence(
    params: dict[str, Any], capsys: pytest.CaptureFixture[str], more: dict[str, Any], said: str
) -> None:
    params["releases"][0]["url"] = "file:///srv/{arch}"
    code, answer = run(capsys, **{**params, **more})
    assert (code, said in answer["msg"]) == (1, True), answer["msg"]
