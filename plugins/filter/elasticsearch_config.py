# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter barehost.monitoring.elasticsearch_config."""

from __future__ import annotations

DOCUMENTATION = r"""
name: elasticsearch_config
short_description: Merge and check the settings of an Elasticsearch node
version_added: 0.1.0
author: [Barehost contributors (@barehost)]
description:
  - Merges settings whose names are nested or dotted, leaves out those that are V(null), and refuses what would be open to others
    without having been asked for, a heap that cannot be had, and a version that is not known; all faults in one message.
options:
  _input: {description: Settings of the node., type: dict, required: true}
  extra: {description: Settings that join or replace them., type: dict, default: {}}
  version: {description: Version of Elasticsearch., type: str, default: "8"}
  heap: {description: Size of the heap. Example V(512m)., type: str, default: 512m}
  memory_max: {description: Limit of the memory for the service. Example V(2G)., type: str, default: ""}
  plain_http: {description: Whether others may reach it without passwords or TLS., type: bool, default: false}
  nodes: {description: Members of the cluster., type: list, elements: str, default: []}
  peers: {description: "Hosts that would be clusters of the same name, were O(nodes) empty.", type: list, elements: str, default: []}
  names:
    description: What messages call the inputs, for example the variables of a role.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Show cluster.name and http.port
  ansible.builtin.debug:
    msg: "{{ {'cluster': {'name': 'elk'}} | barehost.monitoring.elasticsearch_config(extra={'http.port': 9200}) }}"
"""

RETURN = r"""
_value:
  description: The settings by dotted name.
  type: dict
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleTemplatePluginError
from ansible_collections.barehost.monitoring.plugins.plugin_utils import (
    _elasticsearch_config as core,
)
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import InputError
from ansible_collections.barehost.monitoring.plugins.plugin_utils._plain import plain


def elasticsearch_config(given: Any, *, names: Any = None, **options: Any) -> Any:
    """Copy what Jinja passed and hand it to the core."""
    try:
        return core.elasticsearch_config(plain(given), **plain(options))
    except InputError as exc:
        raise AnsibleTemplatePluginError(str(exc.called(plain(names) or {}))) from None


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name each filter."""
        return {"elasticsearch_config": elasticsearch_config}
