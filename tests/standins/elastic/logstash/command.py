# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: `logstash --path.settings /etc/logstash`, with `-t` a test of the configuration."""

import fcntl
import os
import signal
import sys
from pathlib import Path
from typing import Any

from elastic.common import Refused
from elastic.logstash import HOME, api, java, version
from elastic.logstash.agent import Agent
from elastic.logstash.logs import SINK, Log
from elastic.logstash.pipeline import Pipeline
from elastic.logstash.settings import Settings, Unreadable, load
from elastic.logstash.sources import fetch

_SHORT = {
    "-f": "path.config",
    "-e": "config.string",
    "-w": "pipeline.workers",
    "-b": "pipeline.batch.size",
    "-u": "pipeline.batch.delay",
    "-l": "path.logs",
    "-n": "node.name",
    "-t": "config.test_and_exit",
    "-r": "config.reload.automatic",
    "--configtest": "config.test_and_exit",
}
_FLAGS = ("config.test_and_exit", "config.reload.automatic", "config.debug")
_LOG = Log("logstash.runner")


def main(arguments: list[str]) -> int:
    """Do what the command line says."""
    if arguments[:1] in (["-V"], ["--version"]):
        print(f"logstash {version()}+stand-in")
        return 0
    try:
        given = _parsed(arguments)
    except Refused as exc:
        print(f"ERROR: {exc}\n\nSee: 'bin/logstash --help'", file=sys.stderr)
        return 1
    default = os.environ.get("LS_SETTINGS_DIR", str(HOME / "config"))
    folder = Path(given.pop("path.settings", default))
    first = arguments[:1] == ["--path.settings"]
    try:
        print("Using bundled JDK: a stand-in for Logstash, for tests alone", flush=True)
        java.check((folder if first else HOME / "config") / "jvm.options")
        settings = load(folder, given, version())
    except Unreadable as exc:
        print(f"ERROR: {exc}", file=sys.stderr, flush=True)
        return 1
    except Refused as exc:
        print(f"Your settings are invalid. Reason: {exc}", file=sys.stderr, flush=True)
        return 1
    _open_log(settings, folder)
    return _run(settings, folder)


def _parsed(arguments: list[str]) -> dict[str, str]:
    given: dict[str, str] = {}
    rest = list(arguments)
    known = Settings("8.5.0")
    while rest:
        word, equals, value = rest.pop(0).partition("=")
        name = _SHORT.get(word, word.removeprefix("--"))
        if word not in _SHORT and (not word.startswith("--") or not known.knows(name)):
            raise Refused(f"Unrecognised option '{word}'")
        if name in _FLAGS:
            value = "true"
        elif not equals:
            if not rest:
                raise Refused(f"option '{word}': no value provided")
            value = rest.pop(0)
        given[name] = value
    return given


def _open_log(settings: Settings, folder: Path) -> None:
    SINK.level, SINK.json = settings["log.level"], settings["log.format"] == "json"
    if (folder / "log4j2.properties").exists():
        settings["path.logs"].mkdir(parents=True, exist_ok=True)
        SINK.open(settings["path.logs"])
    else:
        print(
            f"Could not find log4j2 configuration at path {folder}/log4j2.properties. Using "
            f"default config which logs errors to the console",
            flush=True,
        )
        SINK.level = "error"


def _run(settings: Settings, folder: Path) -> int:
    _LOG.info("Starting Logstash", **{"logstash.version": f"{version()}+stand-in"})
    if os.geteuid() == 0 and not settings["allow_superuser"]:
        _LOG.fatal("An unexpected error occurred!", error="Logstash cannot be run as superuser.")
        return 1
    try:
        if settings["config.test_and_exit"]:
            return _test(settings, folder)
        lock = _locked(settings["path.data"])
        agent = Agent(settings, folder)
        web = api.serve(agent, version())
    except Refused as exc:
        _LOG.fatal(str(exc))
        return 1
    for number, action in (
        (signal.SIGTERM, agent.stop),
        (signal.SIGINT, agent.stop),
        (signal.SIGHUP, agent.wanted.set),
    ):
        signal.signal(number, _handler(number, action))
    code = agent.run()
    if web:
        web.close()
    lock.close()
    _LOG.info("Logstash shut down.")
    return code


def _handler(number: int, action: Any) -> Any:
    def handle(*_arguments: Any) -> None:
        if number != signal.SIGHUP:
            _LOG.warn(f"{signal.Signals(number).name} received. Shutting down.")
        action()

    return handle


def _test(settings: Settings, folder: Path) -> int:
    try:
        for source in fetch(settings, folder):
            Pipeline(source).test()
    except Unreadable as exc:
        print(f"ERROR: {exc}", file=sys.stderr, flush=True)
        return 1
    except Refused as exc:
        _LOG.fatal(f"The given configuration is invalid. Reason: {exc}")
        return 1
    print("Configuration OK", flush=True)
    _LOG.info("Using config.test_and_exit mode. Config Validation Result: OK. Exiting Logstash")
    return 0


def _locked(folder: Path) -> Any:
    lock = (folder / ".lock").open("wb")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise Refused(
            "Logstash could not be started because there is already another instance using the "
            "configured data "
            'directory.  If you wish to run multiple instances, you must change the "path.data" '
            "setting."
        ) from None
    return lock
