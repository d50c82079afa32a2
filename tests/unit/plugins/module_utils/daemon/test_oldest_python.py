# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts have Python 3.9: what runs there may not need more."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
from pathlib import Path

import ansible
import pytest
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon import _spec

FOLDER = Path(_spec.__file__).parent
ROOT = FOLDER.parents[5]  # holds ansible_collections
PARTS = [
    path
    for part in ("backup", "daemon", "fire_drill", "verify")
    for path in sorted((FOLDER.parent / part).glob("*.py"))
]
SOURCES = [*PARTS, *sorted((FOLDER.parents[1] / "modules").glob("*.py"))]
# What the standard library has only since, as far as anybody is tempted by it.
LATER = {
    "datetime": {"UTC"},
    "enum": {"StrEnum"},
    "hashlib": {"file_digest"},
    "itertools": {"batched", "pairwise"},
    "tomllib": {"load", "loads"},
    "typing": {"Never", "ParamSpec", "Self", "TypeAlias", "TypeGuard", "assert_never", "override"},
}
IMPORT = """
import importlib, sys
assert sys.version_info[:2] == (3, 9)
for name in sys.argv[2:]:
    importlib.import_module(f"{sys.argv[1]}.{name}")
"""


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_the_syntax_is_that_of_the_oldest_python(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 9))
    names = {
        arg.arg for node in ast.walk(tree) if isinstance(node, ast.Call) for arg in node.keywords
    }
    assert not names & {"slots", "kw_only"}, "dataclasses of 3.10"
    strict = [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and getattr(node.func, "id", "") == "zip"
        and "strict" in {arg.arg for arg in node.keywords}
    ]
    assert strict == []
    assert not [node for node in ast.walk(tree) if type(node).__name__ in ("Match", "TryStar")]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_the_standard_library_is_that_of_the_oldest_python(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    later = [
        f"line {node.lineno}: {node.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.name in LATER.get(node.module or "", set())
    ]
    later += [
        f"line {node.lineno}: {node.value.id}.{node.attr}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.attr in LATER.get(node.value.id, set())
    ]
    assert later == []


def oldest() -> str:
    """A Python 3.9 that starts: of the path, where a shim may be dead, or of pyenv."""
    root = Path(os.environ.get("PYENV_ROOT") or "~/.pyenv").expanduser()
    candidates = [shutil.which("python3.9"), *sorted(root.glob("versions/3.9.*/bin/python3.9"))]
    for python in map(str, filter(None, candidates)):
        if not subprocess.run([python, "-c", ""], capture_output=True, check=False).returncode:
            return python
    return ""


def test_the_oldest_python_imports_everything() -> None:
    python = oldest()
    if not python:
        pytest.skip("there is no Python 3.9 here")
    package = "ansible_collections.barehost.monitoring.plugins"
    names = [
        ".".join(path.relative_to(FOLDER.parents[1]).with_suffix("").parts)
        for path in SOURCES
        if path.stem != "__init__"
    ]
    command = [python, "-c", IMPORT, package, *names]
    # What Ansible brings to hosts along with a module may be as old as ours.
    paths = f"{ROOT}{os.pathsep}{Path(ansible.__file__).parents[1]}"
    environment = {"PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"}
    result = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert (result.returncode, result.stderr) == (0, "")
