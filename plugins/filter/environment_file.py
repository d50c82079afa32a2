# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter barehost.monitoring.environment_file."""

from __future__ import annotations

DOCUMENTATION = r"""
name: environment_file
short_description: Make an environment file of systemd
version_added: 0.1.0
author: [Barehost contributors (@barehost)]
description:
  - Makes a file for C(EnvironmentFile=) in which each value arrives exactly as given.
options:
  _input: {description: "Variables, name to value.", type: dict, required: true}
  names:
    description: What messages call the inputs, for example the variables of a role.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Show A="x"
  ansible.builtin.debug:
    msg: "{{ {'A': 'x'} | barehost.monitoring.environment_file }}"
"""

RETURN = r"""
_value:
  description: The text of the file.
  type: str
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleTemplatePluginError
from ansible_collections.barehost.monitoring.plugins.plugin_utils import (
    _environment_file as core,
)
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import InputError
from ansible_collections.barehost.monitoring.plugins.plugin_utils._plain import plain


def environment_file(given: Any, *, names: Any = None, **options: Any) -> Any:
    """Copy what Jinja passed and hand it to the core."""
    try:
        return core.environment_file(plain(given), **plain(options))
    except InputError as exc:
        raise AnsibleTemplatePluginError(str(exc.called(plain(names) or {}))) from None


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name each filter."""
        return {"environment_file": environment_file}
