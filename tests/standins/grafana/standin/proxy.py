# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The data source proxy: a request for a data source is passed on to it, with its password."""

import base64
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from standin.server import Answer, Request

_TIMEOUT = 30  # seconds


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_arguments: Any) -> None:
        """A redirect is passed back."""


def forward(request: Request, source: dict[str, Any], rest: str) -> Answer:
    """Ask the data source and return what it says."""
    place = urllib.parse.urlsplit(source["url"]).netloc
    allowed = request.server.settings["security"].get("data_source_proxy_whitelist", "").split()
    if allowed and place not in allowed:
        text = "Data proxy hostname and ip are not included in whitelist"
        return Answer(403, {"message": text})
    if source["type"] == "elasticsearch" and request.method == "POST" and "_msearch" not in rest:
        return Answer(403, {"message": "posts not allowed on proxied Elasticsearch datasource"})
    query = request.query["?"]
    url = source["url"].rstrip("/") + rest + (f"?{query}" if query else "")
    body = request.body if request.method == "POST" else None
    asked = urllib.request.Request(url, body, method=request.method)
    if body is not None and "Content-Type" in request.headers:
        asked.add_header("Content-Type", request.headers["Content-Type"])
    if source.get("basicAuth"):
        password = request.server.database.secrets(source["uid"]).get("basicAuthPassword", "")
        login = f"{source['basicAuthUser']}:{password}".encode()
        asked.add_header("Authorization", f"Basic {base64.b64encode(login).decode()}")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _Stay())
    try:
        with opener.open(asked, timeout=_TIMEOUT) as answer:
            return _passed(answer.status, answer)
    except urllib.error.HTTPError as exc:
        with exc:
            return _passed(exc.code, exc)
    except OSError:
        return Answer(502)


def _passed(status: int, answer: Any) -> Answer:
    kind = answer.headers.get("Content-Type") or "application/octet-stream"
    return Answer(status, answer.read(), {"Content-Type": kind})
