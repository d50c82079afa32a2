# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: `kibana`, with its settings in KBN_PATH_CONF."""

import os
import signal
import socket
import ssl
import sys
import threading
import time
import uuid
from pathlib import Path
from typing import Any

import yaml

from elastic.common.elasticsearch import Away, Client, basic, trust
from elastic.common.web import Web
from elastic.kibana import HOME, version
from elastic.kibana.api import Kibana
from elastic.kibana.settings import Invalid, load
from elastic.kibana.store import Fault

_LOOK = 1.0


def log(level: str, logger: str, message: str) -> None:
    """Write a line as Kibana does."""
    when = time.strftime("%Y-%m-%dT%H:%M:%S.000+00:00", time.gmtime())
    print(f"[{when}][{level.upper():<5}][{logger}] {message}", flush=True)


def main(arguments: list[str]) -> int:
    """Do what the command line says."""
    if {"--version", "-V"} & set(arguments):
        print(f"{version()}+stand-in")
        return 0
    if os.geteuid() == 0 and "--allow-root" not in arguments:
        print("Kibana should not be run as root.  Use --allow-root to continue.", file=sys.stderr)
        return 1
    log("info", "root", f"Starting a stand-in for Kibana {version()}, for tests alone")
    try:
        paths, overrides = _parsed(arguments)
        settings = load(paths[0], overrides, tuple(paths[1:]))
        data = Path(settings.get("path.data", HOME / "data"))
        if not _writable(data):
            raise Invalid(f"Error: EACCES: permission denied, open '{data}/uuid'", 1)
        return _serve(settings, _uuid(data))
    except Invalid as exc:
        log("fatal", "root", f"Error: {exc}")
        print(f"\n FATAL  Error: {exc}\n", file=sys.stderr, flush=True)
        return exc.code


def _parsed(arguments: list[str]) -> tuple[list[Path], dict[str, Any]]:
    paths: list[Path] = []
    overrides: dict[str, Any] = {}
    rest = list(arguments)
    while rest:
        name, equals, value = rest.pop(0).partition("=")
        if name == "--allow-root":
            continue
        if not name.startswith("-"):
            raise Invalid(f"unknown command {name}", 64)
        value = value if equals else rest.pop(0) if rest else ""
        if name in ("-c", "--config"):
            paths.append(Path(value))
        else:
            overrides[name.lstrip("-")] = yaml.safe_load(value)
    default = Path(os.environ.get("KBN_PATH_CONF", HOME / "config")) / "kibana.yml"
    return paths or [default], overrides


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)


def client_of(settings: dict[str, Any]) -> Client:
    """Return the client that the settings describe; raises Invalid."""
    headers: dict[str, str] = {}
    if token := settings.get("elasticsearch.serviceAccountToken"):
        headers["Authorization"] = f"Bearer {token}"
    elif user := settings.get("elasticsearch.username"):
        headers |= basic(user, settings.get("elasticsearch.password", ""))
    hosts = settings.get("elasticsearch.hosts", ["http://localhost:9200"])
    tls = None
    if any(host.startswith("https:") for host in hosts):
        given = settings.get("elasticsearch.ssl.certificateAuthorities") or [None]
        authority = given if isinstance(given, str) else given[0]
        mode = settings.get("elasticsearch.ssl.verificationMode", "full")
        try:
            tls = trust(authority, mode != "none", mode == "full")
        except (OSError, ssl.SSLError) as exc:
            raise Invalid(f"Error: {exc}: {authority}", 1) from None
    return Client(hosts, headers, tls, 30)


def _uuid(folder: Path) -> str:
    """Keep one for ever."""
    path = folder / "uuid"
    if not path.exists():
        path.write_text(str(uuid.uuid4()), encoding="utf-8")
    return path.read_text(encoding="utf-8").strip()


def _serve(settings: dict[str, Any], identity: str) -> int:
    host, port = settings.get("server.host", "localhost"), settings.get("server.port", 5601)
    settings = {"server.uuid": identity, **settings}
    kibana = Kibana(
        settings,
        client_of(settings),
        version(),
        str(settings.get("server.name") or socket.gethostname()),
    )
    try:
        web = Web("127.0.0.1" if host == "localhost" else host, port, kibana.answer, _tls(settings))
    except OSError as exc:
        raise Invalid(
            f"Port {port} is already in use. Another instance of Kibana may be running! ({exc})", 78
        ) from None
    log("info", "http.server.Preboot", f"http server running at http://{host}:{port}")
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    connected = [
        n for n in ("hosts", "username", "serviceAccountToken") if f"elasticsearch.{n}" in settings
    ]
    if not connected:
        log(
            "info",
            "preboot",
            "Kibana has not been configured.\n\nGo to http://localhost:5601/?code=000000 to get "
            "started.\n",
        )
        ended.wait()
    while not ended.is_set():
        look(kibana)
        ended.wait(_LOOK)
    log("info", "root", "SIGTERM received - initiating shutdown")
    web.close()
    return 0


def _tls(settings: dict[str, Any]) -> ssl.SSLContext | None:
    if not settings.get("server.ssl.enabled"):
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(settings["server.ssl.certificate"], settings["server.ssl.key"])
    except (OSError, ssl.SSLError) as exc:
        raise Invalid(f"Error: {exc}", 1) from None
    return context


def look(kibana: Kibana) -> None:
    """Ask Elasticsearch how it is."""
    client = client_of(kibana.settings)
    try:
        status, told = client.ask(
            "GET", "/_nodes?filter_path=nodes.*.version,nodes.*.http.publish_address,nodes.*.ip"
        )
        if status == 401:
            log(
                "error",
                "elasticsearch-service",
                "Unable to retrieve version information from Elasticsearch nodes. "
                "security_exception",
            )
        found = (
            [node["version"] for node in told.get("nodes", {}).values()] if status == 200 else []
        )
        _fits(kibana.version, found)
        kibana.alive = bool(found)
        if found and not kibana.ready:
            outsider = Client(client.hosts, {}, client.tls, 30)
            kibana.secured = outsider.ask("GET", "/_security/_authenticate")[0] == 401
            outsider.close()
            kibana.store.prepare()
            kibana.ready = True
            log("info", "status", "Kibana is now available (was unavailable)")
    except (Away, Fault) as exc:
        if kibana.alive or not kibana.ready:
            log(
                "error",
                "elasticsearch-service",
                f"Unable to retrieve version information from Elasticsearch nodes. {exc}",
            )
        kibana.alive = False
    finally:
        client.close()


def _fits(own: str, nodes: list[str]) -> None:
    """Refuse nodes of another major version, and older ones; raises Fault, and Kibana goes on waiting."""
    mine = [int(part) for part in own.split(".")[:2]]
    found = {node: [int(part) for part in node.split(".")[:2]] for node in nodes}
    wrong = [node for node, parts in found.items() if parts < mine or parts[0] != mine[0]]
    if wrong:
        raise Fault(
            503,
            f"This version of Kibana (v{own}) is incompatible with the following Elasticsearch "
            f"nodes in your "
            f"cluster: {', '.join('v' + node for node in wrong)}",
        )
