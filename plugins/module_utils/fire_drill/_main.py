# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line of a drill, as systemd runs it: python3 -m fire_drill._main drill | clean.

drill --settings=FILE [--json]   one drill; "-" reads the settings from standard input
check --settings=FILE            whether the settings can be meant
clean --textfile-directory=DIR --listen=HOST:PORT --patience=SECONDS
                                 what a drill that was killed has left; ExecStopPost= runs it
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import sys
import time
from collections.abc import Sequence
from contextlib import suppress

from . import _drill, _inbox, _report, _settings, _textfile, _world

_MARK = "on_its_way"  # there while Alertmanager may still tell of the drill


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the command line says; returns the exit status."""
    parser = argparse.ArgumentParser(prog="fire_drill")
    commands = parser.add_subparsers(dest="command", required=True)
    drill, check = (commands.add_parser(name) for name in ("drill", "check"))
    for one in (drill, check):
        one.add_argument("--settings", required=True)
    drill.add_argument("--json", action="store_true")
    clean = commands.add_parser("clean")
    clean.add_argument("--textfile-directory", required=True)
    clean.add_argument("--listen", required=True)
    clean.add_argument("--patience", type=float, required=True)
    given = parser.parse_args(argv)
    if given.command == "clean":
        return _clean(given.textfile_directory, given.listen, given.patience)
    try:
        settings = _settings.read(_read(given.settings))
    except (_settings.SettingsError, OSError, ValueError) as exc:
        sys.stderr.write(f"fire_drill: {exc}\n")
        return 2
    return _carry_out(settings, given.json) if given.command == "drill" else 0


def _carry_out(settings: _settings.Settings, as_json: bool) -> int:
    done = _drill.listen_and_run(settings, _world.real(settings), secrets.token_hex(8), _mark)
    if done.failed_hop != "start":  # that one says nothing about the chain
        with suppress(OSError):
            _record(settings.textfile_directory, done)
    report = done.as_dict()
    sys.stdout.write(json.dumps(report) if as_json else "\n".join(_report.table(report)))
    sys.stdout.write("\n")
    sys.stdout.flush()
    return 0 if done.passed else 1


def _read(path: str) -> dict[str, object]:
    if path == "-":
        found = json.load(sys.stdin)
    else:
        with open(path, encoding="utf-8") as file:
            found = json.load(file)
    return dict(found)


def _record(directory: str, done: _report.Report) -> None:
    before = _textfile.read(directory, _textfile.RESULT)
    text = _textfile.result(done.passed, time.time(), done.hops, before)
    _textfile.write(directory, _textfile.RESULT, text)


def _place_of_mark() -> str:
    folder = os.environ.get("RUNTIME_DIRECTORY", "")
    return os.path.join(folder, _MARK) if folder else ""


def _mark(is_open: bool) -> None:
    """Remember for `clean` whether Alertmanager may still tell of this drill."""
    if path := _place_of_mark():
        if is_open:
            with open(path, "w", encoding="utf-8"):
                pass
        else:
            with suppress(FileNotFoundError):
                os.unlink(path)


def _clean(directory: str, listen: str, patience: float) -> int:
    """End the fault, then take the message that it is over.

    Without a receiver Alertmanager would try again and again, and tell people that it cannot.
    """
    with suppress(OSError):
        _textfile.remove(directory)
    mark = _place_of_mark()
    if not mark or not os.path.exists(mark):
        return 0
    inbox = _inbox.Inbox()
    limit = time.monotonic() + patience
    settings = _settings.Settings(listen=listen)
    with suppress(_inbox.Busy), _inbox.listening(settings.place, inbox, patience):
        while "resolved" not in inbox.seen and time.monotonic() < limit:
            time.sleep(0.2)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
