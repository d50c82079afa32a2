# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what a task says and what was deployed to the daemon and its product."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from typing import IO, Any

from ..daemon._errors import DaemonError
from ..daemon._host import Host
from ..daemon._spec import Layout
from ..daemon._store import Store
from ._alertmanager import Alertmanager
from ._elasticsearch import Elasticsearch
from ._grafana import Grafana
from ._product import Daemon, Product
from ._prometheus import Prometheus
from ._web import Api


def _nothing(url: str) -> IO[bytes]:
    raise DaemonError(f"a backup needs no download, such as of {url}")


def daemon(
    name: str, replace: bool, warn: Callable[[str], None], layout: Layout | None = None
) -> Daemon:
    """The daemon as it was last deployed on this host."""
    store = Store(posixpath.join((layout or Layout()).state, name))
    return Daemon(name, None, Host(_nothing), store, replace, warn)


def product(kind: str, given: Mapping[str, Any], daemon: Daemon) -> Product:
    """What the daemon is."""
    if kind == "grafana":
        return Grafana(
            given["database"] or "", list(given["secrets"] or ()), given["kept_in"] or ""
        )
    api = Api(given["url"].rstrip("/"), lambda: daemon.health)
    if kind == "alertmanager":
        return Alertmanager(api)
    data = given["data"].replace("{data}", posixpath.join(Layout().data, daemon.name))
    if kind == "prometheus":
        return Prometheus(data, api, given["admin_api"], given["agent"])
    return Elasticsearch(api, given["place"], data)
