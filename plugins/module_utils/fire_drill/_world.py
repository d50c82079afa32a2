# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a drill needs of its host: HTTP, amtool, clocks. Bundled, so that tests bring their own."""

from __future__ import annotations

import base64
import http.client
import json
import os
import ssl
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ._named import here
from ._settings import Settings

_TIMEOUT = 10  # seconds for one request
_LIMIT = 64 * 1024 * 1024  # bytes of an answer that are read


@dataclass(frozen=True)
class World:
    """The drill's surroundings."""

    get: Callable[[str], Any]  # an address -> its JSON; OSError with the words
    receivers: Callable[[str, Mapping[str, str]], list[str]]  # by a configuration, for labels
    monotonic: Callable[[], float] = time.monotonic
    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    here: Callable[[str], bool] = here  # whether an address is this host's own


def real(settings: Settings) -> World:
    """The world as it is."""
    return World(
        get=lambda url: get(url, settings),
        receivers=lambda config, labels: receivers(settings.amtool, config, labels),
    )


def get(url: str, settings: Settings) -> Any:
    """Return the JSON at an address, by no proxy. What goes wrong is an OSError with the words."""
    try:
        return json.loads(_text(url, settings))
    except urllib.error.HTTPError as exc:
        with exc:
            words = exc.read(200).decode("utf-8", "replace").strip()
        raise OSError(f"answers {exc.code} ({words or exc.reason})") from None
    except (urllib.error.URLError, http.client.HTTPException, OSError, ValueError) as exc:
        cause = getattr(exc, "reason", None)
        inner = cause if isinstance(cause, BaseException) else exc
        raise OSError(getattr(inner, "strerror", None) or str(inner)) from None


def _text(url: str, settings: Settings) -> bytes:
    request = urllib.request.Request(url)  # noqa: S310  the scheme was checked by the settings
    # What Prometheus names, and the settings do not, gets no password.
    own = tuple(f"{one}/" for one in settings.prometheus + settings.alertmanagers)
    if settings.url_username and f"{url}/".startswith(own):
        login = f"{settings.url_username}:{settings.password}".encode()
        request.add_header("Authorization", f"Basic {base64.b64encode(login).decode()}")
    handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
    if url.startswith("https:"):
        handlers.append(urllib.request.HTTPSHandler(context=_tls(settings)))
    opener = urllib.request.build_opener(*handlers)
    with opener.open(request, timeout=_TIMEOUT) as answer:
        text: bytes = answer.read(_LIMIT)
    return text


def _tls(settings: Settings) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=settings.ca_path or None)
    if not settings.validate_certs:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def receivers(amtool: str, config: str, labels: Mapping[str, str]) -> list[str]:
    """Ask amtool whom a configuration tells of an alert. What goes wrong is an OSError.

    config: the text that a running Alertmanager gives, in which secrets are masked.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".yml", encoding="utf-8") as file:
        file.write(config)
        file.flush()
        words = [
            f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in labels.items()
        ]
        argv = [amtool, "config", "routes", "test", f"--config.file={file.name}", *words]
        try:
            done = subprocess.run(
                argv, capture_output=True, check=False, text=True, timeout=30,
                stdin=subprocess.DEVNULL, env={**os.environ, "LC_ALL": "C.UTF-8"},
            )  # fmt: skip
        except FileNotFoundError:
            raise OSError(f"{amtool} is missing on this host") from None
        except subprocess.TimeoutExpired:
            raise OSError(f"{amtool} did not answer") from None
    # Warnings may come before, on the same way.
    lines = done.stdout.strip().splitlines()
    if done.returncode != 0 or not lines:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise OSError(f"{amtool}: {said[-1] if said else 'it said nothing'}")
    return lines[-1].split(",")
