# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role elk says about certificates, by the program that it runs on a host."""

from __future__ import annotations

import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

PROGRAM = Path(__file__).parents[3] / "roles/elk/files/certificates.py"
OURS, OTHERS = trustme.CA(), trustme.CA()
DAY, NOW = timedelta(days=1), datetime.now(UTC)


def key(
    leaf: trustme.LeafCert, form: PrivateFormat = PrivateFormat.PKCS8, passphrase: bytes = b""
) -> str:
    """Write a key in one of its forms."""
    lock = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    found = load_pem_private_key(leaf.private_key_pem.bytes(), None)
    return found.private_bytes(Encoding.PEM, form, lock).decode()


def crt(leaf: trustme.LeafCert | trustme.CA) -> str:
    """Return certificates as a text."""
    parts = [leaf.cert_pem] if isinstance(leaf, trustme.CA) else leaf.cert_chain_pems
    return "".join(part.bytes().decode() for part in parts)


GOOD = OURS.issue_cert("127.0.0.1", "es1.example.com")
RSA = OURS.issue_cert("127.0.0.1", key_type=trustme.KeyType.RSA)
OLD = OURS.issue_cert("127.0.0.1", not_before=NOW - 2 * DAY, not_after=NOW - DAY)
EARLY = OURS.issue_cert("127.0.0.1", not_before=NOW + DAY, not_after=NOW + 2 * DAY)
STRANGE = OTHERS.issue_cert("127.0.0.1")
BETWEEN = OURS.create_child_ca().issue_cert("127.0.0.1")
CA = crt(OURS)
SERVER, BOTH = ("--shown-by=server",), ("--shown-by=server", "--shown-by=client")
SEC1 = PrivateFormat.TraditionalOpenSSL

# What is given, and what is said; nothing if it is good.
Case = tuple[str, str, str, tuple[str, ...], str]
CASES: dict[str, Case] = {
    "good": (crt(GOOD), key(GOOD), CA, (*BOTH, "--name=127.0.0.1"), ""),
    "good by another name": (crt(GOOD), key(GOOD), CA, (*BOTH, "--name=es1.example.com"), ""),
    "good of an authority between": (crt(BETWEEN), key(BETWEEN), CA, BOTH, ""),
    "good, among several authorities": (crt(GOOD), key(GOOD), crt(OTHERS) + CA, BOTH, ""),
    "good, RSA": (crt(RSA), key(RSA), CA, (*SERVER, "--pkcs8"), ""),
    "another name": (crt(GOOD), key(GOOD), CA, (*SERVER, "--name=10.0.0.5"), "IP address mismatch"),
    "another key": (
        crt(GOOD), key(BETWEEN), CA, SERVER,
        "elk_x_certificate ({0}/node.crt) and elk_x_certificate_key ({0}/node.key) do not belong",
    ),
    "key of another kind": (crt(GOOD), key(RSA), CA, SERVER, "do not belong together"),
    "expired": (
        crt(OLD), key(OLD), CA, SERVER,
        "elk_x_certificate ({0}/node.crt) is refused as that of a server: certificate has expired",
    ),
    "expired as a client's": (crt(OLD), key(OLD), CA, BOTH[1:], "a client: certificate has expired"),
    "too early": (crt(EARLY), key(EARLY), CA, SERVER, "certificate is not yet valid"),
    "another authority": (
        crt(STRANGE), key(STRANGE), CA, SERVER,
        "elk_x_certificate ({0}/node.crt) is not from elk_ca_certificate ({0}/ca.crt)",
    ),
    "another authority as a client's": (crt(STRANGE), key(STRANGE), CA, BOTH[1:], "is not from"),
    "PKCS#1": (
        crt(RSA), key(RSA, SEC1), CA, (*SERVER, "--pkcs8"),
        "elk_x_certificate_key ({0}/node.key) is not PKCS#8 but 'BEGIN RSA PRIVATE KEY'",
    ),
    "SEC1": (crt(GOOD), key(GOOD, SEC1), CA, (*SERVER, "--pkcs8"), "'BEGIN EC PRIVATE KEY'"),
    "SEC1 where it may be": (crt(GOOD), key(GOOD, SEC1), CA, SERVER, ""),
    "passphrase": (
        crt(GOOD), key(GOOD, passphrase=b"x"), CA, SERVER,
        "elk_x_certificate_key ({0}/node.key) has a passphrase",
    ),
    "passphrase in the old form": (
        crt(RSA), key(RSA, SEC1, passphrase=b"x"), CA, SERVER, "has a passphrase",
    ),
    "no key": (crt(GOOD), "", CA, SERVER, "elk_x_certificate_key ({0}/node.key) is empty"),
    "certificate for a key": (crt(GOOD), crt(GOOD), CA, SERVER, "is no private key as PEM"),
    "key for a certificate": (key(GOOD), key(GOOD), CA, SERVER, "cannot be read"),
    "broken key": (crt(GOOD), key(GOOD)[:80], CA, SERVER, "cannot be read"),
    "no authority": (crt(GOOD), key(GOOD), "", SERVER, "elk_ca_certificate ({0}/ca.crt) is empty"),
    "no authority, and none of the system": (
        crt(GOOD), key(GOOD), "", (*SERVER, "--public"), "is not from elk_ca_certificate",
    ),
    "no PEM for an authority": (crt(GOOD), key(GOOD), "x", SERVER, "holds no certificate as PEM"),
    "an authority alone": ("", "", CA, (), ""),
}  # fmt: skip


