# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Downloads and digest lists."""

from __future__ import annotations

import http.client
import io
from collections.abc import Callable
from email.message import Message
from typing import IO, Any
from urllib.error import HTTPError, URLError

import pytest
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon import _digests, _errors
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._digests import (
    Digest,
    ReleaseError,
)

A, B, LONG = "a" * 64, "b" * 64, "c" * 128
URL = "https://mirror/v1/prometheus-1.linux-amd64.tar.gz"
NAME = "prometheus-1.linux-amd64.tar.gz"


@pytest.mark.parametrize(
    ("literal", "digest"),
    [
        (f"sha256:{A}", Digest("sha256", A)),
        (f"sha512:{LONG}", Digest("sha512", LONG)),
        (A, Digest("sha256", A)),
        (LONG.upper(), Digest("sha512", LONG)),
        (f" SHA256:{A.upper()}\n", Digest("sha256", A)),
        ("https://mirror/sha256sums.txt", None),
        ("file:///srv/sums", None),
    ],
)
def test_a_literal_digest_is_read(literal: str, digest: Digest | None) -> None:
    assert _digests.pinned(literal) == digest


@pytest.mark.parametrize("literal", ["", "sha256:", f"md5:{A}", f"sha512:{A}", A[:-1], "z" * 64])
def test_a_senseless_digest_is_refused(literal: str) -> None:
    with pytest.raises(ReleaseError, match="neither sha256:<64 hex digits>, sha512:"):
        _digests.pinned(literal)


@pytest.mark.parametrize(
    ("text", "digest"),
    [
        (f"{B}  other\n{A}  {NAME}\n", Digest("sha256", A)),
        (f"{A} *{NAME}\r\n{B} *other\r\n", Digest("sha256", A)),
        (f"{A.upper()}  ./{NAME}", Digest("sha256", A)),
        (f"{A}  out/amd64/{NAME}\n{B}  x", Digest("sha256", A)),
        (f"{A}\n", Digest("sha256", A)),
        (f"SHA256 (./{NAME}) = {A}\nSHA256 (x) = {B}", Digest("sha256", A)),
        (f"SHA256 ({NAME}) = {A}\nSHA512 ({NAME}) = {LONG}", Digest("sha512", LONG)),
        (f"# comment\n{'d' * 32}  {NAME}\n{A}  {NAME}", Digest("sha256", A)),
        (f"{B}  v0/{NAME}\n{A}  v1/{NAME}", Digest("sha256", A)),
        (f"{B}  v0/{NAME}\n{A}  {NAME}", Digest("sha256", A)),
        (f"{A}  {NAME}\n{A}  {NAME}", Digest("sha256", A)),
    ],
)
def test_the_digest_is_found_in_a_list(text: str, digest: Digest) -> None:
    assert _digests.listed(text, URL, "https://mirror/sums") == digest


@pytest.mark.parametrize("text", [f"{A}\n", f"{A}  dist/built-as.tar.gz\n"])
def test_a_list_of_the_file_alone_need_not_know_its_name(text: str) -> None:
    assert _digests.listed(text, URL, f"{URL}.sha256") == Digest("sha256", A)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "https://mirror/sums is no list of sha256 or sha512 digests: nothing"),
        ("<html>\n<body>", "is no list of sha256 or sha512 digests: '<html>'"),
        (f"{B}  {NAME}.asc", f"{NAME} is not in the digest list https://mirror/sums ({NAME}.asc)"),
        ("\n".join(f"{B}  f{i}" for i in range(9)), "(f0, f1, f2, f3, f4 and 4 more)"),
        (f"{A}\n{B}", "(no names)"),
        (f"{A}  x/{NAME}\n{B}  y/{NAME}", f"there are 2 different digests of {NAME} in https://mi"),
    ],
)
def test_a_list_without_the_digest_says_what_it_has(text: str, message: str) -> None:
    with pytest.raises(ReleaseError) as caught:
        _digests.listed(text, URL, "https://u:p@mirror/sums")
    assert message in str(caught.value)


