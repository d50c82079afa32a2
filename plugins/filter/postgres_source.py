# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter barehost.monitoring.postgres_source."""

from __future__ import annotations

DOCUMENTATION = r"""
name: postgres_source
short_description: Tell postgres_exporter where its database is
version_added: 0.1.0
author: [Barehost contributors (@barehost)]
description:
  - Turns the place of a PostgreSQL into the environment variables of postgres_exporter.
  - Refuses a password among further variables, which everybody on the host can read.
  - The password is checked and left out. With one, the variable C(DATA_SOURCE_PASS_FILE) has to name
    the file that it is in.
options:
  _input: {description: Directory of the socket or name of the host., type: str, required: true}
  port: {description: Port., type: int, required: true}
  database: {description: Database to connect to., type: str, required: true}
  username: {description: Role of the database., type: str, required: true}
  password: {description: Its password. Empty means none is needed., type: str, default: ""}
  options: {description: "Further settings of the connection, for example V({sslmode: verify-full}).", type: dict}
  environment: {description: Environment variables that postgres_exporter gets besides., type: dict}
"""

EXAMPLES = r"""
- name: Show the variables
  ansible.builtin.debug:
    msg: "{{ '/var/run/postgresql' | barehost.monitoring.postgres_source(port=5432, database='postgres', username='exporter') }}"
    # {'DATA_SOURCE_NAME': 'host=/var/run/postgresql port=5432 user=exporter dbname=postgres'}
"""

RETURN = r"""
_value:
  description: Name to value.
  type: dict
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleTemplatePluginError
from ansible_collections.barehost.monitoring.plugins.plugin_utils import _postgres_source as core
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import InputError
from ansible_collections.barehost.monitoring.plugins.plugin_utils._plain import plain


def postgres_source(host: Any, **settings: Any) -> dict[str, str]:
    """Copy what Jinja passed and hand it to the core."""
    try:
        return core.postgres_source(plain(host), **plain(settings))
    except InputError as exc:
        raise AnsibleTemplatePluginError(str(exc)) from None


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name each filter."""
        return {"postgres_source": postgres_source}
