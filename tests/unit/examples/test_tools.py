# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the ends of tools are counted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from ansible_collections.barehost.monitoring.tests.unit.examples.support import Counted

from ai_assistant.instrumentation.cache import CacheCounter
from ai_assistant.instrumentation.tools import MetricsToolMixin, measured_tool
from ai_assistant.tools import TOOLS

COUNT, RUNS = "tool_executions_total", "tool_execution_duration_seconds_count"


@dataclass
class Result:
    """A result with an opinion of itself."""

    success: bool = True
    error: str = ""


@dataclass
class ProtocolResult:
    """A result in the words of another protocol."""

    is_error: bool


class Reporter:
    """A result that has methods of such names."""

    def error(self) -> str:
        """Return the error."""
        return ""

    is_error = success = error


REPORTER = Reporter()


def returns(value: Any) -> Callable[[], Any]:
    """Return a tool's work that returns the value."""
    return lambda: value


def raises(fault: BaseException) -> Callable[[], Any]:
    """Return a tool's work that raises."""

    def work() -> None:
        raise fault

    return work


ENDS = [
    (returns("text"), "success"),
    (returns(None), "success"),
    (returns(Result()), "success"),
    (returns({"success": True, "error": None}), "success"),
    (returns(REPORTER), "success"),
    (returns(Result(success=False)), "error"),
    (returns(Result(error="no such file")), "error"),
    (returns({"success": False}), "error"),
    (returns({"error": "no such file"}), "error"),
    (returns(ProtocolResult(is_error=True)), "error"),
    (raises(ValueError("bug")), "error"),
    (raises(TimeoutError()), "timeout"),
    (raises(asyncio.CancelledError()), "cancelled"),
]


@pytest.mark.parametrize(("work", "status"), ENDS)
def test_each_end_has_its_status(work: Callable[[], Any], status: str, counted: Counted) -> None:
    measured = measured_tool("sync")(work)
    try:
        assert measured() == work()
    except BaseException as exc:
        with pytest.raises(type(exc)):
            work()
    assert counted.risen(COUNT) == {frozenset({"sync", status}): 1}
    assert counted.risen(RUNS) == {frozenset({"sync"}): 1}


@pytest.mark.parametrize(("work", "status"), ENDS[:-1])
def test_async_tools_are_measured_to_their_end(
    work: Callable[[], Any], status: str, counted: Counted
) -> None:
    @measured_tool("async")
    async def tool() -> Any:
        await asyncio.sleep(0.01)
        return work()

    try:
        asyncio.run(tool())
    except (ValueError, TimeoutError):
        assert status in ("error", "timeout")
    assert counted.risen(COUNT) == {frozenset({"async", status}): 1}
    assert counted.risen("tool_execution_duration_seconds_sum")[frozenset({"async"})] >= 0.01


def test_a_generator_is_not_measured_by_its_call() -> None:
    async def words() -> AsyncIterator[str]:
        yield "word"

    def lines() -> Iterator[str]:
        yield "line"

    for generator in (words, lines):
        with pytest.raises(TypeError, match="many: a generator .* use tool_execution"):
            measured_tool("many")(generator)


class Sleeper(MetricsToolMixin):
    """Takes its time."""

    name = "sleeper"
    time_limit = 0.05

    async def execute(self, parameters: float) -> Result:
        """Sleep."""
        await asyncio.sleep(parameters)
        return Result()


def test_a_tool_beyond_its_time_limit_is_a_timeout(counted: Counted) -> None:
    with pytest.raises(TimeoutError):
        asyncio.run(Sleeper().execute_with_metrics(5))
    assert counted.risen(COUNT) == {frozenset({"sleeper", "timeout"}): 1}


def test_a_tool_whose_request_is_given_up_is_cancelled(counted: Counted) -> None:
    async def given_up() -> None:
        Sleeper.time_limit = 10
        task = asyncio.create_task(Sleeper().execute_with_metrics(5))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(given_up())
    assert counted.risen(COUNT) == {frozenset({"sleeper", "cancelled"}): 1}


def test_series_of_a_tool_are_there_before_its_first_run(counted: Counted) -> None:
    class Unused(MetricsToolMixin):
        name = "unused"

    for status in ("success", "error", "timeout", "cancelled"):
        assert counted.has(COUNT, tool_name="unused", status=status)
    assert counted.has(RUNS, tool_name="unused")
    assert counted.risen(COUNT) == {}
    assert Unused.name == "unused"


def test_series_of_a_cache_are_there_before_its_first_use(counted: Counted) -> None:
    counter = CacheCounter("test")
    for result in ("hit", "miss"):
        assert counted.has("cache_requests_total", cache_type="test", result=result)
    counter.hit()
    counter.miss()
    counter.miss()
    rise = counted.risen("cache_requests_total")
    assert rise == {frozenset({"test", "hit"}): 1, frozenset({"test", "miss"}): 2}


@pytest.mark.parametrize(
    ("expression", "output"),
    [("2 + 3 * 4", "14"), ("(1 - 3) / 4", "-0.5"), ("-7", "-7")],
)
def test_the_calculator_calculates(expression: str, output: str) -> None:
    result = asyncio.run(TOOLS["calculator"].execute({"expression": expression}))
    assert (result.success, result.output) == (True, output)


@pytest.mark.parametrize(
    "expression",
    ["1 / 0", "", "2 +", "__import__('os')", "2 ** 9999999", "'a' * 9", "1 if 1 else 2", "9" * 201,
     "9" * 16, "(" * 150, "True + 1", "1e308 * 1e308"],
)  # fmt: skip
def test_the_calculator_refuses_in_its_result(expression: str) -> None:
    result = asyncio.run(TOOLS["calculator"].execute({"expression": expression}))
    assert not result.success
    assert result.error.startswith("cannot compute: ")
