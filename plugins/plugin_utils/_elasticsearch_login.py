# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How elasticsearch_exporter logs in (private to this collection).

It takes a login out of its environment or out of the address among its arguments, where others can read
it. But an argument @FILE stands for the arguments in that file, a line each: one with the address, user and
password included, is what is made here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import (
    Faults,
    kind,
    shown,
)
from ansible_collections.barehost.monitoring.plugins.plugin_utils._web_address import (
    is_web_address,
)

_PREFIX = "elasticsearch_exporter"
_EXAMPLES = "(examples: http://127.0.0.1:9200, https://es1.example.com:9200)"
_READABLE = "is readable in the environment of the process; "
_SECRET = {
    "ES_PASSWORD": f"{_READABLE}give {_PREFIX}_password instead",
    "ES_API_KEY": f"{_READABLE}give {_PREFIX}_username and {_PREFIX}_password of a user instead",
    "AWS_SECRET_ACCESS_KEY": f"{_READABLE}give the host a role instead",
}


def elasticsearch_login(
    password: Any, *, address: Any, username: Any = "", flags: Any = None, environment: Any = None
) -> str:
    """Return the content of the file of arguments: nothing without a password, which is never shown.

    flags, environment: what is given to elasticsearch_exporter besides; a secret in it is refused.
    """
    faults = Faults()
    if isinstance(flags, Mapping) and flags.get("es.uri") is not None:  # it may hold a password
        faults.add(f"{_PREFIX}_flags.es.uri", f"belongs into {_PREFIX}_address")
    for name, text in _SECRET.items():
        if isinstance(environment, Mapping) and environment.get(name):
            faults.add(f"{_PREFIX}_environment.{name}", text)
    for name, value in (("password", password), ("username", username), ("address", address)):
        if not isinstance(value, str):
            faults.add(f"{_PREFIX}_{name}", f"is {kind(value)}, not a string")
    faults.refuse()
    if "@" in address:  # not repeated: it may hold a password
        text = f"holds a user or a password; give {_PREFIX}_username and {_PREFIX}_password"
        faults.add(f"{_PREFIX}_address", text)
    elif not is_web_address(address) or any(character.isspace() for character in address):
        faults.add(f"{_PREFIX}_address", f"{shown(address)} is no address {_EXAMPLES}")
    if bool(username) != bool(password):
        missing = "password" if username else "username"
        faults.add(f"{_PREFIX}_{missing}", "is empty; a login needs both, or neither")
    faults.refuse()
    if not password:
        return ""
    scheme, _separator, rest = address.partition("://")
    return f"--es.uri={scheme}://{quote(username, safe='')}:{quote(password, safe='')}@{rest}\n"
