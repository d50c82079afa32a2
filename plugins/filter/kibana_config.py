# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter barehost.monitoring.kibana_config."""

from __future__ import annotations

DOCUMENTATION = r"""
name: kibana_config
short_description: Merge and check the settings of Kibana
version_added: 0.1.0
author: [Barehost contributors (@barehost)]
description:
  - Merges settings whose names are nested or dotted, leaves out those that are V(null), and refuses an address that others reach
    without passwords or TLS, unless that was asked for; all faults in one message. Kibana itself judges the rest when it starts.
options:
  _input: {description: Settings of Kibana., type: dict, required: true}
  extra: {description: Settings that join or replace them., type: dict, default: {}}
  security: {description: Whether Elasticsearch asks for passwords., type: bool, default: false}
  plain_http: {description: Whether others may reach it without passwords or TLS., type: bool, default: false}
  heap: {description: Size of the heap in megabytes., type: int, default: 1024}
  memory_max: {description: Limit of the memory for the service. Example V(2G)., type: str, default: ""}
  names:
    description: What messages call the inputs, for example the variables of a role.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Show server.host and server.port
  ansible.builtin.debug:
    msg: "{{ {'server.host': '127.0.0.1'} | barehost.monitoring.kibana_config(extra={'server': {'port': 5602}}) }}"
"""

RETURN = r"""
_value:
  description: The settings by dotted name.
  type: dict
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleTemplatePluginError
from ansible_collections.barehost.monitoring.plugins.plugin_utils import _kibana_config as core
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import InputError
from ansible_collections.barehost.monitoring.plugins.plugin_utils._plain import plain


def kibana_config(given: Any, *, names: Any = None, **options: Any) -> Any:
    """Copy what Jinja passed and hand it to the core."""
    try:
        return core.kibana_config(plain(given), **plain(options))
    except InputError as exc:
        raise AnsibleTemplatePluginError(str(exc.called(plain(names) or {}))) from None


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name each filter."""
        return {"kibana_config": kibana_config}
