# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter barehost.monitoring.flags."""

from __future__ import annotations

DOCUMENTATION = r"""
name: flags
short_description: Turn a mapping of flags into command-line arguments
version_added: 0.1.0
author: [Barehost contributors (@barehost)]
description:
  - Turns a mapping of flag name to value into the arguments of a daemon's command line.
  - The order of the mapping is kept, so that the result is the same in every run.
options:
  _input:
    description:
      - Flag names without leading dashes, and their values.
      - V(true) and V(false) are switches, a list repeats the flag, V(null) takes it away.
    type: dict
    required: true
  style:
    description: How the program's flag parser writes flags.
    type: str
    choices:
      kingpin: C(--name=value), C(--name), C(--no-name); Prometheus, Alertmanager, most exporters.
      go: C(-name=value), C(-name=true), C(-name=false); redis_exporter, cAdvisor.
    default: kingpin
"""

EXAMPLES = r"""
- name: Show the arguments
  ansible.builtin.debug:
    msg: "{{ flags | barehost.monitoring.flags }}"
    # ['--storage.tsdb.retention.time=200h', '--web.enable-lifecycle', '--no-collector.zfs']
  vars:
    flags:
      storage.tsdb.retention.time: 200h
      web.enable-lifecycle: true
      collector.zfs: false
"""

RETURN = r"""
_value:
  description: The arguments.
  type: list
  elements: str
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleTemplatePluginError
from ansible_collections.barehost.monitoring.plugins.plugin_utils import _flags as core
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import InputError
from ansible_collections.barehost.monitoring.plugins.plugin_utils._plain import plain


def flags(values: Any, *, style: Any = "kingpin") -> list[str]:
    """Copy what Jinja passed and hand it to the core."""
    try:
        return core.flags(plain(values), style=plain(style))
    except InputError as exc:
        raise AnsibleTemplatePluginError(str(exc)) from None


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name each filter."""
        return {"flags": flags}
