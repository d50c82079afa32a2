# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Receive until killed: python3 -m receivers.server FOLDER.

FOLDER holds settings.json, certificate.pem and key.pem. received.jsonl is kept there, and
ready.json tells the ports once they are open.
"""

from __future__ import annotations

import asyncio
import json
import signal
import ssl
import sys
from pathlib import Path

from receivers.server import mail, web
from receivers.server.store import Store


async def main(folder: Path) -> None:
    """Open both ports, and keep what comes until a signal ends it."""
    settings = json.loads((folder / "settings.json").read_text(encoding="utf-8"))
    store = Store(folder / "received.jsonl")
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
    mailbox = mail.Mailbox(store, settings["user"], settings["password"])
    ports = {
        "smtp": await mail.start(mailbox, settings["listen"], settings["smtp_port"], tls),
        "web": web.start(store, settings["listen"], settings["web_port"]),
    }
    print(f"{web.BANNER} {ports}", flush=True)
    unfinished = folder / "ready.part"
    unfinished.write_text(json.dumps(ports), encoding="utf-8")
    unfinished.rename(folder / "ready.json")
    end = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, end.set)
    await end.wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
