# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inputs: beats and dead_letter_queue. Each runs in a thread of its own."""

import json
import ssl
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from elastic.common import Refused
from elastic.logstash import deadletters
from elastic.logstash.event import Event
from elastic.logstash.logs import Log
from elastic.logstash.lumberjack import Data, Listener, Peer

Options = dict[str, Any]
# Stores events, waits for room as long as the third argument says; False: it could not.
Push = Callable[[list[Event]], bool]
_RETRY = 1.0
_POLL = 0.2


class Input:
    """What all inputs do."""

    name = ""

    def __init__(self, options: Options, log: Log, folder: Path) -> None:
        self.options, self.log, self.folder = options, log, folder
        self.push: Push = lambda _events: False
        self.ended = threading.Event()
        self.register()

    def register(self) -> None:
        """Check what only a start finds; raises Refused."""

    def run(self) -> None:
        """Bring events until the end."""
        raise NotImplementedError

    def stop(self) -> None:
        """End it."""
        self.ended.set()

    def decorated(self, event: Event) -> Event:
        """Add what the common options say."""
        if "type" in self.options and "type" not in event.data:
            event.data["type"] = self.options["type"]
        for name, value in self.options.get("add_field", {}).items():
            event.set(event.text(name), event.text(value) if isinstance(value, str) else value)
        for name in self.options.get("tags", ()):
            event.tag(event.text(name))
        return event


class Beats(Input):
    """Listens for Filebeat."""

    name = "beats"

    def register(self) -> None:
        options = self.options
        codec = options.get("codec", ("plain", {}))[0]
        if codec not in ("plain", "json"):
            raise Refused(f"the stand-in's beats input has no codec {codec}")
        self._json = codec == "json"
        self._compatible = options.get("ecs_compatibility", "v8") == "disabled"
        self._listener: Listener | None = None
        on = options.get("ssl_enabled", options.get("ssl", False))
        for name in () if on else ("ssl_certificate", "ssl_key"):
            if name in options:
                self.log.warn(f'configured {name} => "{options[name]}" will not be used')
        self._tls = _server_tls(options) if on else None
        self.log.info("Starting input listener", address=self._address)

    @property
    def _address(self) -> str:
        return f"{self.options.get('host', '0.0.0.0')}:{self.options['port']}"

    def run(self) -> None:
        """Listen; a port that is taken is asked for again, as Logstash does."""
        idle = float(self.options.get("client_inactivity_timeout", 60))
        while not self.ended.is_set():
            try:
                self._listener = Listener(
                    self.options.get("host", "0.0.0.0"),
                    int(self.options["port"]),
                    self._tls,
                    idle,
                    self._store,
                    self.log,
                )
            except (OSError, OverflowError) as exc:
                self.log.error(
                    "A plugin had an unrecoverable error. Will restart this plugin.\n  Plugin: "
                    f"<LogStash::Inputs::Beats port=>{self.options['port']}>\n  Error: {exc}"
                )
                self.ended.wait(_RETRY)
                continue
            self.log.info(f"Starting server on port: {self.options['port']}")
            self.ended.wait()

    def stop(self) -> None:
        """Close the port."""
        super().stop()
        if self._listener:
            self._listener.stop()

    def _store(self, events: list[Data], peer: Peer, alive: Callable[[], None]) -> bool:
        done = threading.Event()
        stored = False

        def push() -> None:
            nonlocal stored
            stored = self.push([self._event(data, peer) for data in events])
            done.set()

        thread = threading.Thread(target=push, daemon=True)
        thread.start()
        while not done.wait(_POLL):
            alive()
        return stored

    def _event(self, data: Data, peer: Peer) -> Event:
        message = data.get("message")
        event = Event(data)
        if isinstance(event.metadata, dict) and event.metadata:
            host = (
                "[@metadata][ip_address]"
                if self._compatible
                else "[@metadata][input][beats][host][ip]"
            )
            event.set(host, peer.address)
            if peer.tls:
                event.set(
                    "[@metadata][input][beats][tls]",
                    {
                        "version_protocol": peer.tls["version"],
                        "client": {"subject": peer.tls["subject"]},
                    },
                )
        codec = "json" if self._json else "plain"
        if message is None:
            self._tag(event, "beats_input_raw_event")
            return self.decorated(event)
        event.data["message"] = message if isinstance(message, str) else json.dumps(message)
        if self._json:
            self._decode(event)
        elif not self._compatible and event.get("[event][original]") is None:
            event.set("[event][original]", event.data["message"])
        self._tag(event, f"beats_input_codec_{codec}_applied")
        return self.decorated(event)

    def _decode(self, event: Event) -> None:
        """Decode into the root; in ECS mode a text in `event` leaves the rest undecoded."""
        text = event.data["message"]
        try:
            parsed = json.loads(text)
        except ValueError:
            event.tag("_jsonparsefailure")
            return
        if not isinstance(parsed, dict):
            return
        if not self._compatible and not isinstance(parsed.get("event", {}), dict):
            self.log.error(
                "Could not set field 'original' on object",
                exception="Java::OrgLogstash::Accessors::InvalidFieldSetException",
            )
            del event.data["message"]
            return
        del event.data["message"]
        for name, value in parsed.items():
            if name not in ("@timestamp", "@metadata"):
                event.data[name] = value

    def _tag(self, event: Event, name: str) -> None:
        if self.options.get("include_codec_tag", True):
            event.tag(name)


