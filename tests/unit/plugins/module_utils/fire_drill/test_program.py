# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The drill as a program: its command line, its unit, and the host's services as it reaches them."""

from __future__ import annotations

import http.server
import json
import os
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from ansible_collections.barehost.monitoring.plugins.module_utils.fire_drill import (
    _main,
    _settings,
    _textfile,
    _transient,
    _world,
)
from ansible_collections.barehost.monitoring.plugins.modules import fire_drill

PACKAGE = Path(_main.__file__).parent
ROLE = Path(__file__).parents[5] / "roles/fire_drill"


def test_the_program_is_complete_wherever_it_goes(tmp_path: Path) -> None:
    """What the module ships runs by itself, and so does what the role deploys."""
    folder = tmp_path / "run"
    _transient.install(str(folder), _transient.sources(fire_drill._PROGRAM))
    names = sorted(path.name for path in (folder / "fire_drill").iterdir())
    wanted = sorted(path.name for path in PACKAGE.glob("*.py") if path.name != "_transient.py")
    assert names == wanted
    modules = yaml.safe_load((ROLE / "vars/main.yml").read_text())["__fire_drill_modules"]
    assert sorted(f"{name}.py" for name in modules) == wanted
    settings = tmp_path / "settings.json"
    settings.write_text('{"listen": "nowhere", "patience": 0}')
    command = [sys.executable, "-B", "-m", "fire_drill._main", "check", f"--settings={settings}"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "fire_drill: listen: 'nowhere' is no host:port (example: 127.0.0.1:9195); "
        "patience: 0 is no number of seconds to wait\n"
    )
    _transient.uninstall(str(folder))
    assert not folder.exists()


def test_no_secret_stands_in_the_command_of_the_unit() -> None:
    settings = _settings.Settings(url_username="drill", url_password="planted")
    command = _transient.command(settings, "/run/x", 101, 102)
    assert "planted" not in " ".join(command)
    assert command[-4:] == ["fire_drill._main", "drill", "--settings=-", "--json"]
    for wanted in ("User=101", "Group=102", "ExecStopPost=+/bin/rm -rf /run/x"):
        assert f"--property={wanted}" in command


def test_a_directory_with_signs_of_systemd_is_written_as_it_is() -> None:
    settings = _settings.Settings(textfile_directory='/var/a b%h$x"y')
    (clean,) = [word for word in _transient.command(settings, "/run/x", 0, 0) if " clean " in word]
    assert '--textfile-directory="/var/a b%%h$$x\\"y" --listen' in clean


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "runtime"
    folder.mkdir()
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(folder))
    return folder


@pytest.fixture
def textfiles(tmp_path: Path) -> Path:
    folder = tmp_path / "textfile"
    folder.mkdir()
    (folder / _textfile.FAULT).write_text("left behind")
    return folder


def clean(textfiles: Path, port: int, patience: float) -> int:
    places = [f"--textfile-directory={textfiles}", f"--listen=127.0.0.1:{port}"]
    return _main.main(["clean", *places, f"--patience={patience}"])


def test_what_a_drill_left_goes_at_once(textfiles: Path, runtime: Path, free_port: int) -> None:
    begin = time.monotonic()
    assert clean(textfiles, free_port, 30) == 0
    assert os.listdir(textfiles) == []
    assert time.monotonic() - begin < 1


def test_the_message_that_it_is_over_is_still_taken(
    textfiles: Path, runtime: Path, free_port: int
) -> None:
    _main._mark(True)
    told: list[int] = []

    def tell() -> None:
        body = json.dumps({"alerts": [{"status": "resolved", "labels": {"drill": "x"}}]}).encode()
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        limit = time.monotonic() + 10
        while not told and time.monotonic() < limit:
            time.sleep(0.1)
            try:
                with opener.open(f"http://127.0.0.1:{free_port}/", body, timeout=5) as answer:
                    assert os.listdir(textfiles) == [], "the fault was to go first"
                    told.append(answer.status)
            except OSError:
                continue

    teller = threading.Thread(target=tell)
    teller.start()
    begin = time.monotonic()
    clean(textfiles, free_port, 20)
    assert time.monotonic() - begin < 10, "it went on waiting"
    teller.join()
    assert told == [200]


