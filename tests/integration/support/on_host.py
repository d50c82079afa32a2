# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the daemon module on a test host, as Ansible would, but without the wrapping.

Reads the module's arguments as JSON on stdin and leaves its answer on stdout. On request it watches what the module
does (`--audit`), or kills or delays it at one of the transaction's points: that is why the product needs no test hook.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
WRITING = os.O_WRONLY | os.O_RDWR
FILE_EVENTS = (
    "os.mkdir",
    "os.remove",
    "os.rmdir",
    "os.chmod",
    "os.chown",
    "os.truncate",
    "os.utime",
)
LINK_EVENTS = ("os.rename", "os.symlink", "os.link")  # their second argument is what is written


class Audit:
    """What the interpreter did: processes, connections, files written."""

    def __init__(self) -> None:
        self.seen: dict[str, list[Any]] = {"run": [], "connect": [], "write": []}
        sys.addaudithook(self.hook)

    def hook(self, event: str, args: tuple[Any, ...]) -> None:
        """Sort one event. What is opened or changed by its descriptor was seen when it was opened."""
        if event == "subprocess.Popen":
            self.seen["run"].append([os.fsdecode(a) for a in args[1]])
        elif event in ("os.system", "os.exec", "os.posix_spawn"):
            self.seen["run"].append([str(args[0])])
        elif event in ("socket.connect", "socket.getaddrinfo"):
            self.seen["connect"].append(str(args[1] if event == "socket.connect" else args[0]))
        elif isinstance(args[0] if args else None, int):
            return
        elif event == "open" and args[2] & WRITING and not str(args[0]).startswith("/dev/"):
            self.seen["write"].append(f"open {args[0]}")
        elif event == "os.mkdir" and os.path.isdir(args[0]):
            return
        elif event in LINK_EVENTS:
            self.seen["write"].append(f"{event} {args[1]}")
        elif event in FILE_EVENTS:
            self.seen["write"].append(f"{event} {args[0]}")


def observer(options: argparse.Namespace) -> Any:
    """Make the callback that the transaction calls at each point."""

    def observe(point: str) -> None:
        print(f"point {point}", file=sys.stderr, flush=True)
        if point == options.kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        if options.jump_at and point == options.jump_at[0]:
            jump(float(options.jump_at[1]))
        if options.sleep_at and point == options.sleep_at[0]:
            time.sleep(float(options.sleep_at[1]))

    return observe


def jump(seconds: float) -> None:
    """Let the wall clock of this process jump; what counts seconds that pass is another clock."""
    original = time.time
    time.time = lambda: original() + seconds


def install_observer(options: argparse.Namespace) -> None:
    """Let every `run` of a transaction in this process report its points to us."""
    from ansible_collections.barehost.monitoring.plugins.module_utils.daemon import _transaction
    from ansible_collections.barehost.monitoring.plugins.modules import daemon

    original, ours = _transaction.run, observer(options)

    @functools.wraps(original)
    def run(*args: Any, observe: Any, **more: Any) -> Any:
        def both(point: str) -> None:
            observe(point)
            ours(point)

        return original(*args, observe=both, **more)

    _transaction.run = run
    for name, value in vars(daemon).items():
        if value is original:
            setattr(daemon, name, run)


def kill_later(seconds: float) -> None:
    """Let a child, in a session of its own, kill this process after a while."""
    parent = os.getpid()
    if os.fork():
        return
    os.setsid()
    for descriptor in (0, 1, 2):
        os.close(descriptor)
    time.sleep(seconds)
    if os.getppid() == parent:
        os.kill(parent, signal.SIGKILL)
    os._exit(0)


def main() -> None:
    """Run the module once."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--kill-at", default="")
    parser.add_argument("--kill-after", type=float)
    parser.add_argument("--sleep-at", nargs=2)
    parser.add_argument("--jump-at", nargs=2)
    parser.add_argument("--audit", action="store_true")
    options = parser.parse_args()
    arguments = sys.stdin.buffer.read()
    sys.path.insert(0, str(HERE))

    from ansible.module_utils import basic

    basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": json.loads(arguments)}).encode()
    basic._ANSIBLE_PROFILE = "legacy"
    from ansible_collections.barehost.monitoring.plugins.modules import daemon

    install_observer(options)
    if options.kill_after is not None:
        kill_later(options.kill_after)
    audit = Audit() if options.audit else None
    try:
        daemon.main()
    finally:
        if audit:
            print("audit " + json.dumps(audit.seen), file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
