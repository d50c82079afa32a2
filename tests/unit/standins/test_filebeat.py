# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in for Filebeat: settings, files that grow and rotate, and what arrives at a Beats port."""

from __future__ import annotations

import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme
from ansible_collections.barehost.monitoring.tests.unit.standins.fakes import wait

from elastic.filebeat import command, ship
from elastic.filebeat.settings import Output
from elastic.logstash.logs import Log
from elastic.logstash.lumberjack import Data, Listener, Peer

STANDINS = Path(__file__).resolve().parents[2] / "standins"
MAIN = "import sys; from elastic.filebeat.command import main; sys.exit(main(sys.argv[1:]))"


class Receiver:
    """Listens as Logstash does; may say no."""

    def __init__(self, port: int) -> None:
        self.port, self.events, self.willing = port, list[Data](), True
        self.start()

    def start(self) -> None:
        self._listener = Listener("127.0.0.1", self.port, None, 60, self._store, Log("test"))

    def stop(self) -> None:
        self._listener.stop()

    def _store(self, events: list[Data], _peer: Peer, _alive: Callable[[], None]) -> bool:
        if self.willing:
            self.events += events
        return self.willing

    @property
    def lines(self) -> list[str]:
        return [event["message"] for event in self.events]


@pytest.fixture
def receiver(port: int) -> Iterator[Receiver]:
    """Begin to listen."""
    made = Receiver(port)
    yield made
    made.stop()


class Filebeat:
    """The stand-in as a process of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command_line = [
            sys.executable,
            "-c",
            MAIN,
            "-e",
            "-c",
            str(self._folder / "filebeat.yml"),
            f"--path.data={self._folder}/data",
        ]
        environment = {**os.environ, "PYTHONPATH": str(STANDINS)}
        self._process = subprocess.Popen(command_line, env=environment, stderr=subprocess.DEVNULL)

    def end(self, number: int = signal.SIGTERM) -> int:
        assert self._process
        self._process.send_signal(number)
        return self._process.wait(10)


@pytest.fixture
def filebeat(tmp_path: Path, receiver: Receiver) -> Iterator[Filebeat]:
    """Write settings and start."""
    (tmp_path / "filebeat.yml").write_text(_settings(tmp_path, receiver.port))
    made = Filebeat(tmp_path)
    made.start()
    yield made
    made.end(signal.SIGKILL)


def _settings(folder: Path, port: int) -> str:
    return f"""
