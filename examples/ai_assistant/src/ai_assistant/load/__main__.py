# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Command line: python3 -m ai_assistant.load traffic | memory | disk."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from . import TooMuch, disk, memory
from .plan import Shares
from .traffic import Traffic, send

LONGEST = 3600.0  # seconds


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the arguments say and print what was done as JSON."""
    arguments = _parser().parse_args(argv)
    try:
        print(json.dumps(arguments.act(arguments), indent=2))
    except (TooMuch, OSError) as exc:
        print(f"error: {exc}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ai_assistant load", description=__doc__)
    commands = parser.add_subparsers(required=True)

    traffic = commands.add_parser("traffic", help="send requests at a steady rate")
    traffic.add_argument("--url", default="http://127.0.0.1:8000")
    traffic.add_argument("--duration", type=_within(0, LONGEST), default=10.0, help="seconds")
    traffic.add_argument("--rate", type=_within(0.1, 200), default=5.0, help="requests a second")
    traffic.add_argument("--seed", type=int, default=1)
    # These work where the application runs with AI_ASSISTANT_FAULTS=1.
    traffic.add_argument(
        "--errors", type=_within(0, 1), default=0.0, help="share that ends in a 500"
    )
    traffic.add_argument("--slowness", type=_within(0, 1), default=0.0, help="share that is slow")
    traffic.add_argument(
        "--slow", type=_within(0, 30), default=2.0, help="seconds that slow ones take"
    )
    traffic.add_argument(
        "--tool-failures", type=_within(0, 1), default=0.0, help="share that lets a tool fail"
    )
    traffic.set_defaults(act=_traffic)

    for name, act in (("memory", _memory), ("disk", _disk)):
        command = commands.add_parser(name, help=f"take {name} for a while, and give it back")
        command.add_argument("--megabytes", type=int, required=True)
        command.add_argument("--duration", type=_within(0, LONGEST), default=60.0, help="seconds")
        command.set_defaults(act=act)
        if name == "disk":
            command.add_argument("--directory", type=Path, required=True)
    return parser


def _within(lowest: float, highest: float) -> Callable[[str], float]:
    def number(text: str) -> float:
        value = float(text)
        if not lowest <= value <= highest:
            raise argparse.ArgumentTypeError(f"{text} is not between {lowest:g} and {highest:g}")
        return value

    return number


def _traffic(given: argparse.Namespace) -> object:
    shares = Shares(given.errors, given.slowness, given.tool_failures)
    return asyncio.run(
        send(Traffic(given.url, given.duration, given.rate, given.seed, shares, given.slow))
    )


def _memory(given: argparse.Namespace) -> object:
    with _signals_held_back() as wait:
        taken = memory.take(given.megabytes)
        return {"megabytes": len(taken) // memory.MEGABYTE, "interrupted": wait(given.duration)}


def _disk(given: argparse.Namespace) -> object:
    with _signals_held_back() as wait, disk.taken(given.directory, given.megabytes):
        return {"megabytes": given.megabytes, "interrupted": wait(given.duration)}


@contextmanager
def _signals_held_back() -> Iterator[Callable[[float], bool]]:
    """Give a wait that a signal ends early, and that then tells so."""
    numbers = {signal.SIGINT, signal.SIGTERM}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
    try:
        yield lambda seconds: signal.sigtimedwait(numbers, seconds) is not None
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


if __name__ == "__main__":
    sys.exit(main())
