# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the data sources as Grafana's provisioning reads them (private to this collection).

Grafana takes most mistakes in silence, or does not start: what it would not take as it was meant is
refused here. In its provisioning files a $ begins a variable, also inside a password.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import (
    Faults,
    kind,
    nearest,
    shown,
)
from ansible_collections.barehost.monitoring.plugins.plugin_utils._web_address import (
    holds_password,
    is_web_address,
)

OPEN = "provisioning/datasources/barehost.yaml"
ALERTING = "provisioning/alerting/barehost.yaml"
SECRET = "provisioning/datasources/barehost-secret.yaml"
UID = re.compile(r"[A-Za-z0-9_-]{1,40}")
EXPRESSION = re.compile(r"\$__(?:file|env|vault)\{([^{}]+)\}")
# fmt: off
_KEYS = (
    "name", "type", "uid", "access", "orgId", "url", "user", "database", "basicAuth", "basicAuthUser",
    "withCredentials", "isDefault", "editable", "version", "jsonData", "secureJsonData", "correlations",
)
_ALERTING = (
    "groups", "deleteRules", "contactPoints", "deleteContactPoints", "policies", "resetPolicies",
    "templates", "deleteTemplates", "muteTimes", "deleteMuteTimes",
)
# fmt: on
_TYPES: dict[str, type] = {
    "name": str,
    "type": str,
    "uid": str,
    "url": str,
    "orgId": int,
    "isDefault": bool,
    "editable": bool,
    "basicAuth": bool,
    "withCredentials": bool,
    "jsonData": dict,
    "secureJsonData": dict,
}
# Keys of jsonData under which everybody who may look at the data source would read a secret.
_HIDDEN = re.compile(
    r"httpHeaderValue\d+|(.*[a-z])?(password|Password|secret|Secret|secretKey|SecretKey|token|Token)"
    r"|tlsClientKey|privateKey"
)
# What Grafana takes as it is; in templates for messages a $ begins each variable.
_VERBATIM = ("groups", "templates", "muteTimes")
_NEED_URL = ("prometheus", "alertmanager", "elasticsearch", "loki", "tempo")
_USUAL = {"access": "proxy", "orgId": 1, "editable": False}


def grafana_provisioning(
    datasources: Any, *, absent: Any = None, secrets: Any = None, alerting: Any = None
) -> dict[str, dict[str, Any]]:
    """Return the files {open: {path: data}, secret: {path: data}}; one without content is null."""
    faults = Faults()
    sources = _checked(datasources, faults)
    _check_together(sources, faults)
    gone = _absent(absent, [source["name"] for source in sources], faults)
    _check_files(sources, secrets or [], faults)
    rules = _alerting(alerting, faults)
    faults.refuse()
    known = [_escaped(_USUAL | source) for source in sources if not source.get("secureJsonData")]
    secret = [_escaped(_USUAL | source) for source in sources if source.get("secureJsonData")]
    # Grafana reads file by file: what is to go stands in each, so that a renamed source finds its
    # uid free wherever it is.
    head = {
        "apiVersion": 1,
        "prune": True,
        "deleteDatasources": [_escaped({"name": name, "orgId": 1}) for name in gone],
    }
    open_file, secret_file = {**head, "datasources": known}, {**head, "datasources": secret}
    # Contact points hold addresses that are passwords.
    hidden = {SECRET: secret_file if secret else None, ALERTING: rules or None}
    return {"open": {OPEN: open_file}, "secret": hidden}


def _checked(datasources: Any, faults: Faults) -> list[dict[str, Any]]:
    if not isinstance(datasources, list):
        faults.add("datasources", f"{shown(datasources)} is {kind(datasources)}, not a list")
        return []
    good = []
    for index, source in enumerate(datasources):
        where = f"datasources[{index}]"
        if not isinstance(source, dict):
            faults.add(where, f"{shown(source)} is {kind(source)}, not a dictionary")
            continue
        before = len(faults.lines)
        _check(source, where, faults)
        if len(faults.lines) == before:
            good.append(source)
    return good


