# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""fakehost: a stand-in for any daemon, made for tests only.

    fakehost check CONFIG                         what promtool is to Prometheus
    fakehost serve --config=F --listen=A:P ...    further arguments are kept and shown at /argv
    fakehost --version

The configuration is `key = value` lines. `mode`, in the configuration or in the file `mode` beside the program
(so a release can be born bad), makes it misbehave in a way no checker can see.
"""

from __future__ import annotations

import glob
import hashlib
import http.server
import json
import os
import re
import signal
import socket
import sys
import threading
import time
from pathlib import Path

HOME = Path(os.path.realpath(__file__)).parent
KEYS = ("greeting", "rules", "certificate", "ca_file", "secret_file", "mode")
MODES = ("ok", "refuse", "crash", "unhealthy", "stubborn", "deaf", "reload-fails", "slow")


class ConfigError(Exception):
    """Something in the configuration that the daemon refuses."""


def release_file(name: str, default: str) -> str:
    """Read a one-line file of the release."""
    path = HOME / name
    return path.read_text(encoding="utf-8").strip() if path.exists() else default


def parse(path: Path) -> dict[str, str]:
    """Read `key = value` lines."""
    config: dict[str, str] = {}
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as exc:
        raise ConfigError(f"open {path}: {exc.strerror}") from exc
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        key, separator, value = line.partition("=")
        if not separator or key.strip() not in KEYS:
            raise ConfigError(f"{path}:{number}: unknown key {key.strip()!r}")
        config[key.strip()] = value.strip()
    if config.get("mode", "ok") not in MODES:
        raise ConfigError(f"{path}: unknown mode {config['mode']!r}")
    return config


def read_rules(base: Path, pattern: str) -> dict[str, int]:
    """Count the rules of each file that the pattern, relative to the configuration, matches."""
    counts = {}
    for name in sorted(glob.glob(str(base / pattern))):
        lines = Path(name).read_text(encoding="utf-8").splitlines()
        for number, line in enumerate(lines, 1):
            if not re.fullmatch(r"(rule \S+.*)?", line):
                raise ConfigError(f"{name}:{number}: not a rule: {line!r}")
        counts[os.path.basename(name)] = sum(1 for line in lines if line)
    return counts


class Daemon:
    """The state behind the HTTP answers."""

    def __init__(self, config: Path) -> None:
        self.path = config
        self.successful = 0
        self.timestamp = 0.0
        self.pools_failed = 0
        self.config: dict[str, str] = {}
        self.rules: dict[str, int] = {}

    @property
    def mode(self) -> str:
        """How to behave: the release's own vice, else the configuration's."""
        return release_file("mode", "") or self.config.get("mode", "ok")

    def load(self) -> None:
        """Read everything; raise when something is refused."""
        config = parse(self.path)
        base = self.path.parent
        rules = read_rules(base, config["rules"]) if "rules" in config else {}
        if "certificate" in config and not (base / config["certificate"]).exists():
            raise ConfigError(f"certificate {config['certificate']}: no such file or directory")
        if "ca_file" in config and not (base / config["ca_file"]).exists():
            self.pools_failed += 1
        self.config, self.rules = config, rules
        self.successful, self.timestamp = 1, time.time()

    def reload(self) -> None:
        """Read everything again; keep the old state when something is refused."""
        if self.mode == "deaf":
            return
        try:
            if parse(self.path).get("mode") == "reload-fails":
                raise ConfigError("this configuration does not reload")
            self.load()
            log("reloaded")
        except (ConfigError, OSError) as exc:
            self.successful = 0
            log(f"reload failed: {exc}")

    def metrics(self) -> str:
        """Answer in Prometheus' text format."""
        lines = [
            "# HELP fakehost_config_last_reload_successful Whether the last reload worked.",
            "# TYPE fakehost_config_last_reload_successful gauge",
            f"fakehost_config_last_reload_successful {self.successful}",
            f"fakehost_config_last_reload_success_timestamp_seconds {self.timestamp!r}",
            f"fakehost_scrape_pools_failed_total {self.pools_failed}",
            *(f'fakehost_rules{{file="{name}"}} {n}' for name, n in sorted(self.rules.items())),
            f'fakehost_build_info{{version="{release_file("VERSION", "none")}"}} 1',
            "fakehost_database_up 0",
        ]
        return "\n".join(lines) + "\n"

    def answer(self, path: str) -> tuple[int, str]:
        """Answer one request."""
        if path == "/-/ready":
            return (
                (503, "not ready\n") if self.mode == "unhealthy" else (200, "fakehost is ready\n")
            )
        if path == "/metrics":
            return 200, self.metrics()
        documents = {
            "/argv": sys.argv,
            "/environ": dict(os.environ),
            "/config": self.config,
            "/rules": self.rules,
            "/credentials": digests(Path(os.environ.get("CREDENTIALS_DIRECTORY", "/nonexistent"))),
            "/secret": digests(self.path.parent / self.config.get("secret_file", "none")),
        }
        if path in documents:
            return 200, json.dumps(documents[path])
        return 404, "no such page\n"


