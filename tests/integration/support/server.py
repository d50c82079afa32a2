# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Web servers and port holders on a test host."""

from __future__ import annotations

import datetime
import ipaddress
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from integration.support.fake import RELEASES
from integration.support.host import TOOLS, Host, poll

ports = itertools.count(18000)
AUTHORITY = "/usr/local/share/ca-certificates/barehost-tests.crt"


@dataclass(frozen=True)
class Server:
    """A web server that serves the releases and remembers its requests."""

    host: Host
    port: int
    scheme: str = "http"

    @property
    def address(self) -> str:
        """Return address and port."""
        return f"127.0.0.1:{self.port}"

    @property
    def unit(self) -> str:
        """The transient unit it runs in."""
        return f"barehost-it-web-{self.port}"

    def url(self, address: str) -> str:
        """Turn a file:// address of a release into one of this server."""
        return address.replace(f"file://{RELEASES}", f"{self.scheme}://{self.address}")

    def requests(self) -> list[str]:
        """Return the request lines so far."""
        return self.host.sh(f"cat /run/{self.unit}.log 2>/dev/null || true").splitlines()

    def start(self, *tls: str) -> Server:
        """Serve until stopped."""
        log = f"/run/{self.unit}.log"
        command = [f"{TOOLS}/web.py", RELEASES, self.address, log, *tls]
        self.host.run("systemd-run", f"--unit={self.unit}", "--quiet", "/usr/bin/python3", *command)
        wait_listening(self.host, self.port)
        return self

    def stop(self) -> None:
        """Stop serving."""
        self.host.run("systemctl", "stop", self.unit, check=False)

    def secure(self) -> Server:
        """Start a second server that speaks TLS with a certificate nobody knows yet."""
        folder = f"/run/{self.unit}-tls"
        certificate, key = self_signed("127.0.0.1")
        self.host.put({f"{folder}/cert.pem": certificate, f"{folder}/key.pem": key})
        return Server(self.host, next(ports), "https").start(
            f"{folder}/cert.pem", f"{folder}/key.pem"
        )

    @contextmanager
    def trusted(self) -> Iterator[None]:
        """Put the certificate of the TLS server into the host's trust store for a while."""
        folder = self.host.sh("ls -td /run/barehost-it-web-*-tls | head -1")
        self.host.sh(f"cp {folder}/cert.pem {AUTHORITY}; update-ca-certificates")
        try:
            yield
        finally:
            self.host.sh(f"rm {AUTHORITY}; update-ca-certificates --fresh")


@contextmanager
def holding(host: Host, address: str, port: int) -> Iterator[None]:
    """Let a process that is not ours hold a port; it answers every request with 200."""
    script = (
        "import http.server as h, socket, sys\n"
        "class S(h.ThreadingHTTPServer):\n"
        " address_family = socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET\n"
        "class H(h.BaseHTTPRequestHandler):\n"
        " def do_GET(self): self.send_response(200); self.end_headers()\n"
        " def log_message(self, *a): pass\n"
        "S((sys.argv[1], int(sys.argv[2])), H).serve_forever()\n"
    )
    unit = f"barehost-it-holder-{port}"
    python = ["/usr/bin/python3", "-c", script, address, str(port)]
    host.run("systemd-run", f"--unit={unit}", "--quiet", *python)
    try:
        wait_listening(host, port)
        yield
    finally:
        host.run("systemctl", "stop", unit, check=False)


def wait_listening(host: Host, port: int) -> None:
    """Wait until somebody listens on the port."""
    poll(lambda: host.out("ss", "-Hltn", f"sport = :{port}"), what=f"somebody listens on {port}")


def self_signed(address: str) -> tuple[bytes, bytes]:
    """Make a certificate that is its own authority, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "barehost tests")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return certificate.public_bytes(serialization.Encoding.PEM), private