def test_it_does_not_wait_for_ever(textfiles: Path, runtime: Path, free_port: int) -> None:
    _main._mark(True)
    begin = time.monotonic()
    clean(textfiles, free_port, 0.5)
    assert 0.4 < time.monotonic() - begin < 3


def test_the_mark_goes_when_nothing_is_on_its_way(runtime: Path) -> None:
    _main._mark(True)
    assert os.listdir(runtime)
    _main._mark(False)
    _main._mark(False)
    assert os.listdir(runtime) == []


@pytest.fixture
def free_port() -> int:
    import socket

    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


# -- the services -------------------------------------------------------------


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers as the path says."""

    def do_GET(self) -> None:
        login = self.headers.get("Authorization", "")
        status = int(self.path.strip("/") or 200)
        body = json.dumps({"login": login}).encode() if status == 200 else b"no rights\n"
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


@pytest.fixture
def service() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_it_logs_in_where_it_is_asked_to(service: str) -> None:
    login = {"url_username": "drill", "url_password": "secret"}
    for known in ({"prometheus": (service,)}, {"alertmanagers": (service,)}):
        settings = _settings.Settings(**login, **known)  # type: ignore[arg-type]
        assert _world.get(service, settings) == {"login": "Basic ZHJpbGw6c2VjcmV0"}
    # Nobody but Prometheus has named it.
    assert _world.get(service, _settings.Settings(**login)) == {"login": ""}  # type: ignore[arg-type]
    assert _world.get(service, _settings.Settings()) == {"login": ""}


@pytest.mark.parametrize(
    ("path", "words"),
    [("/401", r"answers 401 \(no rights\)"), ("/503", r"answers 503 \(no rights\)")],
)
def test_a_refusal_is_told_in_words(service: str, path: str, words: str) -> None:
    with pytest.raises(OSError, match=words):
        _world.get(f"{service}{path}", _settings.Settings())


def test_silence_is_told_in_words(free_port: int) -> None:
    with pytest.raises(OSError, match="Connection refused"):
        _world.get(f"http://127.0.0.1:{free_port}/", _settings.Settings())


# -- amtool -------------------------------------------------------------------

AMTOOL = Path(__file__).parents[5] / ".cache/tools"
CONFIG = """
route:
  receiver: operators
  routes:
    - {matchers: ['alertname="FireDrill"'], receiver: fire-drill}
    - {matchers: ['alertname="FireDrillPage"'], receiver: fire-drill, continue: true}
    - {matchers: ['host=~"a b.*"'], receiver: night-shift}
    - {matchers: ['alertname="FireDrillPage"'], receiver: operators}
receivers:
  - {name: operators, webhook_configs: [{url: <secret>}]}
  - {name: night-shift}
  - {name: fire-drill}
"""


@pytest.mark.parametrize("version", ["current", "previous"])
@pytest.mark.parametrize(
    ("labels", "wanted"),
    [
        ({"alertname": "FireDrill", "host": 'a b"c\\d, é'}, ["fire-drill"]),
        ({"alertname": "FireDrillPage", "host": "x"}, ["fire-drill", "operators"]),
        ({"alertname": "FireDrillPage", "host": 'a b"c\\d, é'}, ["fire-drill", "night-shift"]),
        ({"alertname": "Other"}, ["operators"]),
    ],
)
def test_amtool_says_who_would_be_told(
    version: str, labels: dict[str, str], wanted: list[str]
) -> None:
    assert _world.receivers(str(AMTOOL / version / "amtool"), CONFIG, labels) == wanted


def test_a_configuration_that_amtool_refuses_is_an_error() -> None:
    with pytest.raises(OSError, match="amtool: error: no routes? provided"):
        _world.receivers(str(AMTOOL / "current/amtool"), "receivers: []", {"a": "b"})


def test_without_amtool_it_says_so() -> None:
    with pytest.raises(OSError, match="^/nonexistent/amtool is missing on this host$"):
        _world.receivers("/nonexistent/amtool", CONFIG, {"a": "b"})
