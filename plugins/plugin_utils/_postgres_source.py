# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where postgres_exporter finds its database (private to this collection).

It takes that from its environment, which everybody on the host can read; so a password is only
announced here, and comes in a file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import (
    Faults,
    kind,
    shown,
)

# postgres_exporter cuts the text at commas, and does not read back what it has quoted itself.
_WORD = re.compile(r"""[^\s,'"\\=&?#%]+""")
_HOST = re.compile(r"/[^\s,'\"\\=&?#%]*|\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+")
# Settings that are variables of the role.
_OWN = {
    "host": "host",
    "port": "port",
    "dbname": "database",
    "user": "username",
    "password": "password",
}
# A password in an address (name:password@, which is no host:port/) or among settings (password=).
_LOGIN = re.compile(
    r"(?:://|^(?!\S*://)|,)[^/?\s@,]*:(?!\d{1,5}[/?])[^\s@]*@|password\s*=", re.IGNORECASE
)
_EXAMPLES = "(examples: /var/run/postgresql, 127.0.0.1, db1.example.com, [2001:db8::7])"


def postgres_source(
    host: Any,
    *,
    port: Any,
    database: Any,
    username: Any,
    password: Any = "",
    options: Any = None,
    environment: Any = None,
) -> dict[str, str]:
    """Return the environment variables, or refuse with all faults; the password is in neither.

    environment: the variables that the inventory adds; a password in them is refused.
    """
    faults = Faults()
    _check_environment(environment, faults)
    options = {} if options is None else options
    if isinstance(host, str) and "@" in host:  # not repeated: it may hold a password
        text = "is more than a host; give postgres_exporter_username and postgres_exporter_password"
        faults.add("postgres_exporter_host", text)
    elif not isinstance(host, str) or not _HOST.fullmatch(host):
        text = f"{shown(host)} is no directory of a socket and no name of a host {_EXAMPLES}"
        faults.add("postgres_exporter_host", text)
    if not re.fullmatch(r"\d{1,5}", str(port)) or not 0 < int(port) < 65536:
        text = f"{shown(port)} is no port from 1 to 65535 (example: 5432)"
        faults.add("postgres_exporter_port", text)
    for name, value in (("database", database), ("username", username)):
        if not isinstance(value, str) or not _WORD.fullmatch(value):
            text = f"{shown(value)} cannot be handed to postgres_exporter (example: postgres)"
            faults.add(f"postgres_exporter_{name}", text)
    _check_password(password, faults)
    _check_options(options, faults)
    faults.refuse()
    settings = {name: str(value) for name, value in options.items()}
    if not password:
        # Brackets belong to addresses of the other form alone.
        words = {
            "host": host.strip("[]"),
            "port": port,
            "user": username,
            "dbname": database,
            **settings,
        }
        pairs = " ".join(f"{name}={value}" for name, value in words.items())
        return {"DATA_SOURCE_NAME": pairs}
    place = f"{host}:{port}"
    if host.startswith("/"):
        place, settings = "", {"host": host, "port": str(port), **settings}
    query = f"?{urlencode(settings, safe='/')}" if settings else ""
    return {"DATA_SOURCE_URI": f"{place}/{database}{query}", "DATA_SOURCE_USER": username}


def _check_password(password: Any, faults: Faults) -> None:
    if not isinstance(password, str):
        faults.add("postgres_exporter_password", f"is {kind(password)}, not a string")
    elif any(character.isspace() for character in password):
        text = "holds a blank or a line end, with which postgres_exporter cannot log in and "
        text += "writes the whole password into the journal; choose another one"
        faults.add("postgres_exporter_password", text)


def _check_environment(environment: Any, faults: Faults) -> None:
    if not isinstance(environment, Mapping):
        return  # the specification of the arguments has its own word for that
    path = "postgres_exporter_environment"
    if environment.get("DATA_SOURCE_PASS"):
        text = "is readable by everybody on the host; give postgres_exporter_password instead"
        faults.add(f"{path}.DATA_SOURCE_PASS", text)
    for name in ("DATA_SOURCE_NAME", "DATA_SOURCE_URI"):
        if _LOGIN.search(str(environment.get(name, ""))):
            text = "holds a password, which everybody on the host could read; give "
            text += "postgres_exporter_host, _port, _database, _username and _password instead"
            faults.add(f"{path}.{name}", text)


def _check_options(options: Any, faults: Faults) -> None:
    path = "postgres_exporter_options"
    if not isinstance(options, Mapping):
        faults.add(path, f"{shown(options)} is {kind(options)}, not a dictionary")
        return
    for name, value in options.items():
        if not isinstance(name, str) or not re.fullmatch(r"[a-z_]+", name):
            faults.add(path, f"{shown(name)} is no setting (example: sslmode)")
        elif name in _OWN:
            faults.add(f"{path}.{name}", f"belongs into postgres_exporter_{_OWN[name]}")
        elif isinstance(value, bool) or not _WORD.fullmatch(str(value)):
            text = f"{shown(value)} cannot be handed to postgres_exporter (example: verify-full)"
            faults.add(f"{path}.{name}", text)
