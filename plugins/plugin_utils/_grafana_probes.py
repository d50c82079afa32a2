# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a Grafana proves that it runs what was deployed (private to this collection).

Each request with a wrong password counts, and five of them lock the user out: 401 is final.
"""

from __future__ import annotations

from typing import Any

from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import (
    Faults,
    kind,
    shown,
)

# What a data source answers by itself, asked through Grafana.
_ASKED = {
    "prometheus": ("api/v1/query?query=vector(1)", '"success"'),
    "alertmanager": ("api/v2/status", '"versionInfo"'),
    "elasticsearch": ("", '"cluster_name"'),
}


def grafana_probes(
    datasources: Any,
    *,
    url: Any,
    dashboards: Any = None,
    answering: Any = True,
    host: Any = "",
    login: Any = True,
    user: Any = "admin",
    password: Any = "",
) -> list[dict[str, Any]]:
    """Return probes for the module daemon: up, each data source, each dashboard.

    answering: whether data sources must answer, or only be there. login: whether a password lets in;
    where none does, only the first of these can be asked. host: the name by which Grafana
    wants to be called. user: the administrator. password: the file with the password.
    """
    faults = Faults()
    uids = [] if dashboards is None else dashboards
    for name, value in (("datasources", datasources), ("dashboards", uids)):
        if not isinstance(value, list):
            faults.add(name, f"{shown(value)} is {kind(value)}, not a list")
    faults.refuse()
    base = str(url).rstrip("/")
    probes = [{"url": f"{base}/api/health", "body": '"database":\\s*"ok"'}]
    hint = f"the administrator has another password than {password}, or another name than {user}. "
    hint += "Write the right password there or into grafana_admin_password, the right name into "
    hint += "grafana_admin_user; the next run sets a password, a name is changed in Grafana alone"
    probes.append(
        {"url": f"{base}/api/user", "hint": hint} if password else {"url": f"{base}/api/user"}
    )
    probes += [_source(source, base, bool(answering)) for source in datasources]
    probes += [
        {"url": f"{base}/api/dashboards/uid/{uid}", "body": '"provisioned":\\s*true'}
        for uid in uids
    ]
    if not login:
        del probes[1:]
    headers = {"headers": {"Host": str(host)}} if host else {}
    return [{**probe, "final": [401], **headers} for probe in probes]


def _source(source: Any, base: str, answering: bool) -> dict[str, Any]:
    fields = source if isinstance(source, dict) else {}
    uid, asked = fields.get("uid", ""), _ASKED.get(str(fields.get("type")))
    if answering and asked:
        return {"url": f"{base}/api/datasources/proxy/uid/{uid}/{asked[0]}", "body": asked[1]}
    return {"url": f"{base}/api/datasources/uid/{uid}"}