def _check(source: Mapping[Any, Any], where: str, faults: Faults) -> None:
    for key in ("name", "type", "uid"):
        if not source.get(key):
            faults.add(where, f"has no {key}")
    for key, value in source.items():
        if key in ("password", "basicAuthPassword"):
            faults.add(f"{where}.{key}", "belongs into secureJsonData, where it is encrypted")
        elif key not in _KEYS:
            text = f"Grafana knows no such key and would ignore it{nearest(key, _KEYS)}"
            faults.add(f"{where}.{key}", text)
        elif key in _TYPES and not _is(value, _TYPES[key]):
            wanted = kind(_TYPES[key]())
            faults.add(f"{where}.{key}", f"{shown(value)} is {kind(value)}, not {wanted}")
    uid = source.get("uid")
    if uid and isinstance(uid, str) and not UID.fullmatch(uid):
        faults.add(f"{where}.uid", f"{shown(uid)} is no uid (letters, digits, - and _; at most 40)")
    if source.get("type") in _NEED_URL and not source.get("url"):
        faults.add(where, "has no url")
    _check_url(source, where, faults)
    for key, value in _dictionary(source.get("jsonData")).items():
        if isinstance(key, str) and _HIDDEN.fullmatch(key) and isinstance(value, str):
            text = "belongs into secureJsonData, where it is encrypted and masked in all output"
            faults.add(f"{where}.jsonData.{key}", text)
    for key, value in _dictionary(source.get("secureJsonData")).items():
        if not isinstance(value, str) or not value:
            faults.add(f"{where}.secureJsonData.{key}", "is empty, or no text")


def _check_url(source: Mapping[Any, Any], where: str, faults: Faults) -> None:
    url = source.get("url")
    if not url or not isinstance(url, str):
        return
    if holds_password(url):
        text = "holds a password that everybody may read; give basicAuth: true, basicAuthUser, and "
        faults.add(f"{where}.url", text + "secureJsonData: {basicAuthPassword: ...}")
    elif source.get("type") in _NEED_URL and not is_web_address(url):
        text = f"{shown(url)} is no address of a web server (example: http://127.0.0.1:9090)"
        faults.add(f"{where}.url", text)


def _is(value: Any, wanted: type) -> bool:
    """Whether a value is of a type; in YAML true is no number."""
    return isinstance(value, wanted) and (wanted is bool or not isinstance(value, bool))


def _dictionary(value: Any) -> dict[Any, Any]:
    return value if isinstance(value, dict) else {}


def _check_together(sources: list[dict[str, Any]], faults: Faults) -> None:
    for key in ("uid", "name"):
        for value, count in Counter(source[key] for source in sources).items():
            if count > 1:
                faults.add("datasources", f"{count} data sources have the {key} {shown(value)}")
    for org, count in Counter(s.get("orgId", 1) for s in sources if s.get("isDefault")).items():
        if count > 1:
            text = f"{count} data sources of the organisation {org} are the default; one may be"
            faults.add("datasources", text)


def _absent(absent: Any, names: list[str], faults: Faults) -> list[str]:
    gone = [] if absent is None else absent
    if not isinstance(gone, list) or not all(isinstance(name, str) for name in gone):
        faults.add("absent", f"{shown(absent)} is no list of names")
        return []
    for name in gone:
        if name in names:
            faults.add("absent", f"{shown(name)} is a data source that shall be there")
    return gone


def _check_files(sources: list[dict[str, Any]], secrets: Any, faults: Faults) -> None:
    """What stands in a file is expanded once more, and there is no way to escape it there."""
    if not isinstance(secrets, list):
        faults.add("secrets", f"{shown(secrets)} is {kind(secrets)}, not a list")
        return
    dollars = {
        str(secret.get("path", "")).rpartition("/")[2]
        for secret in secrets
        if isinstance(secret, dict) and "$" in str(secret.get("content") or "")
    }
    for source in sources:
        for key, value in _dictionary(source.get("secureJsonData")).items():
            found = EXPRESSION.fullmatch(value)
            if found and found[1].rpartition("/")[2] in dollars:
                text = (
                    "the secret in this file holds a $, which Grafana would take for a variable; "
                )
                where = f"datasources.{source['uid']}.secureJsonData.{key}"
                faults.add(where, text + "write the secret itself here, it is kept secret")


def _alerting(given: Any, faults: Faults) -> dict[str, Any]:
    if given is None or given == {}:
        return {}
    if not isinstance(given, dict):
        faults.add("alerting", f"{shown(given)} is {kind(given)}, not a dictionary")
        return {}
    for key in given:
        if key not in _ALERTING:
            text = f"Grafana knows no such key and would ignore it{nearest(key, _ALERTING)}"
            faults.add(f"alerting.{key}", text)
    # In rules a $ is Grafana's own template language in some places: they are left as they are.
    texts = {key: value if key in _VERBATIM else _escaped(value) for key, value in given.items()}
    return {"apiVersion": 1, **texts}


def _escaped(value: Any) -> Any:
    """Every text arrives as written; one that is an expression of Grafana stays one."""
    if isinstance(value, dict):
        return {key: _escaped(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_escaped(item) for item in value]
    if isinstance(value, str) and not EXPRESSION.fullmatch(value):
        return value.replace("$", "$$")
    return value
