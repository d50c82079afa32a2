"""Judge a certificate as those will who talk to its owner, before it replaces the one in use.

It is shown in a TLS handshake within this process, so that OpenSSL says what is wrong. Other places may be
down: they are refused only when they answer, and with a certificate that would not be trusted.
"""

import argparse
import contextlib
import pathlib
import socket
import ssl
import sys
import urllib.parse

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--variables", help="what the names of the variables begin with")
parser.add_argument("--directory", help="where node.crt, node.key and ca.crt lie")
parser.add_argument("--shown-by", action="append", choices=["server", "client"], default=[])
parser.add_argument("--name", default="", help="by which the server is asked")
parser.add_argument("--pkcs8", action="store_true", help="the one form that the key may have")
parser.add_argument("--public", action="store_true", help="the authority may be one of the system")
parser.add_argument("places", nargs="*", help="that are asked themselves, host:port or addresses")
given = parser.parse_args()

crt, key, ca = (f"{given.directory}/{name}" for name in ("node.crt", "node.key", "ca.crt"))
CERTIFICATE = f"{given.variables}_certificate ({crt})"
KEY = f"{given.variables}_certificate_key ({key})"
AUTHORITY = f"elk_ca_certificate ({ca})"
MEND = "openssl pkcs8 -topk8 -nocrypt"
# OpenSSL's numbers for chains that end in nothing that is trusted.
NOT_TRUSTED = (2, 18, 19, 20, 21)
NOT_OF_ONE_PAIR = ("KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH", "NO_CERTIFICATE_ASSIGNED")


def text(path):
    """Return a file's text; nothing if there is none."""
    with contextlib.suppress(FileNotFoundError):
        return pathlib.Path(path).read_text(encoding="utf-8", errors="replace").strip()
    return ""


def context(protocol):
    """Trust the authority, and be no stricter about ages and strengths than the products are."""
    made = ssl.SSLContext(protocol)
    made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
    made.set_ciphers("DEFAULT:@SECLEVEL=0")
    made.verify_flags |= 0x80000  # VERIFY_X509_PARTIAL_CHAIN, without a name before Python 3.10
    if text(ca):
        made.load_verify_locations(ca)
    else:
        made.load_default_certs()
    return made


def reason(exc):
    """Return OpenSSL's words."""
    return getattr(exc, "verify_message", "") or exc.reason or str(exc)


def judge_authority():
    """It must hold certificates."""
    if not text(ca) and not given.public:
        sys.exit(f"{AUTHORITY} is empty")
    try:
        context(ssl.PROTOCOL_TLS_CLIENT)
    except ssl.SSLError as exc:
        sys.exit(f"{AUTHORITY} holds no certificate as PEM: {reason(exc)}")


def judge_key():
    """The products read it without a passphrase, and Logstash in one form alone."""
    found = text(key)
    if not found:
        sys.exit(f"{KEY} is empty")
    if "PRIVATE KEY-----" not in found:
        sys.exit(f"{KEY} is no private key as PEM")
    if "ENCRYPTED" in found:
        sys.exit(f"{KEY} has a passphrase, which nobody types: take it off with {MEND}")
    if given.pkcs8 and "BEGIN PRIVATE KEY-----" not in found:
        head = next(line for line in found.splitlines() if "PRIVATE KEY-----" in line)
        sys.exit(f"{KEY} is not PKCS#8 but {head.strip('- ')!r}: convert it with {MEND}")


def load(made):
    """Take certificate and key together."""
    try:
        made.load_cert_chain(crt, key)
    except ssl.SSLError as exc:
        if exc.reason in NOT_OF_ONE_PAIR:
            sys.exit(f"{CERTIFICATE} and {KEY} do not belong together")
        sys.exit(f"{CERTIFICATE} or {KEY} cannot be read: {reason(exc)}")


def handshake(shown_by):
    """Show the certificate to somebody who trusts the authority alone."""
    client, server = context(ssl.PROTOCOL_TLS_CLIENT), context(ssl.PROTOCOL_TLS_SERVER)
    judge = client if shown_by == "server" else server
    judge.verify_mode = ssl.CERT_REQUIRED
    client.check_hostname = shown_by == "server" and bool(given.name)
    load(client)
    load(server)
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    sides = (
        client.wrap_bio(back, there, server_hostname=given.name or None),
        server.wrap_bio(there, back, server_side=True),
    )
    try:
        for _flight in range(4):
            for side in sides:
                with contextlib.suppress(ssl.SSLWantReadError):
                    side.do_handshake()
    except ssl.SSLError as exc:
        if getattr(exc, "verify_code", 0) in NOT_TRUSTED:
            sys.exit(f"{CERTIFICATE} is not from {AUTHORITY}: {reason(exc)}")
        sys.exit(f"{CERTIFICATE} is refused as that of a {shown_by}: {reason(exc)}")


def ask(place):
    """Talk to another host, with our certificate if there is one."""
    url = urllib.parse.urlsplit(place if "://" in place else f"https://{place}")
    if url.scheme != "https":
        return
    made = context(ssl.PROTOCOL_TLS_CLIENT)
    made.verify_mode, made.check_hostname = ssl.CERT_REQUIRED, True
    if text(crt):
        load(made)
    try:
        with socket.create_connection((url.hostname, url.port or 443), 3) as raw:
            made.wrap_socket(raw, server_hostname=url.hostname).close()
    except ssl.SSLCertVerificationError as exc:
        sys.exit(f"{AUTHORITY} does not make {place} trusted: {reason(exc)}")
    except OSError:
        pass  # it is down, or speaks no TLS


judge_authority()
if text(crt):
    judge_key()
for one in given.shown_by:
    if not text(crt):
        sys.exit(f"{CERTIFICATE} is empty")
    handshake(one)
for one in given.places:
    ask(one)
