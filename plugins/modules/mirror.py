#!/usr/bin/python
# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module barehost.monitoring.mirror."""

from __future__ import annotations

DOCUMENTATION = r"""
module: mirror
short_description: Fill a directory with the releases of daemons, for hosts without a way to the internet
version_added: 0.1.0
author: [Barehost contributors (@barehost)]
description:
  - Downloads releases and the published lists of their digests into a directory that is laid out as upstream is, and proves each.
  - C(lock.json) in it says which file lies at which path, by its digest. What it names is never replaced by anything else,
    unless O(relock) is given.
  - A file that is there and right is not downloaded again. A download that broke off, or is not what it should be, gets no name.
  - All faults are told at once; the other files are there then.
extends_documentation_fragment: [barehost.monitoring._attributes]
attributes:
  check_mode: {support: full, details: Nothing is asked of upstream.}
  diff_mode: {support: full, details: It is the list of RV(actions).}
  platform: {platforms: posix}
options:
  directory:
    description: The directory, an absolute path. It is made when it is missing.
    type: path
    required: true
  releases:
    description: What shall be there. The same release may be named many times.
    type: list
    elements: dict
    required: true
    suboptions:
      name: {description: The product., type: str, required: true}
      version: {description: Version. Example V(3.5.3)., type: str, required: true}
      url: {description: "Address with the placeholders C({version}) and C({arch}).", type: str, required: true}
      checksum:
        description: A digest, a dictionary from architecture to digest, or the address of a digest list, as for M(barehost.monitoring.daemon).
        type: raw
        required: true
      arch: {description: "Other words for architectures. Example V({amd64: x86_64}).", type: dict}
  architectures:
    description: Architectures of the hosts, in Go's words. Example V([amd64, arm64]).
    type: list
    elements: str
    default: [amd64]
  source:
    description: Address that stands for upstream, a mirror itself. What lies below it has the same path below O(directory).
    type: str
    default: ""
  relock:
    description: Take what upstream publishes now, also where C(lock.json) says otherwise.
    type: bool
    default: false
  prune:
    description: Remove the files that O(releases) does not name.
    type: bool
    default: false
  complete:
    description: Whether O(releases) is all that anybody wants. If not, no file is unwanted.
    type: bool
    default: true
  timeout: {description: Seconds for which the server may be silent., type: int, default: 60}
"""

EXAMPLES = r"""
- name: Mirror node_exporter
  barehost.monitoring.mirror:
    directory: /srv/mirror
    architectures: [amd64, arm64]
    releases:
      - name: node_exporter
        version: 1.11.1
        url: https://github.com/prometheus/node_exporter/releases/download/v{version}/node_exporter-{version}.linux-{arch}.tar.gz
        checksum: https://github.com/prometheus/node_exporter/releases/download/v{version}/sha256sums.txt
"""

RETURN = r"""
actions:
  description: What was done; in check mode, what would be done.
  returned: always
  type: list
  elements: str
  sample: [get https://github.com/prometheus/prometheus/releases/download/v3.5.3/sha256sums.txt]
unwanted:
  description: Files that the mirror holds and nobody wants.
  returned: always
  type: list
  elements: str
files:
  description: How many files are wanted.
  returned: success
  type: int
lock:
  description: Path of C(lock.json).
  returned: success
  type: str
"""

import os
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon import (
    _mirror,
    _mirror_lock,
    _mirror_wanted,
    _opener,
)
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._errors import DaemonError

ARGUMENT_SPEC: dict[str, Any] = {
    "directory": {"type": "path", "required": True},
    "releases": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": {"type": "str", "required": True},
            "version": {"type": "str", "required": True},
            "url": {"type": "str", "required": True},
            "checksum": {"type": "raw", "required": True},
            "arch": {"type": "dict"},
        },
    },
    "architectures": {"type": "list", "elements": "str", "default": ["amd64"]},
    "source": {"type": "str", "default": ""},
    "relock": {"type": "bool", "default": False},
    "prune": {"type": "bool", "default": False},
    "complete": {"type": "bool", "default": True},
    "timeout": {"type": "int", "default": 60},
}


def _fill(params: dict[str, Any], check_mode: bool) -> _mirror.Outcome:
    wanted = _mirror_wanted.files(params["releases"], params["architectures"], params["source"])
    orders = _mirror.Orders(params["relock"], params["prune"], params["complete"])
    opener = _opener.opener(params["timeout"])
    return _mirror.fill(params["directory"], wanted, orders, opener, check_mode)


class _Module(AnsibleModule):  # type: ignore[misc]  # ansible-core is not typed
    """An AnsibleModule that keeps addresses, which may hold a login, out of the journal."""

    def _log_invocation(self) -> None:
        self.log(f"Invoked with directory={self.params['directory']}")


def main() -> None:
    """Read the parameters, do what they say, answer."""
    module = _Module(ARGUMENT_SPEC, supports_check_mode=True)
    params = module.params
    try:
        if not os.path.isabs(params["directory"]):
            raise DaemonError("it is no absolute path (example: /srv/mirror)")
        outcome = _fill(params, module.check_mode)
    except (DaemonError, OSError) as exc:
        module.fail_json(f"the mirror {params['directory']}: {exc}")
    told: dict[str, Any] = {"actions": outcome.actions, "unwanted": outcome.unwanted}
    changed = bool(outcome.actions)
    if module._diff and changed:
        told["diff"] = {"prepared": "".join(f"+ {action}\n" for action in outcome.actions)}
    if outcome.faults:
        module.fail_json("\n".join(outcome.faults), changed=changed, **told)
    if outcome.unwanted and not params["prune"]:
        names = ", ".join(outcome.unwanted)
        module.warn(
            f"nobody wants these any more, barehost_mirror_prune=true removes them: {names}"
        )
    lock = os.path.join(params["directory"], _mirror_lock.NAME)
    module.exit_json(changed=changed, lock=lock, files=outcome.files, **told)


if __name__ == "__main__":
    main()
