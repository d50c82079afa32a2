# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter barehost.monitoring.grafana_ini."""

from __future__ import annotations

DOCUMENTATION = r"""
name: grafana_ini
short_description: Write grafana.ini so that Grafana reads what was meant
version_added: 0.1.0
author: [Barehost contributors (@barehost)]
description:
  - Writes sections and keys in the dialect of Grafana's parser, which takes values apart at C(#), C(;) and quotes in silence.
  - Refuses what Grafana would ignore or misread, and secrets in plain text; all faults in one message.
options:
  _input:
    description:
      - Keys and values by section; the section V(DEFAULT) holds the keys above the first one.
      - V(null) leaves a key or a section out.
    type: dict
    required: true
  environment:
    description: Environment variables of the service; one that would override the file is refused.
    type: dict
    default: {}
  names:
    description: What messages call the inputs, for example the variables of a role; by option, and V(config) for the input itself.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Show a section
  ansible.builtin.debug:
    msg: "{{ {'server': {'http_port': 3000, 'protocol': 'http'}} | barehost.monitoring.grafana_ini }}"
"""

RETURN = r"""
_value:
  description: The text of the file.
  type: str
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleTemplatePluginError
from ansible_collections.barehost.monitoring.plugins.plugin_utils import _grafana_ini as core
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import InputError
from ansible_collections.barehost.monitoring.plugins.plugin_utils._plain import plain


def grafana_ini(sections: Any, *, environment: Any = None, names: Any = None) -> str:
    """Copy what Jinja passed and hand it to the core."""
    try:
        return core.grafana_ini(plain(sections), environment=plain(environment))
    except InputError as exc:
        raise AnsibleTemplatePluginError(str(exc.called(plain(names) or {}))) from None


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name each filter."""
        return {"grafana_ini": grafana_ini}
