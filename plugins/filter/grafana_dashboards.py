# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter barehost.monitoring.grafana_dashboards."""

from __future__ import annotations

DOCUMENTATION = r"""
name: grafana_dashboards
short_description: Check dashboards and lay them out for Grafana
version_added: 0.1.0
author: [Barehost contributors (@barehost)]
description:
  - Reads dashboards (classic JSON) and returns the files from which Grafana provisions them.
  - Refuses what Grafana would skip, and what would freeze a folder (a uid or a title that stands twice), with the file.
  - A data source that a panel, query, variable or annotation asks for must be there.
options:
  _input:
    description:
      - Groups of dashboards, with their C(folder), their C(contents) (JSON or data) and their C(files) for messages.
      - Those of a C(directory) may not be none. Those C(shipped) give way to others of the same uid, and are left out where no
        data source of their kind is there.
    type: list
    elements: dict
    required: true
  extra: {description: Further dashboards as lists by folder., type: dict, default: {}}
  home: {description: Uid of the dashboard that is everybody's first page., type: str, default: ""}
  runbook_url:
    description: Address of the runbooks that dashboards which are C(shipped) link to, with C(<alertname>). Empty, links stay as they are.
    type: str
    default: ""
  datasources: {description: Data sources in Grafana's own form., type: list, elements: dict, default: []}
  elsewhere: {description: Uids of data sources that were made by other means., type: list, elements: str, default: []}
  config: {description: Directory of the configuration on the host., type: str, default: /etc/grafana}
  names:
    description: What messages call the inputs, for example the variables of a role; by option, and V(dashboards) for the input itself.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Show where a dashboard goes
  ansible.builtin.debug:
    msg: "{{ [{'folder': 'Team', 'contents': [{'uid': 'a', 'title': 'A'}]}] | barehost.monitoring.grafana_dashboards }}"
"""

RETURN = r"""
_value:
  description: Files for the module (C(files)), the provider file as data (C(providers)), the C(uids), and the path of the first page (C(home)).
  type: dict
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleTemplatePluginError
from ansible_collections.barehost.monitoring.plugins.plugin_utils import _grafana_dashboards as core
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import InputError
from ansible_collections.barehost.monitoring.plugins.plugin_utils._plain import plain


def grafana_dashboards(groups: Any, *, names: Any = None, **options: Any) -> dict[str, Any]:
    """Copy what Jinja passed and hand it to the core."""
    try:
        return core.grafana_dashboards(plain(groups), **plain(options))
    except InputError as exc:
        raise AnsibleTemplatePluginError(str(exc.called(plain(names) or {}))) from None


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name each filter."""
        return {"grafana_dashboards": grafana_dashboards}
