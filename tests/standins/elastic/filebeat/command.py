# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: `filebeat -c /etc/filebeat/filebeat.yml`, `filebeat test config`, `test output`."""

import os
import signal
import socket
import sys
import threading
import time
import uuid
from pathlib import Path
from typing import Any

import yaml

from elastic.common import Refused
from elastic.common.web import Answer, Request, Web
from elastic.filebeat import HOME, logs, version
from elastic.filebeat.events import Maker, hostname
from elastic.filebeat.harvest import Harvest, Line
from elastic.filebeat.registry import Registry
from elastic.filebeat.settings import Config, Input, Output, check, load
from elastic.filebeat.ship import Shipper, endpoint

_LOOK = 0.3  # seconds between looks; Filebeat itself looks every ten, and waits two for more
_WITHOUT_VALUE = ("e", "strict.perms", "once", "v")
_MOST_BYTES = 32 << 20  # of a window


def main(arguments: list[str]) -> int:
    """Do what the command line says."""
    words, flags, settings = _parsed(arguments)
    if words == ["version"]:
        print(
            f"filebeat version {version()} ({os.uname().machine}), libbeat {version()} [stand-in]"
        )
        return 0
    home = Path(flags.get("path.home", HOME))
    places = {
        "config": Path(flags.get("path.config", home)),
        "data": Path(flags.get("path.data", home / "data")),
        "logs": Path(flags.get("path.logs", home / "logs")),
    }
    path = Path(flags.get("c", "filebeat.yml"))
    try:
        config = load(
            path if path.is_absolute() else places["config"] / path,
            settings,
            flags.get("strict.perms") != "false",
        )
        for name in places:
            if f"path.{name}" not in flags and config.at(f"path.{name}"):
                places[name] = Path(config.at(f"path.{name}"))
        output = check(config)
        if words == ["test", "config"]:
            print("Config OK")
            return 0
        if words == ["test", "output"]:
            return _test_output(output)
        if words not in ([], ["run"]):
            raise Refused(f'unknown command "{" ".join(words)}" for "filebeat"')
        if (
            "e" not in flags
            and config.at("logging.to_files", True)
            and not config.at("logging.to_stderr")
        ):
            logs.to_files(Path(config.at("logging.files.path") or places["logs"]))
        return Beat(config, output, places["data"]).run()
    except Refused as exc:
        print(f"Exiting: {exc}", file=sys.stderr, flush=True)
        return 1


def _parsed(arguments: list[str]) -> tuple[list[str], dict[str, str], dict[str, Any]]:
    words: list[str] = []
    flags: dict[str, str] = {}
    settings: dict[str, Any] = {}
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if not word.startswith("-"):
            words.append(word)
            continue
        name, equals, value = word.lstrip("-").partition("=")
        if name == "E":
            name, _equals, value = (value or rest.pop(0)).partition("=")
            settings[name] = yaml.safe_load(value)
        elif name in _WITHOUT_VALUE or equals:
            flags[name] = value
        else:
            flags[name] = rest.pop(0) if rest else ""
    return words, flags, settings


def _test_output(output: Output) -> int:
    code = 0
    for given in output.hosts:
        host, port = endpoint(given)
        print(f"logstash: {host}:{port}...\n  connection...\n    parse host... OK")
        try:
            socket.create_connection((host, port), 5).close()
        except OSError as exc:
            print(
                f"    dial up... ERROR dial tcp {host}:{port}: connect: "
                f"{(exc.strerror or str(exc)).lower()}"
            )
            code = 1
            continue
        print("    dial up... OK")
        print("  TLS... OK" if output.tls else "  TLS... WARN secure connection disabled")
        print("  talk to server... OK")
    return code


class Beat:
    """Reads files and sends their lines; an offset is kept when a line is acknowledged."""

    def __init__(self, config: Config, output: Output, data: Path) -> None:
        logs.log("info", f"Starting a stand-in for Filebeat {version()}, for tests alone")
        self._inputs = config.inputs()
        ids = [one.id for one in self._inputs]
        for name in {name for name in ids if ids.count(name) > 1}:
            logs.log(
                "error",
                f"filestream input with ID '{name}' already exists, this will lead to data "
                f"duplication, please use a different ID",
            )
        self._output, self._registry = output, Registry(data)
        self._ended = threading.Event()
        self._shipper = Shipper(output, self._ended)
        self._harvests = [(one, Harvest(one, self._registry)) for one in self._inputs]
        name = str(config.at("name") or hostname())
        self._maker = Maker(
            version(),
            name,
            self._registry.uuid,
            str(uuid.uuid4()),
            config.at("fields") or {},
            bool(config.at("fields_under_root", False)),
            [str(tag) for tag in config.at("tags") or []],
            config.processors(config.at("processors"), "processors"),
        )
        self._web = self._served(config)

    def run(self) -> int:
        """Run until the end."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._ended.set())
        while not self._ended.is_set():
            if not self._round():
                self._ended.wait(_LOOK)
        logs.log("info", "filebeat stopped.")
        self._shipper.close()
        for _settings, harvest in self._harvests:
            harvest.close()
        self._registry.close()
        return 0

    def _round(self) -> int:
        """Send what there is and return how many lines it was."""
        sent, size = 0, 0
        window: list[tuple[Line, Input]] = []
        for settings, harvest in self._harvests:
            for line in harvest.lines():
                window.append((line, settings))
                size += len(line.text)
                if len(window) >= self._output.bulk or size >= _MOST_BYTES:
                    if not self._sent(window):
                        return sent
                    sent, size, window = sent + len(window), 0, []
        if window and self._sent(window):
            sent += len(window)
        return sent

    def _sent(self, window: list[tuple[Line, Input]]) -> bool:
        if not self._shipper.send([self._maker.event(line, settings) for line, settings in window]):
            return False
        self._registry.keep({line.key: (line.behind, line.path) for line, _settings in window})
        return True

    def _served(self, config: Config) -> Web | None:
        if not config.typed("http.enabled", "bool", False):
            return None
        host, port = (
            config.typed("http.host", "string", "localhost"),
            config.typed("http.port", "int", 5066),
        )
        try:
            return Web(host, port, self._answer)
        except OSError as exc:
            raise Refused(
                f"could not start the HTTP server for the API: listen tcp {host}:{port}: bind: "
                f"{exc.strerror}"
            ) from None

    def _answer(self, request: Request) -> Answer:
        figures = self._shipper.figures
        if request.path == "/":
            told: dict[str, Any] = {
                "beat": "filebeat",
                "hostname": hostname(),
                "name": self._maker.name,
            }
            return Answer(
                200, {**told, "uuid": self._maker.id, "version": version(), "stand-in": True}
            )
        if request.path == "/stats":
            output = {"type": "logstash", "events": figures}
            harvester = {"open_files": sum(harvest.count for _settings, harvest in self._harvests)}
            beat = {"info": {"version": version(), "uptime": {"ms": int(time.monotonic() * 1000)}}}
            return Answer(
                200,
                {"beat": beat, "filebeat": {"harvester": harvester}, "libbeat": {"output": output}},
            )
        return Answer(404, {"status": 404})
