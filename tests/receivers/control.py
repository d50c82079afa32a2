# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start receivers, and read what has arrived.

    receivers = Receivers.start(Here(folder))        # on this machine, any free ports
    receivers = Receivers.start(OnHost(Host("x")))   # on a test host, ports 2525 and 2580
    receivers = Receivers.on(Host("x"))              # those that run there already
    mails = receivers.wait("mail", lambda mail: "Resolved" in mail["subject"])

A message has `kind` (mail, slack, webhook, "refused login") and `at`, seconds since the epoch. A mail has
`subject`, `text`, `html`, `headers`, `sender`, `to`, `login` and `tls` (the version that was spoken),
the others have `path` and `body`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import trustme

from hosts.container import Host
from receivers.places import OnHost, Place
from receivers.server.store import Message, chosen

USER = "alerts"
# Planted: tests search for it where it must not be. It has what quoting goes wrong with.
PASSWORD = "planted-%40\"$'\\x"
PORTS = {"smtp": 2525, "web": 2580}


@dataclass(frozen=True)
class Receivers:
    """Running receivers and how to reach them."""

    place: Place
    name: str
    ports: dict[str, int]

    @classmethod
    def start(cls, place: Place, listen: str = "127.0.0.1", name: str = "") -> Receivers:
        """Start them anew, empty.

        listen: the address to listen on, "0.0.0.0" for every one.
        name: by which they are reached from elsewhere; the certificate carries it.
        """
        authority = trustme.CA()
        names = dict.fromkeys(filter(None, (name, "127.0.0.1", "localhost")))
        certificate = authority.issue_cert(*names)
        ports = PORTS if isinstance(place, OnHost) else dict.fromkeys(PORTS, 0)
        settings: dict[str, Any] = {"listen": listen, "user": USER, "password": PASSWORD}
        settings |= {f"{protocol}_port": port for protocol, port in ports.items()}
        place.prepare(
            {
                "settings.json": json.dumps(settings).encode(),
                "ca.pem": authority.cert_pem.bytes(),
                "certificate.pem": certificate.cert_chain_pems[0].bytes(),
                "key.pem": certificate.private_key_pem.bytes(),
            }
        )
        place.launch()
        _eventually(lambda: place.read("ready.json"), 20, lambda: f"not ready: {place.log()}")
        return cls(place, next(iter(names)), json.loads(place.read("ready.json") or "{}"))

    @classmethod
    def on(cls, host: Host) -> Receivers:
        """Return those that run on a test host."""
        place = OnHost(host)
        ready = place.read("ready.json")
        if ready is None:
            raise LookupError(f"no receivers on {host.name} (Receivers.start starts them)")
        return cls(place, "127.0.0.1", json.loads(ready))

    @property
    def smarthost(self) -> str:
        """Where mail goes, for smtp_smarthost; after STARTTLS, as USER with PASSWORD."""
        return f"{self.name}:{self.ports['smtp']}"

    @property
    def slack_url(self) -> str:
        """Where Slack messages go; whatever follows is kept as part of the path."""
        return f"http://{self.name}:{self.ports['web']}/slack/"

    @property
    def webhook_url(self) -> str:
        """Where webhooks go; whatever follows is kept as part of the path."""
        return f"http://{self.name}:{self.ports['web']}/webhook/"

    @property
    def ca_file(self) -> str:
        """The authority that the mail server's certificate is from; a file in its place."""
        return self.place.path("ca.pem")

    def received(self, kind: str = "", since: float = 0) -> list[Message]:
        """Return what has arrived since a time, of one kind or of all, oldest first."""
        return chosen(self.place.read("received.jsonl") or "", kind, since)

    def wait(
        self,
        kind: str,
        wanted: Callable[[Message], bool] = lambda message: True,
        seconds: float = 30,
        since: float = 0,
    ) -> list[Message]:
        """Wait for at least one message as wanted, and return all that are."""

        def found() -> list[Message]:
            return [message for message in self.received(kind, since) if wanted(message)]

        def problem() -> str:
            return f"no such {kind} in {self.received()}"

        messages: list[Message] = _eventually(found, seconds, problem)
        return messages

    def stop(self) -> None:
        """End them; what has arrived can still be read."""
        self.place.stop()


def _eventually(ask: Callable[[], Any], seconds: float, problem: Callable[[], str]) -> Any:
    limit = time.monotonic() + seconds
    while not (answer := ask()):
        if time.monotonic() > limit:
            raise TimeoutError(f"within {seconds} s: {problem()}")
        time.sleep(0.1)
    return answer
