# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Users, roles and tokens of Elasticsearch as the files that its nodes read (private)."""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from typing import Any

from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import (
    Faults,
    kind,
    shown,
)
from ansible_collections.barehost.monitoring.plugins.plugin_utils._yaml_files import dump

_COST = 10_000
_SHORTEST = 12
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.@$-]*")
_HEADER = "# Written by barehost.monitoring; the next run undoes changes made here.\n"


def elasticsearch_users(
    users: Any, *, roles: Any = None, tokens: Any = None
) -> dict[str, list[dict[str, Any]]]:
    """Return the files and the secrets for the module daemon.

    users: name -> {password, roles}. tokens: namespace/service/name -> secret.
    """
    faults = Faults()
    _check(users, roles or {}, faults)
    faults.refuse()
    members: dict[str, list[str]] = {}
    for name, user in users.items():
        for role in user.get("roles") or []:
            members.setdefault(role, []).append(name)
    hashes = [f"{name}:{pbkdf2(user['password'], name)}\n" for name, user in users.items()]
    known = [f"{name}:{pbkdf2(secret, name)}\n" for name, secret in (tokens or {}).items()]
    held = [f"{role}:{','.join(names)}\n" for role, names in sorted(members.items())]
    return {
        "files": [
            {"path": "users_roles", "content": _HEADER + "".join(held), "on_change": "none"},
            # Elasticsearch reads it in parts, and would take the mark of a document for a role.
            {
                "path": "roles.yml",
                "content": _HEADER + (dump(roles) if roles else ""),
                "on_change": "none",
            },
        ],
        "secrets": [
            {"path": "users", "content": _HEADER + "".join(hashes), "on_change": "none"},
            {"path": "service_tokens", "content": _HEADER + "".join(known), "on_change": "none"},
        ],
    }


def elasticsearch_token(name: Any, *, secret: str) -> str:
    """Return what a service sends as its token. name: namespace/service/name."""
    return b64encode(b"\0\1\0\1" + f"{name}:{secret}".encode()).decode()


def pbkdf2(password: str, name: str) -> str:
    """Hash as Elasticsearch does.

    The salt follows from name and password, so that the same password gives the same file on every
    node and in every run, and another hash for every user. It is as slow to try as the hash itself.
    """
    salt = hashlib.pbkdf2_hmac("sha512", password.encode(), f"barehost {name}".encode(), _COST, 32)
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _COST, 32)
    return f"{{PBKDF2}}{_COST}${b64encode(salt).decode()}${b64encode(digest).decode()}"


def _check(users: Any, roles: Any, faults: Faults) -> None:
    for where, given in (("users", users), ("roles", roles)):
        if not isinstance(given, dict):
            faults.add(where, f"{kind(given)} is no dictionary of name and description")
            continue
        for name in given:
            if not _NAME.fullmatch(str(name)):
                faults.add(where, f"{shown(name)} is no name (letters, digits, _ . - @)")
    for name, user in users.items() if isinstance(users, dict) else ():
        if not isinstance(user, dict):
            faults.add(f"users.{name}", "is no dictionary with password and roles")
            continue
        password = user.get("password")
        if not isinstance(password, str) or len(password) < _SHORTEST:
            faults.add(f"users.{name}.password", f"is no text of at least {_SHORTEST} characters")
        held = user.get("roles") or []
        if not isinstance(held, list) or not all(isinstance(role, str) for role in held):
            faults.add(f"users.{name}.roles", "is no list of names")
        for key in sorted(set(user) - {"password", "roles"}):
            faults.add(f"users.{name}", f"knows no {shown(key)}, only password and roles")
