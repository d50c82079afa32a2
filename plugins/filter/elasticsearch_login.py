# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter barehost.monitoring.elasticsearch_login."""

from __future__ import annotations

DOCUMENTATION = r"""
name: elasticsearch_login
short_description: Compose the file of arguments with which elasticsearch_exporter logs in
version_added: 0.1.0
author: [Barehost contributors (@barehost)]
description:
  - Turns a password into the file of arguments of elasticsearch_exporter, in which it stands within the
    address of Elasticsearch, in the form of addresses.
  - Refuses logins in the address, and passwords in flags and environment.
options:
  _input: {description: The password; an empty one gives an empty text., type: str, required: true}
  address: {description: Where Elasticsearch listens., type: str, required: true}
  username: {description: User of Elasticsearch., type: str, default: ""}
  flags: {description: Flags that elasticsearch_exporter gets besides., type: dict}
  environment: {description: Environment variables that it gets besides., type: dict}
"""

EXAMPLES = r"""
- name: Show the file
  ansible.builtin.debug:
    msg: "{{ password | barehost.monitoring.elasticsearch_login(address='http://127.0.0.1:9200', username='exporter') }}"
    # --es.uri=http://exporter:the%20password@127.0.0.1:9200
"""

RETURN = r"""
_value:
  description: Content of the file.
  type: str
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleTemplatePluginError
from ansible_collections.barehost.monitoring.plugins.plugin_utils import (
    _elasticsearch_login as core,
)
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import InputError
from ansible_collections.barehost.monitoring.plugins.plugin_utils._plain import plain


def elasticsearch_login(password: Any, **settings: Any) -> str:
    """Copy what Jinja passed and hand it to the core."""
    try:
        return core.elasticsearch_login(plain(password), **plain(settings))
    except InputError as exc:
        raise AnsibleTemplatePluginError(str(exc)) from None


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name each filter."""
        return {"elasticsearch_login": elasticsearch_login}
