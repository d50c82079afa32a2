# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private: downloads and the digests that prove them."""

from __future__ import annotations

import http.client
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import IO
from urllib.error import HTTPError, URLError
from urllib.parse import unquote, urlsplit

from ._errors import DaemonError

Opener = Callable[[str], IO[bytes]]

BLOCK = 1024 * 1024
LIST_LIMIT = 8 * BLOCK

_ALGORITHMS = {64: "sha256", 128: "sha512"}
_HEX = r"(?P<hex>[0-9a-fA-F]{128}|[0-9a-fA-F]{64})"
_LINES = (
    re.compile(rf"SHA(?:256|512) \((?P<name>.+)\) = {_HEX}"),
    re.compile(rf"{_HEX}(?:\s+\*?(?P<name>\S.*))?"),
)
# The second form is a password with an unescaped slash: no valid address, but not to be shown.
_CREDENTIALS = re.compile(r"(?<=://)(?:[^/\s]*@|[^/\s:]+:(?!\d*/)\S*@)")


class ReleaseError(DaemonError):
    """A release cannot be installed; the message is a sentence for the operator."""


@dataclass(frozen=True)
class Digest:
    """The digest of a file."""

    algorithm: str
    value: str

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.value}"


def shown(text: str) -> str:
    """Return an address, or a text that holds some, without credentials."""
    return _CREDENTIALS.sub("", text)


def filename(url: str) -> str:
    """Return the name of the file at an address."""
    return unquote(urlsplit(url).path).rpartition("/")[2]


def for_arch(checksum: str | Mapping[str, str], arch: str) -> str:
    """Return what the checksum option says for an architecture."""
    if isinstance(checksum, str):
        return checksum
    if arch not in checksum:
        present = ", ".join(sorted(checksum)) or "none"
        raise ReleaseError(f"no checksum for architecture {arch} (given are: {present})")
    return checksum[arch]


def pinned(checksum: str) -> Digest | None:
    """Return the digest of a literal, None for the address of a digest list."""
    if "://" in checksum:
        return None
    algorithm, _colon, value = checksum.strip().lower().rpartition(":")
    known = _ALGORITHMS.get(len(value))
    if known is None or algorithm not in ("", known) or not re.fullmatch("[0-9a-f]+", value):
        raise ReleaseError(
            f"checksum {checksum!r} is neither sha256:<64 hex digits>, sha512:<128 hex digits> "
            "nor the address of a digest list"
        )
    return Digest(known, value)


def listed(text: str, url: str, source: str) -> Digest:
    """Find the digest of the file at `url` in a digest list read from `source`."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    matches = [match for match in (_match(line) for line in lines) if match]
    if not matches:
        start = repr(lines[0][:60]) if lines else "nothing"
        raise ReleaseError(f"{shown(source)} is no list of sha256 or sha512 digests: {start}")
    # Beside a file its own digest may bear the name that the file had where it was built.
    own = re.sub(r"\.sha(256|512)\Z", "", source) == url
    if len(lines) == 1 and (own or matches[0]["name"] is None):
        return _strongest(matches[0]["hex"])
    entries = [(re.sub(r"^(\./)+", "", m["name"] or ""), m["hex"].lower()) for m in matches]
    path, wanted = unquote(urlsplit(url).path), filename(url)
    for fits in (
        lambda name: "/" in name and path.endswith("/" + name.lstrip("/")),
        lambda name: name == wanted,
        lambda name: name.rpartition("/")[2] == wanted,
    ):
        found = {value for name, value in entries if fits(name)}
        if found:
            return _strongest(*found, where=f"{wanted} in {shown(source)}")
    present = ", ".join(name for name, _value in entries[:5] if name) or "no names"
    more = f" and {len(entries) - 5} more" if len(entries) > 5 else ""
    raise ReleaseError(f"{wanted} is not in the digest list {shown(source)} ({present}{more})")


def _match(line: str) -> re.Match[str] | None:
    return next((match for match in (form.fullmatch(line) for form in _LINES) if match), None)


def _strongest(*values: str, where: str = "") -> Digest:
    length = max(map(len, values))
    best = [value for value in values if len(value) == length]
    if len(best) > 1:
        raise ReleaseError(f"there are {len(best)} different digests of {where}")
    return Digest(_ALGORITHMS[length], best[0].lower())


def request(open_url: Opener, url: str, what: str) -> IO[bytes]:
    """Open an address; `what` names the thing that should be there."""
    try:
        response = open_url(url)
    except HTTPError as exc:
        raise ReleaseError(_refused(exc.code, url, what)) from None
    except DaemonError:  # a run that was asked to stop
        raise
    except Exception as exc:
        reason = exc.reason if isinstance(exc, URLError) else exc
        if isinstance(reason, FileNotFoundError):
            raise ReleaseError(f"{what} is not at {shown(url)} (no such file)") from None
        raise ReleaseError(_unreachable(reason, url, what)) from None
    status = getattr(response, "status", None)
    if status in (None, 200):
        return response
    response.close()
    raise ReleaseError(_refused(status, url, what))


def blocks(response: IO[bytes], url: str) -> Iterator[bytes]:
    """Yield what an opened address holds; the whole of it, or an error."""
    wanted, received = content_length(response), 0
    try:
        while block := response.read(BLOCK):
            received += len(block)
            yield block
    except (OSError, http.client.HTTPException) as exc:
        what = f"{received} of {wanted or 'unknown'} bytes of {shown(url)}"
        raise ReleaseError(f"the download broke off after {what}: {_words(exc)}") from None
    if wanted is not None and received != wanted:
        what = f"{received} of {wanted} bytes of {shown(url)} arrived"
        raise ReleaseError(f"the download is truncated: {what}; try again")


def content_length(response: IO[bytes]) -> int | None:
    """Return the announced size of an opened address, if that can be known."""
    headers = getattr(response, "headers", None)
    if headers is None or headers.get("Content-Encoding"):
        return None
    value = headers.get("Content-Length") or ""
    return int(value) if value.isdigit() else None


def fetch_list(open_url: Opener, url: str, what: str) -> str:
    """Return the text of a digest list."""
    text = b""
    with request(open_url, url, f"the digest list of {what}") as response:
        for block in blocks(response, url):
            text += block
            if len(text) > LIST_LIMIT:
                raise ReleaseError(f"{shown(url)} is no digest list: it is over {LIST_LIMIT} bytes")
    return text.decode(errors="replace")


def _refused(status: int, url: str, what: str) -> str:
    if status in (404, 410):
        return f"{what} is not at {shown(url)} ({status})"
    reason = http.client.responses.get(status, "")
    hint = "check the credentials" if status in (401, 403, 407) else "try again, or use a mirror"
    return f"{what} cannot be had from {shown(url)} ({status} {reason}): {hint}"


def _unreachable(reason: object, url: str, what: str) -> str:
    # Exceptions about malformed addresses quote parts of them, a password too: not repeated.
    malformed = isinstance(reason, (ValueError, http.client.InvalidURL))
    if malformed and not isinstance(reason, OSError):
        return f"{what} cannot be had: {shown(url)} is not a valid address"
    host = shown(url).partition("://")[2].partition("/")[0] or "the file"
    return f"{what} cannot be had: {host} is unreachable ({_words(reason)}) for {shown(url)}"


def _words(reason: object) -> str:
    return shown(str(getattr(reason, "strerror", None) or reason) or type(reason).__name__)