def _server_tls(options: Options) -> ssl.SSLContext:
    certificate, key = options.get("ssl_certificate"), options.get("ssl_key")
    new = "ssl_enabled" in options
    switch = "ssl_enabled" if new else "ssl"
    for name, value in (("ssl_key", key), ("ssl_certificate", certificate)):
        if not value:
            raise Refused(f"{name} => is a required setting when {switch} => true is configured")
    mode = options.get("ssl_client_authentication" if new else "ssl_verify_mode", "none")
    authorities = options.get("ssl_certificate_authorities", [])
    if mode != "none" and not authorities:
        name = "ssl_client_authentication" if new else "ssl_verify_mode"
        raise Refused(
            f"ssl_certificate_authorities => is a required setting when {name} => '{mode}' is "
            f"configured"
        )
    text = Path(str(key)).read_text(encoding="utf-8", errors="replace")
    if "BEGIN PRIVATE KEY" not in text and "BEGIN ENCRYPTED PRIVATE KEY" not in text:
        raise Refused(f"File does not contain valid private key: {key}")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(
            str(certificate), str(key), lambda: options.get("ssl_key_passphrase", "")
        )
    except ssl.SSLError as exc:
        # A certificate of another key is not noticed: the port opens, and no handshake succeeds.
        if exc.reason != "KEY_VALUES_MISMATCH":
            raise Refused(f"File does not contain valid private key: {key}") from None
    if authorities:
        try:
            for path in authorities:
                context.load_verify_locations(path)
        except (OSError, ssl.SSLError) as exc:
            raise Refused(f"{path}: {exc}") from None
        forced = mode in ("force_peer", "required")
        context.verify_mode = ssl.CERT_REQUIRED if forced else ssl.CERT_OPTIONAL
    return context


class DeadLetterQueue(Input):
    """Reads the dead letters of another pipeline."""

    name = "dead_letter_queue"

    def register(self) -> None:
        commit, clean = (
            self.options.get("commit_offsets", True),
            self.options.get("clean_consumed", False),
        )
        if clean and not commit:
            raise Refused("enabling clean_consumed requires commit_offsets to also be enabled")
        self._commit, self._clean = commit, clean
        self._letters = Path(self.options["path"]) / self.options.get("pipeline_id", "main")
        default = self.folder / "plugins" / "inputs" / "dead_letter_queue" / self._letters.name
        self._since_path = Path(self.options.get("sincedb_path", default / ".sincedb"))

    def run(self) -> None:
        """Read until the end; the place is kept when an event is in the queue."""
        while not self._letters.is_dir():
            if self.ended.wait(_RETRY):
                return
        self._since_path.parent.mkdir(parents=True, exist_ok=True)
        since = (0, 0)
        if self._commit and self._since_path.exists():
            number, offset = self._since_path.read_text(encoding="utf-8").split()
            since = int(number), int(offset)
        while not self.ended.is_set():
            for letter in deadletters.read(self._letters, since):
                if not self._passed_on(letter):
                    return
                since = letter.behind
                if self._commit:
                    fresh = self._since_path.with_suffix(".new")
                    fresh.write_text(f"{since[0]} {since[1]}", encoding="utf-8")
                    fresh.replace(self._since_path)
            if self._clean and since[0]:
                done = self._at_end(since)
                deadletters.forget(self._letters, since[0] + done)
            self.ended.wait(_POLL)

    def _at_end(self, since: tuple[int, int]) -> bool:
        path = self._letters / f"{since[0]}.log"
        return path.exists() and bool(path.stat().st_size == since[1])

    def _passed_on(self, letter: deadletters.Letter) -> bool:
        event = letter.event
        # Type and id are swapped, as in the real one.
        for name, value in (
            ("plugin_type", letter.plugin_id),
            ("plugin_id", letter.plugin_type),
            ("reason", letter.reason),
            ("entry_time", datetime.fromtimestamp(letter.timestamp, UTC)),
        ):
            event.set(f"[@metadata][dead_letter_queue][{name}]", value)
        return not self.ended.is_set() and self.push([self.decorated(event)])


INPUTS: dict[str, type[Input]] = {kind.name: kind for kind in (Beats, DeadLetterQueue)}
