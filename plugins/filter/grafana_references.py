# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter barehost.monitoring.grafana_references."""

from __future__ import annotations

DOCUMENTATION = r"""
name: grafana_references
short_description: List the files that a Grafana reads
version_added: 0.1.0
author: [Barehost contributors (@barehost)]
description:
  - Lists every path in an expression C($__file{/path}), and every absolute path under a key for a certificate.
  - Grafana does not start when one of them is missing; O(barehost.monitoring.daemon#module:requires) tells before.
options:
  _input:
    description: A configuration, a part of one, or a list of them.
    type: raw
    required: true
"""

EXAMPLES = r"""
# [/etc/grafana/secrets/smtp]
- name: Show what it reads
  ansible.builtin.debug:
    msg: "{{ {'smtp': {'password': '$__file{/etc/grafana/secrets/smtp}'}} | barehost.monitoring.grafana_references }}"
"""

RETURN = r"""
_value:
  description: The paths, each once.
  type: list
  elements: str
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleTemplatePluginError
from ansible_collections.barehost.monitoring.plugins.plugin_utils import _grafana_references as core
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import InputError
from ansible_collections.barehost.monitoring.plugins.plugin_utils._plain import plain


def grafana_references(config: Any) -> list[str]:
    """Copy what Jinja passed and hand it to the core."""
    try:
        return core.grafana_references(plain(config))
    except InputError as exc:
        raise AnsibleTemplatePluginError(str(exc)) from None


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name each filter."""
        return {"grafana_references": grafana_references}
