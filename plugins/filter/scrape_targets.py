# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter barehost.monitoring.scrape_targets."""

from __future__ import annotations

DOCUMENTATION = r"""
name: scrape_targets
short_description: Turn inventory hosts into scrape targets
version_added: 0.1.0
author: [Barehost contributors (@barehost)]
description:
  - Turns host names into target groups for C(static_configs) or a file of C(file_sd_configs), in
    the given order.
  - Every target has the labels C(instance) (inventory name and port) and C(host) (inventory
    name).
  - The address of a host is its variable C(barehost_address), else C(ansible_host), else its
    inventory name. Set C(barehost_address) where Ansible reaches the host by something else than
    its network address, for example by the name of a container.
  - An error names every missing host, bad address and bad label at once.
options:
  _input:
    description: Inventory host names.
    type: list
    elements: str
    required: true
  hostvars:
    description: The variable C(hostvars), or any mapping of host name to variables.
    type: dict
    required: true
  port:
    description: The port that is scraped, from 1 to 65535.
    type: int
    required: true
  labels:
    description: Labels of all targets.
    type: dict
    default: {}
  scraper:
    description: The host that scrapes. It reaches its own target by V(127.0.0.1).
    type: str
  address_variable:
    description: The variable that holds a host's address.
    type: str
    default: barehost_address
  labels_variable:
    description: The variable that holds a host's own labels; these win over O(labels).
    type: str
    default: barehost_labels
"""

EXAMPLES = r"""
# [{targets: ["192.0.2.7:9100"], labels: {instance: "db1:9100", host: "db1", rack: "r2"}}]
- name: Show the targets of a group
  ansible.builtin.debug:
    msg: >-
      {{ groups['node_exporter'] | default([])
         | barehost.monitoring.scrape_targets(hostvars, port=9100, labels={'rack': 'r2'},
                                              scraper=inventory_hostname) }}
"""

RETURN = r"""
_value:
  description: One target group a host, with C(targets) and C(labels).
  type: list
  elements: dict
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleTemplatePluginError
from ansible.module_utils.datatag import native_type_name
from ansible_collections.barehost.monitoring.plugins.plugin_utils import _targets as core
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import InputError
from ansible_collections.barehost.monitoring.plugins.plugin_utils._plain import plain


def scrape_targets(
    hosts: Any,
    hostvars: Any,
    *,
    port: Any,
    labels: Any = None,
    scraper: Any = None,
    address_variable: Any = core.ADDRESS,
    labels_variable: Any = core.LABELS,
) -> list[dict[str, Any]]:
    """Copy what Jinja passed and hand it to the core."""
    if not isinstance(hostvars, Mapping):
        raise AnsibleTemplatePluginError(f"needs hostvars, got {native_type_name(hostvars)}")
    names = (str(address_variable), "ansible_host", str(labels_variable))

    def variables(host: str) -> dict[str, Any] | None:
        """Copy only the variables that matter; each one read is one templated."""
        values = hostvars.get(host)
        if not isinstance(values, Mapping):
            return None
        return {name: plain(values[name]) for name in names if name in values}

    try:
        return core.scrape_targets(
            plain(hosts), variables, names, port=plain(port), labels=plain(labels), scraper=scraper
        )
    except InputError as exc:
        raise AnsibleTemplatePluginError(str(exc)) from None


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name each filter."""
        return {"scrape_targets": scrape_targets}
