# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter barehost.monitoring.elasticsearch_address."""

from __future__ import annotations

DOCUMENTATION = r"""
name: elasticsearch_address
short_description: Tell where an Elasticsearch node listens
version_added: 0.1.0
author: [Barehost contributors (@barehost)]
description:
  - Returns the address C(host:port) at which a node with these settings takes requests, or the other nodes. It is the first one where there are many.
  - Addresses that Elasticsearch knows by name, as C(_local_), become those of loopback.
options:
  _input: {description: The settings by dotted name., type: dict, required: true}
  extra: {description: "Further settings, dotted or nested, that win.", type: dict, default: {}}
  service: {description: For whom it listens., type: str, choices: [http, transport], default: http}
"""

EXAMPLES = r"""
- name: Show 127.0.0.1:9201
  ansible.builtin.debug:
    msg: "{{ {'network.host': '_local_', 'http.port': 9200} | barehost.monitoring.elasticsearch_address(extra={'http': {'port': 9201}}) }}"
"""

RETURN = r"""
_value:
  description: The address.
  type: str
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleTemplatePluginError
from ansible_collections.barehost.monitoring.plugins.plugin_utils import (
    _elasticsearch_address as core,
)
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import InputError
from ansible_collections.barehost.monitoring.plugins.plugin_utils._plain import plain


def elasticsearch_address(settings: Any, *, extra: Any = None, service: Any = "http") -> str:
    """Copy what Jinja passed, but the settings, and hand it to the core."""
    try:
        return core.elasticsearch_address(settings, extra=plain(extra), service=str(service))
    except InputError as exc:
        raise AnsibleTemplatePluginError(str(exc)) from None


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name each filter."""
        return {"elasticsearch_address": elasticsearch_address}
