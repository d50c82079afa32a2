# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter barehost.monitoring.facts_of_this_run."""

from __future__ import annotations

DOCUMENTATION = r"""
name: facts_of_this_run
short_description: Take from the facts of hosts what this run has left there
version_added: 0.1.0
author: [Barehost contributors (@barehost)]
description:
  - Returns the values of the facts that M(barehost.monitoring.daemon) has left in this run of Ansible under names with a prefix.
  - Facts of earlier runs, which a cache of facts (C(fact_caching)) still has, are left out.
options:
  _input: {description: The facts of each host., type: list, elements: dict, required: true}
  prefix: {description: What the names begin with., type: str, required: true}
"""

EXAMPLES = r"""
- name: Show which releases the inventory wants, after a play with the state described
  ansible.builtin.debug:
    msg: "{{ ansible_play_hosts | map('extract', hostvars, 'ansible_facts')
             | barehost.monitoring.facts_of_this_run('barehost_described_') | map(attribute='release') }}"
"""

RETURN = r"""
_value:
  description: The values of all hosts.
  type: list
  elements: dict
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleTemplatePluginError
from ansible.module_utils.datatag import native_type_name
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import InputError
from ansible_collections.barehost.monitoring.plugins.plugin_utils._plain import plain
from ansible_collections.barehost.monitoring.plugins.plugin_utils._this_run import of_this_run


def facts_of_this_run(facts: Any, prefix: Any) -> list[dict[str, Any]]:
    """Copy what Jinja passed, of the facts that are meant, and hand it to the core."""
    if not isinstance(facts, list) or not all(isinstance(one, Mapping) for one in facts):
        raise AnsibleTemplatePluginError(
            f"needs a list of the facts of hosts, got {native_type_name(facts)}"
        )
    try:
        return [
            plain(value) for known in facts for value in of_this_run(known, str(prefix)).values()
        ]
    except InputError as exc:
        raise AnsibleTemplatePluginError(str(exc)) from None


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name each filter."""
        return {"facts_of_this_run": facts_of_this_run}
