# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The release that hosts get: complete, reproducible, and running on their Python."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from importlib import metadata
from pathlib import Path

import pytest
from ansible_collections.barehost.monitoring.tests.unit.examples.support import EXAMPLE
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

MIRROR = EXAMPLE.parents[1] / ".cache" / "mirror" / "barehost" / "ai_assistant"
PINNED = {
    canonicalize_name(requirement.name): requirement
    for line in (EXAMPLE / "requirements.txt").read_text().splitlines()
    if (text := line.partition("#")[0].strip())
    for requirement in [Requirement(text)]
}
PYTHONS = (("3.11", "3.11.2"), ("3.13", "3.13.5"))  # of Debian 12 and 13


@pytest.fixture(scope="module")
def archive() -> Path:
    """Return the archive in the mirror, which `make mirror` has built."""
    (found,) = MIRROR.rglob("*.tar.gz")
    return found


@pytest.fixture(scope="module")
def release(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Unpack what this Python needs of it."""
    target = tmp_path_factory.mktemp("release")
    ours = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    with tarfile.open(archive) as tar:
        members = [
            member for member in tar if "/python3" not in member.name or f"/{ours}" in member.name
        ]
        tar.extractall(target, members)  # noqa: S202 - our own; Debian 12's Python has no filters
    (folder,) = target.iterdir()
    (target / "cache").mkdir()
    return folder


@pytest.mark.parametrize(("version", "full"), PYTHONS)
def test_every_library_of_every_library_is_pinned(version: str, full: str) -> None:
    """As the libraries themselves say it, for the very Python of a host."""
    environment = {"python_version": version, "python_full_version": full, "extra": ""}
    for name, pinned in PINNED.items():
        assert re.fullmatch(r"==[^*]+", str(pinned.specifier)), name
        for text in metadata.requires(name) or []:
            needed = Requirement(text)
            if needed.marker and not needed.marker.evaluate(environment):
                continue
            got = PINNED.get(canonicalize_name(needed.name))
            assert got, f"{name} needs {needed.name} on Python {full}"
            assert needed.specifier.contains(str(got.specifier).lstrip("=")), f"{name}: {text}"


def test_what_is_tested_here_is_what_is_released() -> None:
    assert {name: f"=={metadata.version(name)}" for name in PINNED} == {
        name: str(requirement.specifier) for name, requirement in PINNED.items()
    }


def test_the_archive_is_that_of_the_checkout(archive: Path) -> None:
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    listed = (archive.parent / "sha256sums.txt").read_text()
    assert listed == f"{digest}  {archive.name}\n"
    with tarfile.open(archive) as tar:
        members = tar.getmembers()
        top = archive.name.removesuffix(".tar.gz")
        source = tar.extractfile(f"{top}/application/ai_assistant/api.py")
        assert source
        assert source.read() == (EXAMPLE / "src/ai_assistant/api.py").read_bytes()
    names = [member.name for member in members]
    assert names == sorted(names, key=lambda name: name.split("/"))
    assert {(m.uid, m.gid, m.uname, m.mtime) for m in members} == {(0, 0, "", 0)}
    assert {m.mode for m in members} == {0o755, 0o644}
    assert not [name for name in names if name.endswith((".pyc", "/RECORD")) or "/bin/" in name]
    tops = {name.split("/")[1] for name in names if "/" in name}
    assert tops == {"LICENSE", "ai-assistant", "application", "python3.11", "python3.13"}


def program(release: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the program of a release as its first line does, and without the libraries of the tests."""
    command = [sys.executable, "-I", "-S", str(release / "ai-assistant"), *words]
    variables = {"CACHE_DIRECTORY": str(release.parent / "cache"), **variables}
    return subprocess.run(command, env=variables, capture_output=True, text=True, check=False)


def test_the_program_runs_with_its_own_libraries_alone(release: Path) -> None:
    checked = program(release, "check")
    assert (checked.stdout, checked.stderr, checked.returncode) == (
        "the settings are good\n",
        "",
        0,
    )
    # Compiled code is kept in the cache; the release stays as it was unpacked.
    assert len(list((release.parent / "cache").rglob("*.pyc"))) > 100
    assert list(release.rglob("__pycache__")) == []


def test_a_check_does_not_touch_the_values_of_a_running_service(
    release: Path, tmp_path: Path
) -> None:
    shared = tmp_path / "metrics"
    variables = {"PROMETHEUS_MULTIPROC_DIR": str(shared), "AI_ASSISTANT_WORKERS": "2"}
    assert program(release, "check", **variables).returncode == 0
    assert not shared.exists()


def test_wrong_settings_are_refused_before_they_run(release: Path) -> None:
    checked = program(release, "check", AI_ASSISTANT_PORT="http")
    assert checked.returncode == 2
    assert checked.stderr.startswith("error: AI_ASSISTANT_PORT: ")


def test_the_load_generator_is_part_of_it(release: Path) -> None:
    sent = program(
        release, "load", "traffic", "--url=http://127.0.0.1:1", "--duration=0.1", "--rate=10"
    )
    assert json.loads(sent.stdout)["without_answer"] == {"ConnectError": 4}


def test_another_python_is_told_which_ones_there_are(tmp_path: Path) -> None:
    shutil.copy(EXAMPLE / "launcher.py", tmp_path / "ai-assistant")
    for name in ("python3.1", "python3.2"):
        (tmp_path / name).mkdir()
    refused = program(tmp_path, "check", PATH=os.environ["PATH"])
    assert refused.returncode == 1
    assert refused.stderr.startswith(
        "error: this release is for Python 3.1, Python 3.2, not for Python 3."
    )


@pytest.mark.parametrize("words", [["unknown"], ["serve", "more"]])
def test_unknown_commands_are_refused(release: Path, words: list[str]) -> None:
    refused = program(release, *words)
    assert (refused.returncode, refused.stderr[:6]) == (2, "usage:")
