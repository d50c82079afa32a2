# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter barehost.monitoring.elasticsearch_users."""

from __future__ import annotations

DOCUMENTATION = r"""
name: elasticsearch_users
short_description: Make the files with the users of Elasticsearch
version_added: 0.1.0
author: [Barehost contributors (@barehost)]
description:
  - Makes C(users), C(users_roles), C(roles.yml) and C(service_tokens), which a node reads again within five seconds after a change.
  - The salt of a hash follows from name and password, so that nothing changes when nothing changes.
options:
  _input: {description: "Users, name to C(password) and C(roles).", type: dict, required: true}
  roles: {description: "Roles, name to description.", type: dict, default: {}}
  tokens: {description: "Tokens of services, C(namespace/service/name) to secret.", type: dict, default: {}}
  names:
    description: What messages call the inputs, for example the variables of a role.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Make a user who may look
  ansible.builtin.set_fact:
    files: >-
      {{ {'ada': {'password': vault_ada, 'roles': ['viewer']}} | barehost.monitoring.elasticsearch_users }}
"""

RETURN = r"""
_value:
  description: C(files) and C(secrets) for the module M(barehost.monitoring.daemon).
  type: dict
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleTemplatePluginError
from ansible_collections.barehost.monitoring.plugins.plugin_utils import (
    _elasticsearch_users as core,
)
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import InputError
from ansible_collections.barehost.monitoring.plugins.plugin_utils._plain import plain


def elasticsearch_users(given: Any, *, names: Any = None, **options: Any) -> Any:
    """Copy what Jinja passed and hand it to the core."""
    try:
        return core.elasticsearch_users(plain(given), **plain(options))
    except InputError as exc:
        raise AnsibleTemplatePluginError(str(exc.called(plain(names) or {}))) from None


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name each filter."""
        return {"elasticsearch_users": elasticsearch_users}
