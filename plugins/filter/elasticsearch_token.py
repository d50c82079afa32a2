# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter barehost.monitoring.elasticsearch_token."""

from __future__ import annotations

DOCUMENTATION = r"""
name: elasticsearch_token
short_description: Make the token of a service of Elasticsearch
version_added: 0.1.0
author: [Barehost contributors (@barehost)]
description:
  - Makes the text that a service sends, of the name and the secret of its token.
options:
  _input: {description: "The token, as C(namespace/service/name).", type: str, required: true}
  secret: {description: The secret of the token., type: str, required: true}
  names:
    description: What messages call the inputs, for example the variables of a role.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Show the token
  ansible.builtin.debug:
    msg: "{{ 'elastic/kibana/mine' | barehost.monitoring.elasticsearch_token(secret='planted') }}"
"""

RETURN = r"""
_value:
  description: The token.
  type: str
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleTemplatePluginError
from ansible_collections.barehost.monitoring.plugins.plugin_utils import (
    _elasticsearch_users as core,
)
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import InputError
from ansible_collections.barehost.monitoring.plugins.plugin_utils._plain import plain


def elasticsearch_token(given: Any, *, names: Any = None, **options: Any) -> Any:
    """Copy what Jinja passed and hand it to the core."""
    try:
        return core.elasticsearch_token(plain(given), **plain(options))
    except InputError as exc:
        raise AnsibleTemplatePluginError(str(exc.called(plain(names) or {}))) from None


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name each filter."""
        return {"elasticsearch_token": elasticsearch_token}