filebeat.inputs:
  - {{type: filestream, id: app, paths: [{folder}/*.log], fields: {{app: a}}, tags: [t]}}
output.logstash: {{hosts: ["127.0.0.1:{port}"], bulk_max_size: 50}}
"""


def _append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def test_an_event_is_filebeats(filebeat: Filebeat, receiver: Receiver, tmp_path: Path) -> None:
    _append(tmp_path / "app.log", b"first\n\nsecond\r\nno end yet")
    first, second = wait(lambda: len(receiver.events) == 2 and receiver.events)
    assert {k: first[k] for k in ("message", "log", "input", "ecs", "fields", "tags")} == {
        "message": "first",
        "log": {"offset": 0, "file": {"path": f"{tmp_path}/app.log"}},
        "input": {"type": "filestream"},
        "ecs": {"version": "8.0.0"},
        "fields": {"app": "a"},
        "tags": ["t"],
    }
    assert first["@metadata"] == {"beat": "filebeat", "type": "_doc", "version": "8.5.0"}
    assert first["host"]["name"] == first["agent"]["name"]
    assert (second["message"], second["log"]["offset"]) == ("second", 7)
    _append(tmp_path / "app.log", b"\n")
    wait(lambda: receiver.lines[-1] == "no end yet")


def test_odd_lines_arrive(filebeat: Filebeat, receiver: Receiver, tmp_path: Path) -> None:
    _append(
        tmp_path / "app.log",
        b"x" * 1_000_000 + b"\n" + b"a\xffb\n" + "ü\u2028\n".encode() + b"y" * (10 << 20) + b"yz\n",
    )
    wait(lambda: len(receiver.lines) == 4)
    assert receiver.lines[:3] == ["x" * 1_000_000, "a\ufffdb", "ü\u2028"]
    assert len(receiver.lines[3]) == 10 << 20
    assert receiver.events[3]["log"]["flags"] == ["truncated"]


def test_rotation_by_renaming_and_by_truncation(
    filebeat: Filebeat, receiver: Receiver, tmp_path: Path
) -> None:
    log = tmp_path / "app.log"
    _append(log, b"1\n")
    wait(lambda: receiver.lines == ["1"])
    log.rename(tmp_path / "app.old")  # not one of the paths
    _append(tmp_path / "app.old", b"2\n")
    _append(log, b"3\n")
    wait(lambda: sorted(receiver.lines) == ["1", "2", "3"])
    log.rename(tmp_path / "app-1.log")  # one of the paths
    _append(log, b"4 is longer\n")
    wait(lambda: receiver.lines[-1] == "4 is longer")
    log.write_bytes(b"5\n")
    wait(lambda: receiver.lines[-1] == "5")
    assert len(receiver.lines) == 5


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_lost_when_either_side_ends(
    filebeat: Filebeat, receiver: Receiver, tmp_path: Path, number: int
) -> None:
    _append(tmp_path / "app.log", b"".join(b"%d\n" % i for i in range(200)))
    wait(lambda: len(receiver.lines) >= 100)
    filebeat.end(number)
    receiver.willing = False
    _append(tmp_path / "app.log", b"".join(b"%d\n" % i for i in range(200, 300)))
    filebeat.start()
    time.sleep(0.5)
    receiver.willing = True
    wait(lambda: "299" in receiver.lines)
    assert list(dict.fromkeys(map(int, receiver.lines))) == list(range(300))
    if number == signal.SIGTERM:
        assert len(receiver.lines) == 300


def test_the_figures(tmp_path: Path, receiver: Receiver, port: int) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        web = probe.getsockname()[1]
    (tmp_path / "filebeat.yml").write_text(
        f"{_settings(tmp_path, port)}\nhttp: {{enabled: true, host: 127.0.0.1, port: {web}}}"
    )
    beat = Filebeat(tmp_path)
    beat.start()
    try:
        _append(tmp_path / "app.log", b"1\n2\n")
        wait(lambda: len(receiver.lines) == 2)
        with urllib.request.urlopen(f"http://127.0.0.1:{web}/stats") as answer:
            assert b'"acked": 2' in answer.read()
    finally:
        assert beat.end() == 0


def test_tls_with_and_without_the_right_authority(tmp_path: Path, port: int) -> None:
    authority, other = trustme.CA(), trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    for name, one in (("right", authority), ("wrong", other)):
        one.cert_pem.write_to_path(str(tmp_path / name))
    got: list[Data] = []
    listener = Listener(
        "127.0.0.1", port, context, 60, lambda events, *_: not got.extend(events), Log("test")
    )

    def sent(host: str, mode: str, authority: str) -> bool:
        ended = threading.Event()
        tls = {
            "mode": mode,
            "authorities": [str(tmp_path / authority)],
            "certificate": None,
            "key": None,
        }
        shipper = ship.Shipper(Output([f"{host}:{port}"], 10, 5, tls), ended)
        threading.Timer(0.3, ended.set).start()
        return shipper.send([{"message": mode}])

    try:
        assert sent("localhost", "full", "right")
        assert not sent("127.0.0.1", "full", "right")
        assert sent("127.0.0.1", "certificate", "right")
        assert not sent("localhost", "full", "wrong")
        assert sent("localhost", "none", "wrong")
    finally:
        listener.stop()
    assert [event["message"] for event in got] == ["full", "certificate", "none"]


Check = Callable[..., tuple[int, str]]


@pytest.fixture
def check(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Check:
    """Run a command on settings; returns the exit code and all that was said."""

    def run(text: str, *words: str, mode: int = 0o600) -> tuple[int, str]:
        path = tmp_path / "filebeat.yml"
        path.write_text(text)
        path.chmod(mode)
        code = command.main([*words, "-c", str(path), "--path.data", str(tmp_path / "data"), "-e"])
        told = capfd.readouterr()
        return code, told.out + told.err

    return run


INPUT = "filebeat.inputs: [{type: filestream, id: a, paths: [/x]}]\n"
OUTPUT = 'output.logstash.hosts: ["localhost:5044"]\n'


@pytest.mark.parametrize(
    "text",
    [
        INPUT + OUTPUT,
        INPUT + "output: {logstash: {hosts: localhost}}\n",
        INPUT + OUTPUT + "no_such_setting: 1\noutput.elasticsearch.enabled: false\n",
        INPUT + "output.logstash: {hosts: ['${NOBODY:localhost}'], timeout: 1m30s}\n",
        "filebeat.inputs: [{type: filestream, id: a}]\n" + OUTPUT,  # only a start looks at inputs
        INPUT
        + OUTPUT
        + "processors: [{add_host_metadata: ~}, {add_fields: {target: '', fields: {a.b: 1}}}]\n",
    ],
)
def test_settings_that_are_fine(check: Check, text: str) -> None:
    assert check(text, "test", "config") == (0, "Config OK\n")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (INPUT, "no outputs are defined"),
        (
            INPUT + OUTPUT + "output.elasticsearch.hosts: [a]\n",
            "more than one namespace configured accessing 'output'",
        ),
        (
            INPUT + "output.logstash: {timeout: 1s}\n",
            "missing required field accessing 'output.logstash.hosts'",
        ),
        (
            INPUT + "output.logstash: {hosts: [a], bulk_max_size: many}\n",
            "can not convert 'string' into 'int' accessing 'output.logstash.bulk_max_size'",
        ),
        (
            INPUT + "output.logstash: {hosts: [a], ssl: {certificate_authorities: [/nowhere]}}\n",
            "open /nowhere: no such file",
        ),
        (
            INPUT + "output.logstash: {hosts: [a], ssl: {enabled: perhaps}}\n",
            "can not convert 'string' into 'bool' accessing 'output.logstash.ssl.enabled'",
        ),
        (OUTPUT, "no modules or inputs enabled"),
        (INPUT + "output.logstash.hosts: ['${NOBODY}']\n", "missing field accessing 'NOBODY'"),
        (INPUT + OUTPUT + "a: [\n", "error loading config file: yaml: line"),
        (INPUT + OUTPUT + "filebeat.prospectors: []\n", "setting 'prospectors' has been removed"),
        (
            INPUT + OUTPUT + "processors: [{no_such: 1}]\n",
            "the processor action no_such does not exist",
        ),
    ],
)
def test_settings_that_are_refused(check: Check, text: str, wanted: str) -> None:
    code, told = check(text, "test", "config")
    assert code == 1
    assert told.startswith("Exiting: ")
    assert wanted in told


@pytest.mark.parametrize(
    ("inputs", "wanted"),
    [
        ("[{type: filestream, id: a}]", "no path is configured accessing 'filebeat.inputs.0'"),
        ("[{type: filestrem, paths: [/x]}]", "No such input type exist: 'filestrem'"),
        (
            "[{type: filestream, paths: [/x], ignore_older: soon}]",
            "can not convert 'string' into 'duration'",
        ),
    ],
)
def test_inputs_that_a_start_refuses(check: Check, inputs: str, wanted: str) -> None:
    code, told = check(f"filebeat.inputs: {inputs}\n{OUTPUT}")
    assert code == 1
    assert wanted in told


def test_settings_that_others_may_write_are_refused(check: Check) -> None:
    code, told = check(INPUT + OUTPUT, "test", "config", mode=0o666)
    assert code == 1
    assert "can only be writable by the owner but the permissions are" in told


def test_the_test_of_the_output(check: Check, receiver: Receiver) -> None:
    text = INPUT + f'output.logstash.hosts: ["127.0.0.1:{receiver.port}"]\n'
    assert check(text, "test", "output")[0] == 0
    receiver.stop()
    code, told = check(text, "test", "output")
    assert code == 1
    assert "connection refused" in told
