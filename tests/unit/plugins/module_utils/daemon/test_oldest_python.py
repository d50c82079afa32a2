# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts have Python 3.9: what runs there may not need more."""

from __future__ import annotations

import ast
import shutil
import subprocess
from pathlib import Path

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


def test_the_oldest_python_imports_everything() -> None:
    python = shutil.which("python3.9")
    if (
        not python
        or subprocess.run([python, "-c", ""], capture_output=True, check=False).returncode
    ):
        pytest.skip("there is no Python 3.9 here")
    package = (_spec.__package__ or "").rpartition(".")[0]
    names = [f"{path.parent.name}.{path.stem}" for path in PARTS if path.stem != "__init__"]
    command = [python, "-c", IMPORT, package, *names]
    environment = {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    result = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert (result.returncode, result.stderr) == (0, "")
