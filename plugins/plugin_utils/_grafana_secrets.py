# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The secrets of a Grafana (private to this collection)."""

from __future__ import annotations

import re
from typing import Any

from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import (
    Faults,
    kind,
    shown,
)

ADMIN, KEY, DATABASE = "secrets/admin_password", "secrets/secret_key", "secrets/database_password"
_SHORTEST = {"admin_password": 12, "secret_key": 16, "database_password": 1}
# Grafana's own defaults, known to everybody.
_PUBLIC = {"admin", "password", "grafana", "SW2YcwTIb9zpOOhoPsMm"}
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# Grafana puts it between blanks into a text that PostgreSQL's driver takes apart.
_TORN = re.compile(r"\s|\\|^'")


def grafana_secrets(
    given: Any = None, *, user: Any = "admin", database: Any = "sqlite3"
) -> list[dict[str, Any]]:
    """Return secrets for the module daemon; null lets the host make one, and no database password.

    given: {admin_password, secret_key, database_password}. database: its type.
    """
    faults = Faults()
    given = {} if given is None else given
    if not isinstance(given, dict):
        faults.add("secrets", f"a value of type {type(given).__name__} is no dictionary")
        given = {}
    if not isinstance(user, str) or not re.fullmatch(r"[^\s:]+", user):
        faults.add("admin_user", f"{shown(user)} is no user name (no colon, no blank)")
    for name, shortest in _SHORTEST.items():
        if given.get(name) is not None and (fault := _fault(given[name], shortest, str(user))):
            faults.add(name, fault)
    login = given.get("database_password")
    if database == "postgres" and isinstance(login, str) and _TORN.search(login):
        text = (
            "holds a blank, a backslash or a quote at its beginning, with which Grafana does not "
        )
        faults.add("database_password", f"{text}reach PostgreSQL; give that role another one")
    faults.refuse()
    password, key, login = (given.get(name) for name in _SHORTEST)
    # Grafana reads it for a new database alone.
    admin = {"path": ADMIN, "on_change": "none"}
    found = [
        admin | _source(password, 24),
        {"path": KEY, "on_change": "refuse"} | _source(key, 32),
    ]
    return found + ([{"path": DATABASE, "content": login}] if login else [])


def _source(value: str | None, length: int) -> dict[str, Any]:
    return {"generate": {"length": length}} if value is None else {"content": value}


def _fault(value: Any, shortest: int, user: str) -> str:
    """What is wrong with a secret; its text is not repeated."""
    if not isinstance(value, str):
        return f"is {kind(value)}, not a string; put quotes around it"
    if not value.strip():
        return "is empty; give one, or null to have it made on the host"
    if _CONTROL.search(value) or value != value.strip():
        return "holds a line break or control character, or blanks at an end"
    if "%(" in value:
        return "holds %(, in whose place Grafana would put another setting"
    if value in _PUBLIC or shortest > 1 and value == user:
        return "is known to everybody"
    if len(value) < shortest or shortest > 1 and len(set(value)) < 5:
        return f"is too weak: at least {shortest} characters, of them 5 different ones"
    return ""
