# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter barehost.monitoring.locked_release."""

from __future__ import annotations

DOCUMENTATION = r"""
name: locked_release
short_description: Pin a release to the digests in the lock of a mirror
version_added: 0.1.0
author: [Barehost contributors (@barehost)]
description:
  - Puts the digests that C(lock.json) has of a release in place of its checksum. What a list of digests in the mirror
    says does not count then.
  - A release that is not in the lock is refused.
options:
  _input: {description: The option O(barehost.monitoring.daemon#module:release) of the module., type: dict, required: true}
  lock: {description: "The text of C(lock.json), as M(barehost.monitoring.mirror) writes it. An empty one pins nothing.", type: str, required: true}
  name: {description: What an error calls the lock., type: str, default: lock}
"""

EXAMPLES = r"""
- name: Show the digests that are locked
  ansible.builtin.debug:
    msg: "{{ release | barehost.monitoring.locked_release(lookup('ansible.builtin.file', '/srv/mirror/lock.json')) }}"
"""

RETURN = r"""
_value:
  description: The release, with C(checksum) as a dictionary from architecture to digest.
  type: dict
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleTemplatePluginError
from ansible_collections.barehost.monitoring.plugins.plugin_utils import _locked_release as core
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import InputError
from ansible_collections.barehost.monitoring.plugins.plugin_utils._plain import plain


def locked_release(release: Any, lock: Any, *, name: str = "lock") -> dict[str, Any]:
    """Copy what Jinja passed and hand it to the core."""
    try:
        return core.locked_release(plain(release), str(lock), str(name))
    except InputError as exc:
        raise AnsibleTemplatePluginError(str(exc)) from None


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name each filter."""
        return {"locked_release": locked_release}
