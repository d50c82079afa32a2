#!/usr/bin/python
# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module barehost.monitoring.backup."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup
short_description: Save and restore the data of one daemon that M(barehost.monitoring.daemon) has deployed
version_added: 0.1.0
author: [Barehost contributors (@barehost)]
description:
  - Saves what a daemon keeps while it runs (Prometheus' blocks and samples, Alertmanager's silences, Grafana's database and
    the secrets that the host made for it, Elasticsearch's documents), as a directory on the host that is complete or not there.
  - Restores it on the same or on another host. What can be known before is checked before anything is touched; the daemon is
    proved healthy with the restored data, and gets the data back that was there when it is not.
  - How the daemon is asked (login, certificate authorities, when it is healthy) is what it was last deployed with.
  - Exactly one of O(prometheus), O(alertmanager), O(grafana) and O(elasticsearch) says what the daemon is.
extends_documentation_fragment: [barehost.monitoring._attributes]
attributes:
  check_mode: {support: full, details: "An archive of the controller is brought to the host for a look into it, and nothing of it stays."}
  diff_mode: {support: none}
  platform: {platforms: Linux with systemd 247 or later}
requirements: [Python 3.9 or later on the host; for Grafana with its module C(sqlite3)]
options:
  name:
    description: Name of the unit, as it was deployed.
    type: str
    required: true
  state:
    description:
      - V(saved) makes a backup, while the daemon runs.
      - V(restored) puts one in place. Prometheus and Grafana stand still for that, Alertmanager and Elasticsearch do not.
      - A host whose data comes from this very backup is left alone, unless O(replace).
    type: str
    choices: [saved, restored]
    required: true
  directory:
    description: >-
      Directory on the host for backups, an absolute path, of root alone; O(name) and the time are folders in it. May be a mount.
    type: path
    default: /var/backups/barehost
  keep:
    description: How many backups of the daemon stay, the new one among them. V(0) keeps all.
    type: int
    default: 3
  fetch:
    description:
      - With O(state=saved), a directory on the controller that gets the backup too, as C(<host>/<name>/<time>.tar) for its owner alone.
      - The archive lies on the host meanwhile, in Ansible's temporary directory there, which needs room for it. It is never in memory.
    type: path
  fetch_keep:
    description: How many of the archives in O(fetch) stay of the host's daemon, the new one among them. V(0) keeps all. By default O(keep).
    type: int
  source:
    description: With O(state=restored), a directory on the controller that was filled by O(fetch). Without it a backup of the host is taken.
    type: path
  origin:
    description: With O(source), the inventory name of the host that the backup is of. By default the host that it is restored on.
    type: str
  backup:
    description: With O(state=restored), the time of the backup, as its name says. By default the newest. Example V(20261126T081500Z).
    type: str
  replace:
    description:
      - With O(state=restored), whether data may be replaced that is more than what a deployment makes.
      - Prometheus has such data once it has written a block, Grafana when its database is older than an hour,
        Elasticsearch when an index or data stream of the backup has documents, or what Kibana keeps in it is older than an hour.
        Silences are only added.
    type: bool
    default: false
  lock_timeout:
    description: Seconds to wait for another run that deploys, saves or restores the same daemon on the same host.
    type: int
    default: 120
  archive:
    description: File on the host on its way to or from the controller. Set by O(fetch) and O(source), which take it along.
    type: path
  prometheus:
    description: It is a Prometheus.
    type: dict
    suboptions:
      url: {description: Address of its API on the host itself., type: str, required: true}
      data:
        description: Its C(storage.tsdb.path) (or C(storage.agent.path)); C({data}) is the directory that systemd made for the unit.
        type: str
        required: true
      admin_api:
        description: Whether it runs with C(web.enable-admin-api), and so makes a snapshot itself. Without it its files are linked and copied.
        type: bool
        default: false
      agent:
        description: Whether it runs as an agent, which has no store. It is skipped.
        type: bool
        default: false
  alertmanager:
    description: It is an Alertmanager.
    type: dict
    suboptions:
      url: {description: Address of its API on the host itself., type: str, required: true}
  grafana:
    description: It is a Grafana.
    type: dict
    suboptions:
      database: {description: File of its SQLite database; empty for another kind of database., type: path}
      kept_in: {description: Where that other database is., type: str}
      secrets:
        description: Files that the host made or that were given to it, and that belong to the database.
        type: list
        elements: path
  elasticsearch:
    description: It is a node of Elasticsearch; the backup is that of its cluster.
    type: dict
    suboptions:
      url: {description: Address of its API on the host itself., type: str, required: true}
      data: {description: Its C(path.data)., type: path, required: true}
      place:
        description: Directory of C(path.repo) that snapshots pass through; all nodes of a cluster have to see the same one.
        type: path
        required: true
"""

EXAMPLES = r"""
- name: Save Prometheus
  barehost.monitoring.backup:
    name: prometheus
    state: saved
    prometheus:
      url: http://127.0.0.1:9090
      data: "{data}"
    fetch: /srv/backups

- name: Restore it on a new host
  barehost.monitoring.backup:
    name: prometheus
    state: restored
    prometheus:
      url: http://127.0.0.1:9090
      data: "{data}"
    source: /srv/backups
    origin: old-monitor
"""

RETURN = r"""
actions:
  description: What was done, in its order; in check mode, what would be done.
  returned: success
  type: list
  elements: str
  sample: [link the blocks in /var/lib/prometheus and copy what came since, write /var/backups/barehost/prometheus/20261126T081500Z]
backup:
  description: The time of the backup, which is its name.
  returned: success, except in check mode with O(state=saved)
  type: str
  sample: 20261126T081500Z
location:
  description: Where it lies on the host; in check mode, where it would lie.
  returned: success
  type: str
  sample: /var/backups/barehost/prometheus/20261126T081500Z
size:
  description: Bytes of its files.
  returned: success, except in check mode with O(state=saved)
  type: int
  sample: 734003200
files:
  description: The number of its files.
  returned: success, except in check mode with O(state=saved)
  type: int
  sample: 42
seen:
  description: What the running service said when the backup was made.
  returned: success, except in check mode with O(state=saved)
  type: dict
  sample: {silences: 2}
fetched:
  description: The archive on the controller.
  returned: with O(fetch)
  type: str
  sample: /srv/backups/monitor/prometheus/20261126T081500Z.tar
"""

import signal
import socket
from typing import Any, NoReturn

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.barehost.monitoring.plugins.module_utils.backup import (
    _build,
    _catalog,
    _run,
)
from ansible_collections.barehost.monitoring.plugins.module_utils.backup._catalog import Catalog
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._errors import (
    DaemonError,
    Interrupted,
)

_SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)

PRODUCTS: dict[str, Any] = {
    "prometheus": {
        "url": {"type": "str", "required": True},
        "data": {"type": "str", "required": True},
        "admin_api": {"type": "bool", "default": False},
        "agent": {"type": "bool", "default": False},
    },
    "alertmanager": {"url": {"type": "str", "required": True}},
    "grafana": {
        "database": {"type": "path"},
        "kept_in": {"type": "str"},
        "secrets": {"type": "list", "elements": "path", "no_log": False},  # their places
    },
    "elasticsearch": {
        "url": {"type": "str", "required": True},
        "data": {"type": "path", "required": True},
        "place": {"type": "path", "required": True},
    },
}
ARGUMENT_SPEC: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["saved", "restored"], "required": True},
    "directory": {"type": "path", "default": "/var/backups/barehost"},
    "keep": {"type": "int", "default": 3},
    "fetch": {"type": "path"},
    "fetch_keep": {"type": "int"},
    "source": {"type": "path"},
    "origin": {"type": "str"},
    "backup": {"type": "str"},
    "replace": {"type": "bool", "default": False},
    "lock_timeout": {"type": "int", "default": 120},
    "archive": {"type": "path"},
    **{name: {"type": "dict", "options": options} for name, options in PRODUCTS.items()},
}


def _stop(_signal: int, _frame: Any) -> NoReturn:
    for number in _SIGNALS:  # what is taken back now is not to be interrupted
        signal.signal(number, signal.SIG_IGN)
    raise Interrupted("the run was interrupted")


def _act(module: AnsibleModule) -> _run.Outcome:
    params = module.params
    _catalog.refuse_relative(params["directory"], socket.gethostname())
    kind = next(name for name in PRODUCTS if params[name])
    daemon = _build.daemon(params["name"], params["replace"], module.warn)
    product = _build.product(kind, params[kind], daemon)
    catalog = Catalog(params["directory"], params["name"])
    archive, timeout = params["archive"] or "", params["lock_timeout"]
    if params["state"] == "saved":
        return _run.save(
            daemon, product, catalog, params["keep"], archive, module.check_mode, timeout
        )
    name = params["backup"] or ""
    return _run.restore(daemon, product, catalog, name, archive, module.check_mode, timeout)


def main() -> None:
    """Read the parameters, do what they say, answer."""
    module = AnsibleModule(
        ARGUMENT_SPEC,
        supports_check_mode=True,
        mutually_exclusive=[tuple(PRODUCTS)],
        required_one_of=[tuple(PRODUCTS)],
    )
    for number in _SIGNALS:
        signal.signal(number, _stop)
    try:
        outcome = _act(module)
    except (DaemonError, OSError) as exc:
        module.fail_json(f"{module.params['name']}: {_run.words(exc)}")
    for warning in outcome.warnings:
        module.warn(warning)
    if outcome.skipped:
        module.exit_json(changed=False, skipped=True)
    result: dict[str, Any] = {
        "changed": outcome.changed,
        "actions": outcome.actions,
        "location": outcome.path,
    }
    if outcome.sha256:
        result["archive_sha256"] = outcome.sha256
    manifest = outcome.manifest
    if manifest:
        result.update(
            backup=manifest.time,
            size=manifest.size,
            files=len(manifest.files),
            seen=dict(manifest.seen),
        )
    module.exit_json(**result)


if __name__ == "__main__":
    main()
