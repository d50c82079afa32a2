# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter barehost.monitoring.alert_thresholds."""

from __future__ import annotations

DOCUMENTATION = r"""
name: alert_thresholds
short_description: Collect the thresholds that hosts have of their own
version_added: 0.1.0
author: [Barehost contributors (@barehost)]
description:
  - Reads from the inventory what the scraped hosts say of the thresholds of alerts, for the option
    C(thresholds) of P(barehost.monitoring.alert_rules#filter).
  - A host says it in an ordinary variable, so that group and host variables, and their precedence, give
    each host its value.
  - Targets whose label C(host) is no host of the inventory are passed over.
options:
  _input:
    description:
      - Targets by job, as lists of target groups with the label C(host);
        P(barehost.monitoring.scrape_targets#filter) makes them.
    type: dict
    required: true
  hostvars:
    description: The variable C(hostvars), or any mapping of host name to variables.
    type: dict
    required: true
  variable:
    description: The variable that holds a host's thresholds, by alert.
    type: str
    default: barehost_alert_thresholds
"""

EXAMPLES = r"""
# host_vars/db1.yml holds barehost_alert_thresholds: {HighMemoryUsage: 0.95}
- name: Show {'db1' {'HighMemoryUsage' 0.95}}
  ansible.builtin.debug:
    msg: "{{ targets | barehost.monitoring.alert_thresholds(hostvars) }}"
  vars:
    targets:
      node-exporter: "{{ ['db1', 'db2'] | barehost.monitoring.scrape_targets(hostvars, port=9100) }}"
"""

RETURN = r"""
_value:
  description: The thresholds, by host and alert; hosts that say nothing are left out.
  type: dict
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleTemplatePluginError
from ansible.module_utils.datatag import native_type_name
from ansible_collections.barehost.monitoring.plugins.plugin_utils import _targets as core
from ansible_collections.barehost.monitoring.plugins.plugin_utils._plain import plain


def alert_thresholds(
    targets: Any, hostvars: Any, *, variable: Any = "barehost_alert_thresholds"
) -> dict[str, Any]:
    """Copy only the variable that matters; each one read is one templated."""
    if not isinstance(hostvars, Mapping):
        raise AnsibleTemplatePluginError(f"needs hostvars, got {native_type_name(hostvars)}")
    found: dict[str, Any] = {}
    for host in core.hosts_of(plain(targets)):
        values = hostvars.get(host)
        if isinstance(values, Mapping) and values.get(str(variable)):
            found[host] = plain(values[str(variable)])
    return found


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name each filter."""
        return {"alert_thresholds": alert_thresholds}
