# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter barehost.monitoring.grafana_provisioning."""

from __future__ import annotations

DOCUMENTATION = r"""
name: grafana_provisioning
short_description: Compose the files from which Grafana provisions data sources
version_added: 0.1.0
author: [Barehost contributors (@barehost)]
description:
  - Composes the provisioning files of data sources. Those with secrets are in a file of their own.
  - Every text arrives in Grafana as it is written here; a C($) is escaped, unless the whole text is an expression such as C($__file{/path}).
  - Refuses what Grafana would ignore, or would not start with; all faults in one message.
options:
  _input:
    description: Data sources in Grafana's own form; C(name), C(type) and C(uid) are needed.
    type: list
    elements: dict
    required: true
  absent: {description: Names of data sources to delete., type: list, elements: str, default: []}
  secrets:
    description: Secrets in the form of the option O(barehost.monitoring.daemon#module:secrets), to which expressions may refer.
    type: list
    elements: dict
    default: []
  alerting:
    description: Contact points, policies and the like in the form of Grafana's provisioning files.
    type: dict
    default: {}
  names:
    description: What messages call the inputs, for example the variables of a role; by option, and V(datasources) for the input itself.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Show the files
  ansible.builtin.debug:
    msg: "{{ sources | barehost.monitoring.grafana_provisioning }}"
  vars:
    sources:
      - {name: Prometheus, uid: prometheus, type: prometheus, url: "http://127.0.0.1:9090", isDefault: true}
"""

RETURN = r"""
_value:
  description: Data by path, in C(open) what may be shown, in C(secret) what may not.
  type: dict
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleTemplatePluginError
from ansible_collections.barehost.monitoring.plugins.plugin_utils import (
    _grafana_provisioning as core,
)
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import InputError
from ansible_collections.barehost.monitoring.plugins.plugin_utils._plain import plain


def grafana_provisioning(
    datasources: Any, *, names: Any = None, **options: Any
) -> dict[str, dict[str, Any]]:
    """Copy what Jinja passed and hand it to the core."""
    try:
        return core.grafana_provisioning(plain(datasources), **plain(options))
    except InputError as exc:
        raise AnsibleTemplatePluginError(str(exc.called(plain(names) or {}))) from None


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name each filter."""
        return {"grafana_provisioning": grafana_provisioning}