def test_a_checksum_per_architecture_is_chosen() -> None:
    assert _digests.for_arch({"amd64": A, "arm64": B}, "arm64") == B
    assert _digests.for_arch(A, "arm64") == A
    with pytest.raises(ReleaseError, match=r"for architecture 386 \(given are: amd64, arm64\)"):
        _digests.for_arch({"arm64": B, "amd64": A}, "386")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://u:p@h/x", "http://h/x"),
        ("http://u:p@ss@h:80/x@y", "http://h:80/x@y"),
        ("http://token@h/x", "http://h/x"),
        ("http://u:pa/ss@h/x", "http://h/x"),
        ("http://h:8080/x@y", "http://h:8080/x@y"),
        ("see file:///srv/a@b", "see file:///srv/a@b"),
    ],
)
def test_credentials_are_not_shown(text: str, shown: str) -> None:
    assert _digests.shown(text) == shown


class Response(io.BytesIO):
    """An answer as Ansible and urllib give it; `chunk` may raise."""

    def __init__(self, content: bytes, status: int | None = 200, **headers: str) -> None:
        super().__init__(content)
        self.status = status
        self.headers = {key.replace("_", "-"): value for key, value in headers.items()}


def raising(exc: Exception) -> Callable[[str], IO[bytes]]:
    def opener(url: str) -> IO[bytes]:
        raise exc

    return opener


def answer(code: int) -> HTTPError:
    return HTTPError("http://u:secret@h", code, "Reason", Message(), None)


@pytest.mark.parametrize(
    ("opener", "message"),
    [
        (raising(answer(404)), "version 9 of x is not at http://h/f (404)"),
        (raising(answer(410)), "version 9 of x is not at http://h/f (410)"),
        (lambda url: Response(b"", 404), "version 9 of x is not at http://h/f (404)"),
        (raising(URLError(FileNotFoundError(2, "gone"))), "is not at http://h/f (no such file)"),
        (raising(FileNotFoundError(2, "gone")), "is not at http://h/f (no such file)"),
        (raising(answer(403)), "from http://h/f (403 Forbidden): check the credentials"),
        (raising(answer(503)), "(503 Service Unavailable): try again, or use a mirror"),
        (raising(URLError(ConnectionRefusedError(111, "Connection refused"))),
         "h is unreachable (Connection refused) for http://h/f"),
        (raising(URLError("no host given")), "h is unreachable (no host given)"),
        (raising(TimeoutError("timed out")), "h is unreachable (timed out)"),
        (raising(TimeoutError()), "h is unreachable (TimeoutError)"),
        (raising(Exception("at http://u:secret@h/f")), "h is unreachable (at http://h/f)"),
        (raising(http.client.InvalidURL("nonnumeric port: 'secret@h'")),
         "http://h/f is not a valid address"),
        (raising(ValueError("unknown url type 'secret'")), "http://h/f is not a valid address"),
    ],
)  # fmt: skip
def test_a_refused_request_names_its_cause(opener: Any, message: str) -> None:
    with pytest.raises(ReleaseError) as caught:
        _digests.request(opener, "http://u:secret@h/f", "version 9 of x")
    assert message in str(caught.value)
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_run_asked_to_stop_is_not_taken_for_a_network_fault() -> None:
    with pytest.raises(_errors.Interrupted):
        _digests.request(raising(_errors.Interrupted("stop")), URL, "x")


@pytest.mark.parametrize("status", [200, None])
@pytest.mark.parametrize(
    "headers", [{}, {"Content_Length": "7"}, {"Content_Length": "3", "Content_Encoding": "gzip"}]
)
def test_a_complete_download_is_given_whole(status: int | None, headers: dict[str, str]) -> None:
    response = Response(b"content", status, **headers)
    opened = _digests.request(lambda url: response, URL, "x")
    assert b"".join(_digests.blocks(opened, URL)) == b"content"


def test_a_truncated_download_is_an_error() -> None:
    response = Response(b"content", Content_Length="9")
    with pytest.raises(ReleaseError, match=r"truncated: 7 of 9 bytes of http://h/f arrived"):
        list(_digests.blocks(response, "http://u:p@h/f"))


def test_a_broken_connection_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(size: int | None = -1) -> bytes:
        raise ConnectionResetError(104, "Connection reset by peer")

    response = Response(b"", Content_Length="9")
    monkeypatch.setattr(response, "read", read)
    with pytest.raises(ReleaseError, match=r"broke off after 0 of 9 bytes .*: Connection reset"):
        list(_digests.blocks(response, URL))


def test_a_digest_list_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_digests, "LIST_LIMIT", 10)
    assert _digests.fetch_list(lambda url: Response(b"0123456789"), URL, "x") == "0123456789"
    with pytest.raises(ReleaseError, match="is no digest list: it is over 10 bytes"):
        _digests.fetch_list(lambda url: Response(b"0123456789a"), URL, "x")
