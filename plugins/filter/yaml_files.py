# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter barehost.monitoring.yaml_files."""

from __future__ import annotations

DOCUMENTATION = r"""
name: yaml_files
short_description: Turn data into YAML files for the module daemon
version_added: 0.1.0
author: [Barehost contributors (@barehost)]
description:
  - Turns a mapping of path to data into entries of the option
    O(barehost.monitoring.daemon#module:files).
  - Keys keep their order, lines are never wrapped, texts of several lines become blocks.
options:
  _input:
    description: The data by path. A path whose data is V(null) is left out.
    type: dict
    required: true
  on_change:
    description: What a change of these files needs.
    type: str
    choices: [restart, reload, none]
    default: restart
"""

EXAMPLES = r"""
- name: Show the file
  ansible.builtin.debug:
    msg: "{{ {'rules/a.yml': {'groups': []}} | barehost.monitoring.yaml_files }}"
"""

RETURN = r"""
_value:
  description: Entries with C(path), C(content) and C(on_change).
  type: list
  elements: dict
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleTemplatePluginError
from ansible_collections.barehost.monitoring.plugins.plugin_utils import _yaml_files as core
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import InputError
from ansible_collections.barehost.monitoring.plugins.plugin_utils._plain import plain


def yaml_files(documents: Any, *, on_change: Any = "restart") -> list[dict[str, Any]]:
    """Copy what Jinja passed and hand it to the core."""
    try:
        return core.yaml_files(plain(documents), on_change=plain(on_change))
    except InputError as exc:
        raise AnsibleTemplatePluginError(str(exc)) from None


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name each filter."""
        return {"yaml_files": yaml_files}
