# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The receivers on this machine, as a mail client and a web client meet them."""

from __future__ import annotations

import base64
import json
import smtplib
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from receivers.control import PASSWORD, USER, Receivers
from receivers.places import Here
from receivers.shown import line

DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@pytest.fixture(scope="module")
def receivers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receivers]:
    """Start receivers once."""
    running = Receivers.start(Here(tmp_path_factory.mktemp("receivers")))
    yield running
    running.stop()


@pytest.fixture
def client(receivers: Receivers) -> Iterator[smtplib.SMTP]:
    """Connect to the mail server."""
    host, port = receivers.smarthost.split(":")
    with smtplib.SMTP(host, int(port), timeout=10) as client:
        yield client


def mail(subject: str) -> EmailMessage:
    """Write a mail with a text and a page."""
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = subject, "a@example.com", "b@example.com"
    message.set_content("Grüße\nzwei Zeilen")
    message.add_alternative("<p>Grüße</p>", subtype="html")
    return message


def trusting(receivers: Receivers) -> ssl.SSLContext:
    """Trust the authority of the receivers, and nobody else."""
    return ssl.create_default_context(cafile=receivers.ca_file)


def post(url: str, content: bytes) -> tuple[int, str]:
    """Send to the web server."""
    try:
        with DIRECT.open(urllib.request.Request(url, content), timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as exc:
        return exc.code, exc.read().decode()


def test_a_mail_is_kept_with_the_way_it_came(receivers: Receivers, client: smtplib.SMTP) -> None:
    before = time.time()
    client.starttls(context=trusting(receivers))
    client.login(USER, PASSWORD)
    client.send_message(mail("Größe"))
    [kept] = receivers.wait("mail", lambda m: m["subject"] == "Größe")
    assert kept["text"].rstrip() == "Grüße\nzwei Zeilen"
    assert kept["html"].rstrip() == "<p>Grüße</p>"
    assert (kept["login"], kept["tls"][:4]) == (USER, "TLSv")
    assert (kept["sender"], kept["to"]) == ("a@example.com", ["b@example.com"])
    assert kept["headers"]["From"] == "a@example.com"
    assert before <= kept["at"] <= time.time()
    assert "Größe  (to b@example.com; TLSv" in line(kept)


def test_no_mail_without_tls(client: smtplib.SMTP) -> None:
    client.ehlo()
    with pytest.raises(smtplib.SMTPException, match="STARTTLS"):
        client.send_message(mail("clear"))
    with pytest.raises(smtplib.SMTPException):
        client.login(USER, PASSWORD)


def test_no_mail_without_login(receivers: Receivers, client: smtplib.SMTP) -> None:
    client.starttls(context=trusting(receivers))
    with pytest.raises(smtplib.SMTPException, match="Authentication required"):
        client.send_message(mail("nobody"))
    assert not [m for m in receivers.received("mail") if m["subject"] == "nobody"]


@pytest.mark.parametrize("user, password", [(USER, "wrong"), ("root", PASSWORD), (USER, "")])
def test_a_wrong_login_is_refused_and_noted(
    receivers: Receivers, client: smtplib.SMTP, user: str, password: str
) -> None:
    before = len(receivers.received("refused login"))
    client.starttls(context=trusting(receivers))
    with pytest.raises(smtplib.SMTPAuthenticationError):
        client.login(user, password)
    noted = receivers.received("refused login")[before:]
    assert {message["login"] for message in noted} == {user}
    assert PASSWORD not in json.dumps(noted) and "wrong" not in json.dumps(noted)


def test_a_login_is_asked_for_in_the_usual_words(
    receivers: Receivers, client: smtplib.SMTP
) -> None:
    client.starttls(context=trusting(receivers))
    client.ehlo()
    assert client.docmd("AUTH LOGIN") == (334, base64.b64encode(b"Username:"))
    user, password = (base64.b64encode(text.encode()).decode() for text in (USER, PASSWORD))
    assert client.docmd(user) == (334, base64.b64encode(b"Password:"))
    assert client.docmd(password)[0] == 235


def test_a_stranger_does_not_trust_the_certificate(client: smtplib.SMTP) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        client.starttls(context=ssl.create_default_context())


def test_slack_and_webhooks_are_kept_apart(receivers: Receivers) -> None:
    before = time.time()
    message = {"channel": "#a", "attachments": [{"title": "T"}]}
    hook = {"status": "firing", "alerts": [{"labels": {"alertname": "A"}}]}
    assert post(f"{receivers.slack_url}T1/B2", json.dumps(message).encode()) == (200, "ok")
    assert post(f"{receivers.webhook_url}x", json.dumps(hook).encode()) == (200, "ok")
    [slack] = receivers.received("slack", since=before)
    assert (slack["path"], slack["body"]) == ("/slack/T1/B2", message)
    assert line(slack).endswith("slack    T  (to #a)")
    [webhook] = receivers.received("webhook", since=before)
    assert (webhook["path"], webhook["body"]) == ("/webhook/x", hook)
    assert line(webhook).endswith("webhook  A firing")
    assert receivers.received(since=time.time()) == []


def test_what_is_no_message_is_refused(receivers: Receivers) -> None:
    count = len(receivers.received())
    assert post(f"{receivers.slack_url}", b"not json")[0] == 400
    assert post(receivers.slack_url.replace("slack", "elsewhere"), b"{}")[0] == 404
    assert len(receivers.received()) == count


def test_everything_can_be_asked_for_over_http(receivers: Receivers) -> None:
    post(f"{receivers.webhook_url}asked", b"{}")
    address = receivers.webhook_url.replace("webhook/", "received?kind=webhook")
    with DIRECT.open(address, timeout=10) as answer:
        assert json.load(answer) == receivers.received("webhook")
    with DIRECT.open(address.replace("received?kind=webhook", ""), timeout=10) as answer:
        assert b"Test receivers" in answer.read()


def test_others_cannot_read_what_is_kept(receivers: Receivers) -> None:
    modes = {
        path.name: oct(path.stat().st_mode & 0o077)
        for path in Path(receivers.ca_file).parent.iterdir()
    }
    assert {name for name, mode in modes.items() if mode != "0o0"} <= {
        "ca.pem",
        "ready.json",
        "log",
    }


def test_waiting_for_what_does_not_come_ends(receivers: Receivers) -> None:
    with pytest.raises(TimeoutError, match="no such mail"):
        receivers.wait("mail", lambda m: m["subject"] == "never", seconds=0.2)
