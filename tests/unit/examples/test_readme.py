# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the README says is so."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.barehost.monitoring.tests.unit.examples.support import EXAMPLE
from prometheus_client.metrics import MetricWrapperBase

from ai_assistant.dependencies import ERROR_COUNT
from ai_assistant.instrumentation import metrics
from ai_assistant.settings import PREFIX, Settings

README = (EXAMPLE / "README.md").read_text()
SCRIPT = """
import asyncio, httpx
from application import app

async def main():
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://app") as client:
        for article in ("ball", "none"):
            await client.get(f"/prices/{article}")
        print((await client.get("/metrics")).text)

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Drop the folder into an application that is the README's, and ask that."""
    folder = tmp_path_factory.mktemp("own")
    shutil.copytree(EXAMPLE / "src/ai_assistant/instrumentation", folder / "instrumentation")
    found = re.search(r"```python\n(.*?)```", README, re.DOTALL)
    assert found
    (folder / "application.py").write_text(found[1])
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=folder, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def table(heading: str) -> list[list[str]]:
    """Return the cells of the first table below a heading, without its head."""
    section = README.partition(f"\n## {heading}\n")[2]
    rows = re.findall(r"^\|(.*)\|$", section.partition("\n## ")[0], re.MULTILINE)
    return [[cell.strip() for cell in row.split("|")] for row in rows[2:]]


def test_the_application_of_the_readme_measures_itself(output: str) -> None:
    for series in (
        'http_requests_total{endpoint="/prices/{article}",method="GET",status_code="200"} 2.0',
        'tool_executions_total{status="success",tool_name="price_search"} 1.0',
        'tool_executions_total{status="error",tool_name="price_search"} 1.0',
        'app_info{version="1.0.0"} 1.0',
    ):
        assert f"\n{series}\n" in output


def test_the_table_of_fields_is_what_an_access_line_has(output: str) -> None:
    lines: list[dict[str, Any]] = [
        json.loads(line) for line in output.splitlines() if line.startswith("{")
    ]
    assert [line["path"] for line in lines] == ["/prices/ball", "/prices/none"]
    named = {field for row in table("Logs") for field in re.findall(r"`(\S+?)`", row[0])}
    assert set(lines[0]) == named - {"exception"}


def test_the_table_of_metrics_is_complete() -> None:
    stated = {row[0].strip("`"): (row[1], row[2]) for row in table("Metrics")}
    assert stated.pop("process_*")
    found = [value for value in vars(metrics).values() if isinstance(value, MetricWrapperBase)]
    actual = {}
    for metric in (*found, ERROR_COUNT):
        kind = metric._type
        name = f"{metric._name}_total" if kind == "counter" else metric._name
        actual[name] = (kind, ", ".join(metric._labelnames))
    assert stated == actual


def test_the_table_of_settings_is_complete() -> None:
    stated = {name for row in table("Run it here") for name in re.findall(r"`([A-Z_]+)`", row[0])}
    assert stated == {name.upper() for name in Settings.model_fields}
    assert f"`{PREFIX}` before each name" in README


def test_the_variables_of_the_playbooks_are_documented() -> None:
    text = "".join((EXAMPLE / name).read_text() for name in ("deploy.yml", "databases.yml"))
    used = set(re.findall(r"(?<![_\w])(ai_assistant_\w+) \|", text))
    used |= set(re.findall(r"\{\{ (ai_assistant_\w+)", text))
    assert "ai_assistant_releases" in used
    stated = {row[0].strip("`") for row in table("Onto hosts")}
    assert used == stated


def test_the_files_are_listed() -> None:
    there = {path.name for path in EXAMPLE.iterdir() if path.name != "README.md"}
    assert [name for name in there - {"src"} if name not in README] == []


def test_commands_are_understood() -> None:
    sys_argv = re.findall(r"\| `((?:traffic|memory|disk) [^`]*)` ?", README)
    from ai_assistant.load.__main__ import _parser

    assert len(sys_argv) == 5
    for words in sys_argv:
        assert _parser().parse_args(words.split())
    assert Path(EXAMPLE / "schema.sql").exists()
