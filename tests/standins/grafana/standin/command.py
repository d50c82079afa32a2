# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: `grafana server`, `grafana cli ... admin reset-admin-password`."""

import signal
import sys
import threading
import urllib.parse
from pathlib import Path

from standin import Refused, database, fail, ini, log
from standin.server import Server, listener

VERSION = Path(__file__).resolve().parents[2].joinpath("VERSION")


def version() -> str:
    """Tell the version, which says what this is."""
    return VERSION.read_text(encoding="utf-8").strip()


def main(arguments: list[str]) -> int:
    """Do what the command line says."""
    if arguments[:1] in (["--version"], ["-v"]):
        print(f"grafana version {version()}")
        return 0
    flags = dict(a.lstrip("-").partition("=")[::2] for a in arguments[1:] if a.startswith("-"))
    words = [a for a in arguments if not a.startswith("-")]
    try:
        home = flags.get("homepath") or "."
        settings = ini.load(f"{home}/conf/defaults.ini", flags.get("config") or "")
        if words == ["server"]:
            return _serve(settings)
        if words == ["cli", "admin", "reset-admin-password"] and "password-from-stdin" in flags:
            return _reset(settings, int(flags.get("user-id") or 1))
    except Refused as exc:
        return fail(str(exc))
    return fail(f"the stand-in knows no command {' '.join(words)}")


def _reset(settings: ini.Sections, user: int) -> int:
    line = sys.stdin.readline()
    if not line:
        raise Refused("can't read password from stdin")
    store = database.at(settings["paths"]["data"], settings)
    try:
        store.set_password(user, line.rstrip("\r\n"))
    finally:
        store.close()
    print("Admin password changed successfully ✔ (stand-in)")
    return 0


def _serve(settings: ini.Sections) -> int:
    log("info", "Starting a stand-in for Grafana, for tests alone", version=version())
    root = urllib.parse.urlsplit(settings["server"]["root_url"])
    if root.scheme not in ("http", "https") or not root.netloc:
        raise Refused(f"could not parse root_url {settings['server']['root_url']}")
    store = database.at(settings["paths"]["data"], settings)
    server = Server(settings, store, version())
    server.provision()
    http = listener(server)
    log("info", "HTTP Server Listen", address=http.server_address)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=http.shutdown).start())
    http.serve_forever(0.1)
    server.watcher.ended.set()
    server.watcher.join()
    store.close()
    return 0
