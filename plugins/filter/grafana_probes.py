# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter barehost.monitoring.grafana_probes."""

from __future__ import annotations

DOCUMENTATION = r"""
name: grafana_probes
short_description: Describe how a Grafana proves its health
version_added: 0.1.0
author: [Barehost contributors (@barehost)]
description:
  - Returns probes for the option O(barehost.monitoring.daemon#module:health), which ask Grafana, each data source through it, and each dashboard.
options:
  _input:
    description: Data sources in Grafana's own form.
    type: list
    elements: dict
    required: true
  url: {description: Grafana's address on its host., type: str, required: true}
  dashboards: {description: Uids of dashboards., type: list, elements: str, default: []}
  answering: {description: "Whether data sources must answer, or only be there.", type: bool, default: true}
  login: {description: "Whether a password lets in; without, only Grafana itself can be asked.", type: bool, default: true}
  user: {description: "Name of the administrator, for messages.", type: str, default: admin}
  password: {description: "File on the host with the administrator's password, for messages.", type: path, default: ""}
  host: {description: The name by which Grafana wants to be called., type: str, default: ""}
"""

EXAMPLES = r"""
- name: Show the probes
  ansible.builtin.debug:
    msg: "{{ [] | barehost.monitoring.grafana_probes(url='http://127.0.0.1:3000', dashboards=['overview']) }}"
"""

RETURN = r"""
_value:
  description: The probes.
  type: list
  elements: dict
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleTemplatePluginError
from ansible_collections.barehost.monitoring.plugins.plugin_utils import _grafana_probes as core
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import InputError
from ansible_collections.barehost.monitoring.plugins.plugin_utils._plain import plain


def grafana_probes(
    datasources: Any, *, answering: Any = True, **options: Any
) -> list[dict[str, Any]]:
    """Copy what Jinja passed and hand it to the core."""
    try:
        return core.grafana_probes(plain(datasources), answering=bool(answering), **plain(options))
    except InputError as exc:
        raise AnsibleTemplatePluginError(str(exc)) from None


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name each filter."""
        return {"grafana_probes": grafana_probes}
