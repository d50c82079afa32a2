# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter barehost.monitoring.local_url."""

from __future__ import annotations

DOCUMENTATION = r"""
name: local_url
short_description: Tell where a daemon is reached on its own host
version_added: 0.1.0
author: [Barehost contributors (@barehost)]
description:
  - Turns listening addresses in the form C(host:port), C([v6]:port) or C(:port) into the URL for a
    health probe.
  - The first address counts. An address of every interface is probed on loopback.
options:
  _input: {description: One address or a list of addresses., type: raw, required: true}
  path: {description: The path of the URL., type: str, default: ""}
  tls: {description: Whether the daemon speaks TLS., type: bool, default: false}
"""

EXAMPLES = r"""
- name: Show http://127.0.0.1:9090/-/ready
  ansible.builtin.debug:
    msg: "{{ [':9090'] | barehost.monitoring.local_url('/-/ready') }}"
"""

RETURN = r"""
_value:
  description: The URL.
  type: str
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleTemplatePluginError
from ansible_collections.barehost.monitoring.plugins.plugin_utils import _local_url as core
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import InputError
from ansible_collections.barehost.monitoring.plugins.plugin_utils._plain import plain


def local_url(addresses: Any, path: Any = "", *, tls: Any = False) -> str:
    """Copy what Jinja passed and hand it to the core."""
    try:
        return core.local_url(plain(addresses), str(path), tls=bool(tls))
    except InputError as exc:
        raise AnsibleTemplatePluginError(str(exc)) from None


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name each filter."""
        return {"local_url": local_url}
