# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The password file of redis_exporter (private to this collection).

It finds the password of a Redis under that Redis' address, to which it has added the user; an entry
under any other spelling is passed over in silence, and the login is tried without a password.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import (
    Faults,
    kind,
    shown,
)

_HOST = r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+)(?::\d{1,5})?"
_ADDRESS = re.compile(rf"(?:rediss?://)?{_HOST}(?:/\d*)?(?:\?\S*)?|unix:///\S+")
# What Go leaves as it is in the user's part of an address.
_PLAIN = "$&+,;=~"
_EXAMPLES = (
    "(examples: redis://127.0.0.1:6379, rediss://db1.example.com:6380, unix:///run/redis.sock)"
)
# What everybody on the host could read in the unit, and where it belongs.
_READABLE = "is readable by everybody on the host; "
_PASSWORD = _READABLE + "give redis_exporter_password instead"
_LOGIN = "holds a user or a password, which everybody on the host could read; "
_LOGIN += "give redis_exporter_address, redis_exporter_username and redis_exporter_password instead"
_HASH = _READABLE + "give the flag basic-auth-hash-password instead"
_SECRET = {
    "redis_exporter_flags": {"redis.password": _PASSWORD, "basic-auth-password": _HASH},
    "redis_exporter_environment": {
        "REDIS_PASSWORD": _PASSWORD,
        "REDIS_EXPORTER_BASIC_AUTH_PASSWORD": _HASH,
    },
}
_ADDRESSES = {"redis_exporter_flags": "redis.addr", "redis_exporter_environment": "REDIS_ADDR"}


def redis_passwords(
    password: Any, *, address: Any, username: Any = "", flags: Any = None, environment: Any = None
) -> dict[str, str]:
    """Return the file's content: nothing without a password, which is never shown.

    flags, environment: what is given to redis_exporter besides; a secret in it is refused.
    """
    faults = Faults()
    _check_readable("redis_exporter_flags", flags, faults)
    _check_readable("redis_exporter_environment", environment, faults)
    for name, value in (("password", password), ("username", username), ("address", address)):
        if not isinstance(value, str):
            faults.add(f"redis_exporter_{name}", f"is {kind(value)}, not a string")
    if not isinstance(address, str):
        faults.refuse()
    if "@" in address:  # not repeated: it may hold a password
        text = "holds a user or a password, with which redis_exporter cannot connect; "
        text += "give redis_exporter_username and redis_exporter_password"
        faults.add("redis_exporter_address", text)
    elif not _ADDRESS.fullmatch(address):
        faults.add("redis_exporter_address", f"{shown(address)} is no address {_EXAMPLES}")
    faults.refuse()
    return {_key(address, username): password} if password else {}


def _check_readable(variable: str, given: Any, faults: Faults) -> None:
    if not isinstance(given, Mapping):
        return  # the specification of the arguments has its own word for that
    for name, text in _SECRET[variable].items():
        if given.get(name):
            faults.add(f"{variable}.{name}", text)
    name = _ADDRESSES[variable]
    if "@" in str(given.get(name, "")):
        faults.add(f"{variable}.{name}", _LOGIN)


def _key(address: str, username: str) -> str:
    scheme, separator, rest = address.rpartition("://")
    user = f"{quote(username, safe=_PLAIN)}@" if username else ""
    return f"{scheme if separator else 'redis'}://{user}{rest}"