def digests(path: Path) -> dict[str, str]:
    """Digest a file, or every file of a directory: the proof of a secret without the secret."""
    files = sorted(path.iterdir()) if path.is_dir() else [path] if path.exists() else []
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def log(text: str) -> None:
    """Write to the journal."""
    print(f"fakehost (stand-in): {text}", file=sys.stderr, flush=True)


def handler(daemon: Daemon) -> type[http.server.BaseHTTPRequestHandler]:
    """Make the request handler."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, text = daemon.answer(self.path)
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class names it)
            """Stay silent."""

    return Handler


def listen(address: str, daemon: Daemon) -> None:
    """Serve one address, `127.0.0.1:9000`, `[::1]:9000` or `:9000`."""
    host, _separator, port = address.rpartition(":")

    class Server(http.server.ThreadingHTTPServer):
        address_family = socket.AF_INET6 if host.startswith("[") else socket.AF_INET

    server = Server((host.strip("[]"), int(port)), handler(daemon))
    threading.Thread(target=server.serve_forever, daemon=True).start()


def serve(config: Path, addresses: list[str]) -> int:
    """Run until told to stop."""
    daemon = Daemon(config)
    try:
        daemon.load()
    except (ConfigError, OSError) as exc:
        log(f"refusing to start: {exc}")
        return 1
    if daemon.mode == "refuse":
        log("refusing to start: mode = refuse")
        return 1
    stop = threading.Event()
    signal.signal(signal.SIGHUP, lambda *_: daemon.reload())
    if daemon.mode == "stubborn":
        signal.signal(signal.SIGTERM, lambda *_: log("told to stop; staying"))
    else:
        signal.signal(signal.SIGTERM, lambda *_: stop.set())
    if daemon.mode == "slow":
        stop.wait(1.5)
    try:
        for address in addresses:
            listen(address, daemon)
    except OSError as exc:
        log(f"listen {addresses}: bind: {exc.strerror.lower()}")
        return 1
    log(f"version {release_file('VERSION', 'none')} listening on {', '.join(addresses)}")
    if daemon.mode == "crash":
        stop.wait(0.15)
        log("crashing: mode = crash")
        return 3
    while not stop.wait(3600):
        pass
    return 0


def main(argv: list[str]) -> int:
    """Understand the command line."""
    if "--version" in argv:
        print(f"fakehost (stand-in), version {release_file('VERSION', 'none')}")
        return 0
    if argv[:1] == ["check"]:
        try:
            path = Path(argv[1])
            config = parse(path)
            if "rules" in config:
                read_rules(path.parent, config["rules"])
        except (ConfigError, OSError) as exc:
            print(f"fakehost check: {exc}", file=sys.stderr)
            return 1
        print("SUCCESS" + (" with warnings" if config.get("greeting") == "dubious" else ""))
        return 0
    options = [part.partition("=") for part in argv[1:]]
    config_file = next(value for key, _sign, value in options if key == "--config")
    return serve(Path(config_file), [value for key, _sign, value in options if key == "--listen"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
