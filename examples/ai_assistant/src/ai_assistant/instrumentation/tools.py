# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measure tools: functions or objects that do something for a request and may fail."""

from __future__ import annotations

import asyncio
import functools
import inspect
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ParamSpec, TypeVar, cast

from .metrics import TOOL_EXECUTION_COUNT, TOOL_EXECUTION_DURATION

STATUSES = ("success", "error", "timeout", "cancelled")

P = ParamSpec("P")
T = TypeVar("T")


class ToolExecution:
    """One execution, while it is measured."""

    status = "success"

    def result(self, result: T) -> T:
        """Look at what the tool returned: a failure need not be raised."""
        if reports_failure(result):
            self.status = "error"
        return result


def reports_failure(result: object) -> bool:
    """Tell whether a result says of itself that it is one of a failure.

    It does by `success` that is false, or by `error` or `is_error` that is true, as an attribute or as
    a key. A method of such a name says nothing.
    """

    def of(name: str) -> object:
        if isinstance(result, Mapping):
            return result.get(name)
        value = getattr(result, name, None)
        return None if callable(value) else value

    return of("success") is False or bool(of("error")) or bool(of("is_error"))


def announce(tool_name: str) -> None:
    """Make the tool's series at zero, so that even its first failure is a rise."""
    for status in STATUSES:
        TOOL_EXECUTION_COUNT.labels(tool_name, status)
    TOOL_EXECUTION_DURATION.labels(tool_name)


@contextmanager
def tool_execution(tool_name: str) -> Iterator[ToolExecution]:
    """Measure what happens inside, and count how it ends."""
    execution = ToolExecution()
    start = time.perf_counter()
    try:
        yield execution
    except TimeoutError:
        execution.status = "timeout"
        raise
    except asyncio.CancelledError:
        execution.status = "cancelled"
        raise
    except BaseException:
        execution.status = "error"
        raise
    finally:
        TOOL_EXECUTION_DURATION.labels(tool_name).observe(time.perf_counter() - start)
        TOOL_EXECUTION_COUNT.labels(tool_name, execution.status).inc()


def measured_tool(tool_name: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Measure every call of a function, be it `async` or not.

    A generator has not begun when its call ends: there, put `tool_execution` around the work.
    """
    announce(tool_name)

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        if inspect.isasyncgenfunction(function) or inspect.isgeneratorfunction(function):
            text = (
                f"{tool_name}: a generator cannot be measured by its call; use tool_execution in it"
            )
            raise TypeError(text)
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def measured_async(*args: P.args, **kwargs: P.kwargs) -> Any:
                with tool_execution(tool_name) as execution:
                    return execution.result(await function(*args, **kwargs))

            return cast(Callable[P, T], measured_async)

        @functools.wraps(function)
        def measured(*args: P.args, **kwargs: P.kwargs) -> T:
            with tool_execution(tool_name) as execution:
                return execution.result(function(*args, **kwargs))

        return measured

    return decorate


class MetricsToolMixin:
    """Gives a tool class with a `name` and an `execute` the measured `execute_with_metrics`."""

    name: str
    time_limit: float | None = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Announce the tool as soon as there is one."""
        super().__init_subclass__(**kwargs)
        if isinstance(getattr(cls, "name", None), str):
            announce(cls.name)

    async def execute(self, parameters: Any) -> Any:
        """Do the tool's work."""
        raise NotImplementedError

    async def execute_with_metrics(self, parameters: Any) -> Any:
        """Do the tool's work within its time limit, measured."""
        with tool_execution(self.name) as execution:
            async with asyncio.timeout(self.time_limit):
                return execution.result(await self.execute(parameters))
