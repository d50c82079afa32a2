# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter barehost.monitoring.grafana_secrets."""

from __future__ import annotations

DOCUMENTATION = r"""
name: grafana_secrets
short_description: Name the secrets of a Grafana
version_added: 0.1.0
author: [Barehost contributors (@barehost)]
description:
  - Returns the secrets of a Grafana in the form of the option O(barehost.monitoring.daemon#module:secrets).
  - Refuses weak ones without repeating them; all faults in one message.
options:
  _input:
    description: The keys C(admin_password), C(secret_key) and C(database_password). With V(null) the host makes the first two once.
    type: dict
    required: true
  user: {description: Name of the administrator., type: str, default: admin}
  database: {description: Type of the database as in C(grafana.ini)., type: str, default: sqlite3}
  names:
    description: What messages call the inputs, for example the variables of a role; by option, and V(secrets) for the input itself.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Let the host make them
  ansible.builtin.debug:
    msg: "{{ {} | barehost.monitoring.grafana_secrets }}"
"""

RETURN = r"""
_value:
  description: The secrets.
  type: list
  elements: dict
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleTemplatePluginError
from ansible_collections.barehost.monitoring.plugins.plugin_utils import _grafana_secrets as core
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import InputError
from ansible_collections.barehost.monitoring.plugins.plugin_utils._plain import plain


def grafana_secrets(
    given: Any, *, user: Any = "admin", database: Any = "sqlite3", names: Any = None
) -> list[dict[str, Any]]:
    """Copy what Jinja passed and hand it to the core."""
    try:
        return core.grafana_secrets(plain(given), user=plain(user), database=plain(database))
    except InputError as exc:
        raise AnsibleTemplatePluginError(str(exc.called(plain(names) or {}))) from None


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name each filter."""
        return {"grafana_secrets": grafana_secrets}
