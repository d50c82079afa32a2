# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A mail server that takes mail after STARTTLS and a login only, and delivers nothing."""

from __future__ import annotations

import asyncio
import email
import email.policy
import hmac
import ssl
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from receivers.server.store import Store

IDENTITY = "barehost test receiver, delivers nothing"


class Mailbox:
    """Keeps every mail, and every login that was refused."""

    def __init__(self, store: Store, user: str, password: str) -> None:
        self.store, self.user = store, user
        self._password = password.encode()

    def login(
        self, _server: Any, _session: Any, _envelope: Any, _way: str, data: Any
    ) -> AuthResult:
        """Compare a login with the only one there is."""
        known = isinstance(data, LoginPassword) and data.login == self.user.encode()
        if known and hmac.compare_digest(data.password, self._password):
            return AuthResult(success=True, auth_data=self.user)
        name = data.login.decode(errors="replace") if isinstance(data, LoginPassword) else ""
        self.store.keep("refused login", login=name)
        return AuthResult(success=False, handled=False)

    async def handle_DATA(self, _server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        """Keep a mail; aiosmtpd calls this by its name."""
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(mail, EmailMessage)
        self.store.keep(
            "mail",
            tls=session.ssl["cipher"][1] if session.ssl else None,
            login=session.auth_data,
            sender=envelope.mail_from,
            to=envelope.rcpt_tos,
            subject=mail["Subject"],
            headers={name: str(value) for name, value in mail.items()},
            text=_body(mail, "plain"),
            html=_body(mail, "html"),
        )
        return "250 kept"


def _body(mail: EmailMessage, kind: str) -> str | None:
    part = mail.get_body((kind,))
    return None if part is None else str(part.get_content()).replace("\r\n", "\n")


class Conversation(SMTP):
    """Asks for a login in the words that most servers use, and some clients insist on."""

    AuthLoginUsernameChallenge = "Username:"
    AuthLoginPasswordChallenge = "Password:"


async def start(mailbox: Mailbox, host: str, port: int, tls: ssl.SSLContext) -> int:
    """Serve in the running loop and return the port."""

    def conversation() -> SMTP:
        return Conversation(
            mailbox,
            hostname="receivers.test",
            ident=IDENTITY,
            tls_context=tls,
            require_starttls=True,
            auth_required=True,
            authenticator=mailbox.login,
        )

    server = await asyncio.get_running_loop().create_server(conversation, host, port)
    return int(server.sockets[0].getsockname()[1])
