# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter barehost.monitoring.redis_passwords."""

from __future__ import annotations

DOCUMENTATION = r"""
name: redis_passwords
short_description: Compose the password file of redis_exporter
version_added: 0.1.0
author: [Barehost contributors (@barehost)]
description:
  - Turns a password into the content of redis_exporter's password file, in which it stands under the
    address of the Redis as redis_exporter spells it.
  - Refuses addresses with which redis_exporter cannot connect, and passwords in flags and environment,
    which everybody on the host can read.
options:
  _input: {description: The password; an empty one gives an empty file., type: str, required: true}
  address: {description: Where Redis listens., type: str, required: true}
  username: {description: User of Redis' access control list., type: str, default: ""}
  flags: {description: Flags that redis_exporter gets besides., type: dict}
  environment: {description: Environment variables that it gets besides., type: dict}
"""

EXAMPLES = r"""
- name: Show the file
  ansible.builtin.debug:
    msg: "{{ password | barehost.monitoring.redis_passwords(address='127.0.0.1:6379', username='exporter') }}"
    # {'redis://exporter@127.0.0.1:6379': 'the password'}
"""

RETURN = r"""
_value:
  description: Address to password.
  type: dict
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleTemplatePluginError
from ansible_collections.barehost.monitoring.plugins.plugin_utils import _redis_passwords as core
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import InputError
from ansible_collections.barehost.monitoring.plugins.plugin_utils._plain import plain


def redis_passwords(password: Any, **settings: Any) -> dict[str, str]:
    """Copy what Jinja passed and hand it to the core."""
    try:
        return core.redis_passwords(plain(password), **plain(settings))
    except InputError as exc:
        raise AnsibleTemplatePluginError(str(exc)) from None


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name each filter."""
        return {"redis_passwords": redis_passwords}