def said(folder: Path, case: tuple[str, str, str], *options: str) -> str:
    """Run the program; return what it refuses with."""
    for name, text in zip(("node.crt", "node.key", "ca.crt"), case, strict=True):
        (folder / name).write_text(text)
    common = ["--variables=elk_x", f"--directory={folder}"]
    done = subprocess.run(
        [sys.executable, "-I", PROGRAM, *common, *options],
        capture_output=True, text=True, check=False, timeout=20,
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    assert (done.returncode == 0) is not bool(done.stderr)
    return done.stderr.strip()


@pytest.mark.parametrize("case", CASES)
def test_what_will_not_do_is_named(tmp_path: Path, case: str) -> None:
    certificate, secret, authority, options, words = CASES[case]
    text = said(tmp_path, (certificate, secret, authority), *options)
    assert bool(text) is bool(words), text
    assert words.format(tmp_path) in text
    assert len(text.splitlines()) <= 1
    assert secret[30:90] not in text or not secret


@contextmanager
def serving(leaf: trustme.LeafCert | None) -> Iterator[int]:
    """Answer on a port, with TLS or with something else."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if leaf:
        leaf.configure_cert(tls)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            with suppress(OSError):
                while True:
                    connection, _address = server.accept()
                    with connection, suppress(OSError):
                        if leaf:
                            tls.wrap_socket(connection, server_side=True)
                        else:
                            connection.sendall(b"HTTP/1.1 400 no TLS here\r\n\r\n")

        threading.Thread(target=answer, daemon=True).start()
        yield server.getsockname()[1]


@pytest.mark.parametrize(
    ("leaf", "words"),
    [
        (GOOD, ""),
        (None, ""),
        (STRANGE, "elk_ca_certificate ({0}/ca.crt) does not make https://127.0.0.1:{1} trusted"),
        (OLD, "certificate has expired"),
        (OURS.issue_cert("es9.example.com"), "IP address mismatch"),
    ],
    ids=["good", "no TLS", "another authority", "expired", "another name"],
)
def test_who_is_asked_has_to_be_trusted(
    tmp_path: Path, leaf: trustme.LeafCert | None, words: str
) -> None:
    with serving(leaf) as port:
        for place in (f"https://127.0.0.1:{port}", f"127.0.0.1:{port}"):
            text = said(tmp_path, (crt(GOOD), key(GOOD), CA), *BOTH, place)
            assert bool(text) is bool(words), text
            assert words.replace("https://127.0.0.1:{1}", place).format(tmp_path) in text


def test_who_is_down_is_not_waited_for(tmp_path: Path) -> None:
    with serving(GOOD) as port:
        pass
    places = [f"https://127.0.0.1:{port}", "http://127.0.0.1:1", "https://nowhere.invalid:9200"]
    assert said(tmp_path, (crt(GOOD), key(GOOD), CA), *BOTH, *places) == ""
