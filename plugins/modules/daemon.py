#!/usr/bin/python
# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module barehost.monitoring.daemon."""

from __future__ import annotations

DOCUMENTATION = r"""
module: daemon
short_description: Deploy one daemon on a systemd host as one transaction
version_added: 0.1.0
author: [Barehost contributors (@barehost)]
description:
  - Describes one daemon completely (release, account, files, secrets, unit, health) and makes the host so.
  - The new state is checked by the product's own checker before it replaces the old one, proved healthy
    afterwards, and taken back when it is not.
  - A run that has nothing to do writes nothing, downloads nothing and leaves after one look at the host.
extends_documentation_fragment: [barehost.monitoring._attributes]
attributes:
  check_mode: {support: full}
  diff_mode: {support: full, details: The text of a secret never appears in it.}
  platform: {platforms: Linux with systemd 247 or later}
requirements: [Python 3.9 or later and systemd 247 or later on the host]
options:
  name:
    description:
      - Name of the unit, and by default of the account, the configuration directory and the release.
      - Several instances of one product on a host are several names.
    type: str
    required: true
  state:
    description:
      - V(present) deploys. V(absent) removes everything that was deployed.
      - V(previous) goes back to the good state before the one that runs, whatever the task describes, as it was kept on the host; where
        none is kept, nothing is done. Data stays as it is. It is a deployment like any other, so what does not come up is taken back.
      - V(rendered) writes all files below O(destination) and does nothing else; run it on the controller.
      - V(verified) changes nothing and fails for nothing that it finds. RV(findings) says what is not as described, or not well.
      - V(described) does nothing and contacts nobody. It returns the release in the fact C(barehost_described_<name>), for
        M(barehost.monitoring.mirror).
    type: str
    choices: [present, absent, previous, rendered, verified, described]
    default: present
  purge:
    description: With O(state=absent), remove the data directory and the account too.
    type: bool
    default: false
  destination:
    description: With O(state=rendered), the directory to write into, an absolute path. Secrets are written as a placeholder.
    type: path
  lock_timeout:
    description: Seconds to wait for another run that deploys the same daemon on the same host.
    type: int
    default: 120
  release:
    description: The program to install. Without it, O(command) names a program that is there already.
    type: dict
    suboptions:
      name:
        description: Folder below C(/opt). Instances of one product share it.
        type: str
      version:
        description: Version, as it stands in addresses. Example V(3.5.3).
        type: str
        required: true
      url:
        description:
          - Address of the release, C(https), C(http) or C(file), with the placeholders C({version}) and C({arch}).
          - C({arch}) is the host's architecture in Go's words (V(amd64), V(arm64), V(armv7), ...).
        type: str
        required: true
      checksum:
        description:
          - V(sha256:<hex>), V(sha512:<hex>), or the address of a digest list, with the same placeholders.
          - Such a list may be the file's own, the address of the release with C(.sha256) or C(.sha512) behind.
          - Or a dictionary from architecture to digest.
        type: raw
        required: true
      format:
        description: Archive (tar, zip) or the bare program. By default the ending of the address decides.
        type: str
        choices: [archive, binary]
      arch:
        description: "Other words for architectures, as far as upstream uses them. Example V({armv7: arm})."
        type: dict
      binaries:
        description: Programs that the release must hold, linked into C(/usr/local/bin). The first names a bare program.
        type: list
        elements: str
      strip:
        description: Leading directories that are cut from the paths in the archive.
        type: int
        default: 1
      keep:
        description: How many earlier versions stay installed.
        type: int
        default: 1
      timeout:
        description: Seconds for which the server may be silent.
        type: int
        default: 60
      data_from:
        description:
          - Oldest version whose data this one takes over, for a daemon whose data no earlier version can read. Example V(8.19.0).
          - With it, a version before the one on the host is refused, so is the step from a version before this one, and once
            another version was started, the old one does not come back.
        type: str
  account:
    description: The system user that runs the daemon, made by systemd-sysusers.
    type: dict
    suboptions:
      user: {description: User. By default the O(name)., type: str}
      group: {description: Group. By default the user's name., type: str}
      groups: {description: Further groups., type: list, elements: str}
      home: {description: Home directory. By default C(/var/lib/<name>)., type: path}
      comment: {description: The daemon in a few words; also the unit's description., type: str}
  config_directory:
    description: Directory of the configuration. By default C(/etc/<name>).
    type: path
  files:
    description: Files that the daemon reads. A file that is no longer listed is removed.
    type: list
    elements: dict
    suboptions:
      path: {description: Path; relative ones count from O(config_directory)., type: path, required: true}
      content: {description: The text., type: str, required: true}
      mode: {description: Octal mode., type: str, default: "0640"}
      owner: {description: Owner., type: str, default: root}
      group: {description: Group. By default the account's., type: str}
      on_change:
        description: What a change of this file needs to take effect.
        type: str
        choices: [none, reload, restart]
        default: restart
  secrets:
    description: The twin of O(files) whose text never appears in output, diff, unit or environment.
    type: list
    elements: dict
    suboptions:
      path: {description: "Path, as in O(files). Default for a credential: C(credentials/<credential>).", type: path}
      content: {description: The secret., type: str}
      generate:
        description: Let the host make the secret once and keep it.
        type: dict
        suboptions:
          length: {description: Letters and digits., type: int, default: 32}
      credential:
        description:
          - Hand the secret over by systemd's C(LoadCredential=) under this name; the file itself stays root's.
          - In O(command), C({credentials}) is the directory in which the daemon finds it.
        type: str
      mode: {description: Octal mode. By default V(0640); V(0600) for a credential., type: str}
      owner: {description: Owner., type: str, default: root}
      group: {description: Group. By default the account's; V(root) for a credential., type: str}
      on_change:
        description:
          - What a change of this secret needs to take effect. A credential always needs a restart.
          - V(refuse) never changes it once it is deployed; for the key to the daemon's data.
        type: str
        choices: [none, reload, restart, refuse]
        default: restart
  requires:
    description: Files that the account must be able to read once the new state is live; all missing ones are named at once.
    type: list
    elements: str
  checks:
    description:
      - The product's own checkers. They run as the account, and see the staged files at their final paths.
      - In C(argv), C({release}) is the directory of the new version, C({config}) the configuration directory, C({data}) the data directory.
    type: list
    elements: dict
    suboptions:
      argv: {description: Command and arguments; no shell is involved., type: list, elements: str, required: true}
      refuse: {description: A regular expression; output that matches is a failure even with exit code 0., type: str}
      name: {description: What an error calls it. By default its command., type: str}
  prepare:
    description: Commands of the product that must run between the commit and the start, once for each cause.
    type: list
    elements: dict
    suboptions:
      name: {description: Name of the step., type: str, required: true}
      argv: {description: Command and arguments; placeholders as in O(checks)., type: list, elements: str, required: true}
      stdin: {description: What it reads on standard input; the place for secrets., type: str}
      stdin_file:
        description: The same by a path of O(files) or O(secrets), for a secret that the host has made. The step depends on it.
        type: path
      user: {description: User that runs it. By default root., type: str}
      depends:
        description: What makes it run again, V(release) or paths of O(files) and O(secrets). It always depends on itself.
        type: list
        elements: str
      touches:
        description:
          - Files that it changes. A roll-back restores them.
          - A step without them changes something elsewhere. A roll-back repeats it with the old O(prepare[].stdin_file), or else the next run does.
        type: list
        elements: path
      stop:
        description:
          - Stop the daemon before, since the files that the step O(prepare[].touches) are its own data.
          - They are kept as they are then, for a roll-back alone; a run after one that was killed leaves them and repeats the step.
        type: bool
        default: false
  command:
    description:
      - The program and its arguments. Each arrives exactly as given, whatever characters it holds.
      - C({release}) is the link to the version in use; further placeholders as in O(checks).
    type: list
    elements: str
  environment:
    description: Environment variables, as texts or numbers. No place for secrets, since everybody on the host can read a unit.
    type: dict
  unit:
    description:
      - Directives for the sections C(Unit), C(Service), C(Install), in systemd's own syntax, over a strict sandbox.
      - A list repeats the directive; null removes one of the baseline.
    type: dict
  timer:
    description:
      - "Makes it a job, which a timer of systemd starts. Directives of the section C(Timer), in systemd's own syntax.
        Example V({OnCalendar: daily, Persistent: true})."
      - The service is of C(Type=oneshot) then, the timer is what is enabled and started; a change of other files takes effect at the next turn.
      - A job cannot have O(health.probes), O(health.listens) or O(api). A turn that failed before is no fault of a deployment,
        but one that O(state=verified) finds.
    type: dict
  health:
    description: When the daemon counts as healthy.
    type: dict
    suboptions:
      timeout: {description: Seconds until it must be healthy., type: float, default: 60}
      settle: {description: Seconds for which it must stay up., type: float, default: 1}
      validate_certs: {description: Whether the certificate of an C(https) probe must be valid., type: bool, default: true}
      ca_path: {description: File on the host with the certificate authorities for the probes., type: path}
      url_username: {description: User name for the probes., type: str}
      url_password: {description: Password for the probes., type: str}
      url_password_file: {description: File on the host that holds this password; the place of one that the host has made., type: path}
      listens:
        description: Where it must listen besides, as C(host:port), for what does not speak HTTP. Example V([127.0.0.1:5044]).
        type: list
        elements: str
      probes:
        description: Requests that a healthy daemon answers as described. The daemon itself must hold the port.
        type: list
        elements: dict
        suboptions:
          url: {description: Address on the host itself., type: str, required: true}
          status: {description: Status of the answer., type: int, default: 200}
          body: {description: A regular expression that the answer matches., type: str}
          hint: {description: "What another status may mean, for the error.", type: str}
          headers: {description: "Headers of the request. Example V({Host: grafana.example.com}).", type: dict}
          final:
            description: Other statuses that waiting will not change, as V(401) where wrong passwords are counted.
            type: list
            elements: int
          metrics:
            description: Conditions on metrics in the answer.
            type: list
            elements: dict
            suboptions:
              name: {description: Name of the metric., type: str, required: true}
              labels: {description: Labels that select series., type: dict}
              sum: {description: Take the sum of the selected series instead of the first., type: bool, default: false}
              equals: {description: Wanted value., type: float}
              at_least: {description: Smallest good value., type: float}
              at_most: {description: Largest good value., type: float}
              since_activation: {description: The value must have changed by the reload., type: bool, default: false}
              not_risen: {description: The value may not have risen by the activation., type: bool, default: false}
              optional: {description: Warn instead of fail., type: bool, default: false}
  api:
    description:
      - What the daemon is told over HTTP once it is healthy, and keeps itself, such as templates of indices.
      - Each is read first, and written where it is missing or differs. Requests carry the name and password of O(health).
    type: list
    elements: dict
    suboptions:
      name: {description: What it is., type: str, required: true}
      url: {description: "Address on the host itself where it is read; V(404) means that it is missing.", type: str, required: true}
      body:
        description: What it shall be, as data. It may hold more than that; numbers may come back as texts.
        type: raw
        required: true
      answer:
        description: The way to it in the answer, as keys and indices. Example V([index_templates, "0", index_template]).
        type: list
        elements: str
      create: {description: "Make it when it is missing and never change it, since people do.", type: bool, default: false}
      method: {description: Method of the request that writes., type: str, choices: [PUT, POST], default: PUT}
      write_url: {description: Address to write to. By default the one to read from., type: str}
      headers: {description: "Headers of the requests. Example V({kbn-xsrf: \"true\"}).", type: dict}
  rollback:
    description:
      - Whether the old state may come back once the new one was started. V(false) for a store that the new version migrates.
      - What fails before the start is always taken back.
    type: bool
    default: true
  verify:
    description: From where on O(state=verified) finds fault, and what the product is asked beyond its health.
    type: dict
    suboptions:
      exposure: {description: Score of C(systemd-analyze security) above which a sandbox is too open; 0 to 10., type: float, default: 2}
      certificate_days: {description: Days that a certificate of a probe has to be good for at least., type: float, default: 14}
      disk_free:
        description: Part of the file system of the data that has to be free at least; 0 to 1.
        type: float
        default: 0.1
      data:
        description: Where the data is, for O(verify.disk_free). C({data}) stands for C(/var/lib) and the name. Example V(/srv/prometheus).
        type: str
        default: "{data}"
      prometheus:
        description: The daemon is a Prometheus; it is asked for its targets, rules, alerts, Alertmanagers and the clocks that it sees.
        type: dict
        suboptions:
          url: {description: Its address on the host. Example V(http://127.0.0.1:9090)., type: str, required: true}
          jobs: {description: The scrape jobs that it has to have loaded., type: list, elements: str, default: []}
          targets:
            description: The addresses by job that it has to scrape, C(host:port). Of a job that is not named here each target is welcome.
            type: dict
            default: {}
          rules: {description: The alerts and recorded series by group that it has to evaluate., type: dict, default: {}}
          alertmanagers: {description: "The Alertmanagers that it has to know, C(host:port).", type: list, elements: str, default: []}
          files: {description: The files that it has to have loaded as they are., type: list, elements: path, default: []}
          agent: {description: "Whether it is an agent, which has neither rules nor queries.", type: bool, default: false}
          clock_skew: {description: Seconds that the clock of a watched host may differ from its own., type: float, default: 2}
          patience: {description: Seconds that a new target or rule gets for its first scrape or evaluation., type: float, default: 30}
      alertmanager:
        description: The daemon is an Alertmanager; it is asked for the configuration that it has loaded, and for its cluster.
        type: dict
        suboptions:
          url: {description: Its address on the host. Example V(http://127.0.0.1:9093)., type: str, required: true}
          file: {description: Its configuration file., type: path, required: true}
          members: {description: "How many members its cluster has, itself included.", type: int, default: 1}
          mute: {description: The receiver of the root route if it tells nobody; that is a warning., type: str, default: ""}
      grafana:
        description: The daemon is a Grafana; every query of every dashboard is asked through it.
        type: dict
        suboptions:
          url: {description: Its address on the host. Example V(http://127.0.0.1:3000)., type: str, required: true}
          host: {description: The name by which it wants to be called., type: str, default: ""}
          boards: {description: UIDs of dashboards that have to be there., type: list, elements: str, default: []}
          may_be_empty:
            description: "By UID of a dashboard: panels (C(title), or C(title/refId)) that may have no data, with the reason."
            type: dict
            default: {}
          minutes: {description: Minutes that a panel looks back., type: float, default: 15}
      elasticsearch:
        description: The daemon is an Elasticsearch node; it is asked for its cluster and for the newest line.
        type: dict
        suboptions:
          url: {description: Its address on the host. Example V(http://127.0.0.1:9200)., type: str, required: true}
          nodes: {description: How many nodes its cluster has., type: int, default: 1}
          index: {description: Where the lines are., type: str, default: logs-*}
          newest: {description: Seconds within which a line must have been written; V(0) where none need be., type: float, default: 900}
"""

EXAMPLES = r"""
- name: Deploy node_exporter
  barehost.monitoring.daemon:
    name: node_exporter
    release:
      version: 1.11.1
      url: https://github.com/prometheus/node_exporter/releases/download/v{version}/node_exporter-{version}.linux-{arch}.tar.gz
      checksum: https://github.com/prometheus/node_exporter/releases/download/v{version}/sha256sums.txt
      binaries: [node_exporter]
    command: ["{release}/node_exporter", "--web.listen-address=127.0.0.1:9100"]
    health:
      probes:
        - url: http://127.0.0.1:9100/metrics
          metrics: [{name: node_scrape_collector_success, labels: {collector: cpu}, equals: 1}]

- name: Show what a deployment would write, without a host
  barehost.monitoring.daemon:
    name: hello
    state: rendered
    destination: "{{ playbook_dir }}/rendered"
    command: [/usr/bin/hello]
  delegate_to: localhost
"""

RETURN = r"""
actions:
  description: What was done, in its order; in check mode, what would be done.
  returned: always
  type: list
  elements: str
  sample: [write /etc/prometheus/rules/node.yml, "reload prometheus.service (/etc/prometheus/rules/node.yml changes)"]
repaired:
  description: What somebody else had changed since the last good run, and this run has put right.
  returned: always
  type: list
  elements: str
  sample: [/etc/prometheus/prometheus.yml was edited]
version:
  description: Version of the release.
  returned: success
  type: str
previous_version:
  description: Version before this run; empty at the first installation.
  returned: success
  type: str
failed_phase:
  description: Phase in which the run failed (V(plan), V(stage), V(check), V(commit), V(activate), V(gate), V(api), V(record), or
    V(remove)).
  returned: failure
  type: str
rolled_back:
  description: Whether the previous state was brought back and proved healthy.
  returned: failure
  type: bool
journal:
  description: The daemon's last words.
  returned: failure
  type: list
  elements: str
findings:
  description: What is not as described, or not well. Those with C(warning) are worth a look, the daemon does its work.
  returned: with O(state=verified)
  type: list
  elements: dict
  sample:
    - check: state
      fault: /etc/prometheus/prometheus.yml was edited
      remedy: look with site.yml --check --diff at what differs, then deploy
      warning: false
seen:
  description: What was seen on the way, also of what the product was asked. What could not be seen is missing.
  returned: with O(state=verified)
  type: dict
  sample: {version: 3.5.3, active: active, restarts: 0, listens: ["127.0.0.1:9090"], exposure: 1.4, disk_free: 0.61}
"""

import signal
from dataclasses import asdict, fields
from typing import Any, NoReturn

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon import (
    _absent,
    _diff,
    _opener,
    _parse,
    _rendered,
    _transaction,
    _verify,
)
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._errors import (
    DaemonError,
    Interrupted,
)
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._host import Host
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._spec import Spec
from ansible_collections.barehost.monitoring.plugins.module_utils.verify import _service

_SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)

_FILE = {
    "mode": {"type": "str"},
    "owner": {"type": "str", "default": "root"},
    "group": {"type": "str"},
    "on_change": {"type": "str", "choices": ["none", "reload", "restart"], "default": "restart"},
}
_METRIC = {
    "name": {"type": "str", "required": True},
    "labels": {"type": "dict"},
    "sum": {"type": "bool", "default": False},
    "equals": {"type": "float"},
    "at_least": {"type": "float"},
    "at_most": {"type": "float"},
    "since_activation": {"type": "bool", "default": False},
    "not_risen": {"type": "bool", "default": False},
    "optional": {"type": "bool", "default": False},
}
_PROBE = {
    "url": {"type": "str", "required": True},
    "status": {"type": "int", "default": 200},
    "body": {"type": "str"},
    "headers": {"type": "dict"},
    "hint": {"type": "str"},
    "final": {"type": "list", "elements": "int"},
    "metrics": {"type": "list", "elements": "dict", "options": _METRIC},
}
ARGUMENT_SPEC: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "state": {
        "type": "str",
        "choices": ["present", "absent", "previous", "rendered", "verified", "described"],
        "default": "present",
    },
    "purge": {"type": "bool", "default": False},
    "destination": {"type": "path"},
    "lock_timeout": {"type": "int", "default": 120},
    "release": {
        "type": "dict",
        "options": {
            "name": {"type": "str"},
            "version": {"type": "str", "required": True},
            "url": {"type": "str", "required": True},
            "checksum": {"type": "raw", "required": True},
            "format": {"type": "str", "choices": ["archive", "binary"]},
            "arch": {"type": "dict"},
            "binaries": {"type": "list", "elements": "str"},
            "strip": {"type": "int", "default": 1},
            "keep": {"type": "int", "default": 1},
            "timeout": {"type": "int", "default": 60},
            "data_from": {"type": "str"},
        },
    },
    "account": {
        "type": "dict",
        "options": {
            "user": {"type": "str"},
            "group": {"type": "str"},
            "groups": {"type": "list", "elements": "str"},
            "home": {"type": "path"},
            "comment": {"type": "str"},
        },
    },
    "config_directory": {"type": "path"},
    "files": {
        "type": "list",
        "elements": "dict",
        "options": {
            **_FILE,
            "path": {"type": "path", "required": True},
            "content": {"type": "str", "required": True},
            "mode": {"type": "str", "default": "0640"},
        },
    },
    "secrets": {
        "type": "list",
        "elements": "dict",
        "no_log": False,  # the values are masked one by one, so that paths stay readable
        "options": {
            **_FILE,
            "path": {"type": "path"},
            "content": {"type": "str", "no_log": True},
            "generate": {
                "type": "dict",
                "options": {"length": {"type": "int", "default": 32}},
            },
            "credential": {"type": "str", "no_log": False},
            "on_change": {
                "type": "str",
                "choices": ["none", "reload", "restart", "refuse"],
                "default": "restart",
            },
        },
    },
    "requires": {"type": "list", "elements": "str"},
    "checks": {
        "type": "list",
        "elements": "dict",
        "options": {
            "argv": {"type": "list", "elements": "str", "required": True},
            "refuse": {"type": "str"},
            "name": {"type": "str"},
        },
    },
    "prepare": {
        "type": "list",
        "elements": "dict",
        "options": {
            "name": {"type": "str", "required": True},
            "argv": {"type": "list", "elements": "str", "required": True},
            "stdin": {"type": "str", "no_log": True},
            "stdin_file": {"type": "path"},
            "user": {"type": "str"},
            "depends": {"type": "list", "elements": "str"},
            "touches": {"type": "list", "elements": "path"},
            "stop": {"type": "bool", "default": False},
        },
    },
    "command": {"type": "list", "elements": "str"},
    "environment": {"type": "dict"},
    "unit": {"type": "dict"},
    "timer": {"type": "dict"},
    "health": {
        "type": "dict",
        "options": {
            "timeout": {"type": "float", "default": 60},
            "settle": {"type": "float", "default": 1},
            "validate_certs": {"type": "bool", "default": True},
            "ca_path": {"type": "path"},
            "url_username": {"type": "str"},
            "url_password": {"type": "str", "no_log": True},
            "url_password_file": {"type": "path", "no_log": False},
            "listens": {"type": "list", "elements": "str"},
            "probes": {"type": "list", "elements": "dict", "options": _PROBE},
        },
    },
    "api": {
        "type": "list",
        "elements": "dict",
        "options": {
            "name": {"type": "str", "required": True},
            "url": {"type": "str", "required": True},
            "body": {"type": "raw", "required": True},
            "answer": {"type": "list", "elements": "str"},
            "create": {"type": "bool", "default": False},
            "method": {"type": "str", "choices": ["PUT", "POST"], "default": "PUT"},
            "write_url": {"type": "str"},
            "headers": {"type": "dict"},
        },
    },
    "rollback": {"type": "bool", "default": True},
    "verify": {
        "type": "dict",
        "options": {
            "exposure": {"type": "float", "default": 2},
            "certificate_days": {"type": "float", "default": 14},
            "disk_free": {"type": "float", "default": 0.1},
            "data": {"type": "str", "default": "{data}"},
            "prometheus": {
                "type": "dict",
                "options": {
                    "url": {"type": "str", "required": True},
                    "jobs": {"type": "list", "elements": "str", "default": []},
                    "targets": {"type": "dict", "default": {}},
                    "rules": {"type": "dict", "default": {}},
                    "alertmanagers": {"type": "list", "elements": "str", "default": []},
                    "files": {"type": "list", "elements": "path", "default": []},
                    "agent": {"type": "bool", "default": False},
                    "clock_skew": {"type": "float", "default": 2},
                    "patience": {"type": "float", "default": 30},
                },
            },
            "alertmanager": {
                "type": "dict",
                "options": {
                    "url": {"type": "str", "required": True},
                    "file": {"type": "path", "required": True},
                    "members": {"type": "int", "default": 1},
                    "mute": {"type": "str", "default": ""},
                },
            },
            "grafana": {
                "type": "dict",
                "options": {
                    "url": {"type": "str", "required": True},
                    "host": {"type": "str", "default": ""},
                    "boards": {"type": "list", "elements": "str", "default": []},
                    "may_be_empty": {"type": "dict", "default": {}},
                    "minutes": {"type": "float", "default": 15},
                },
            },
            "elasticsearch": {
                "type": "dict",
                "options": {
                    "url": {"type": "str", "required": True},
                    "nodes": {"type": "int", "default": 1},
                    "index": {"type": "str", "default": "logs-*"},
                    "newest": {"type": "float", "default": 900},
                },
            },
        },
    },
}


def _host(module: AnsibleModule) -> Host:
    return Host(_opener.opener((module.params["release"] or {}).get("timeout") or 60))


def _stop(_signal: int, _frame: Any) -> NoReturn:
    _ignore_signals()
    raise Interrupted("the run was interrupted")


def _ignore_signals() -> None:
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _observe(point: str) -> None:
    if point == "rollback":
        _ignore_signals()  # whatever made it necessary, it is not to be interrupted


def _deploy(module: AnsibleModule, spec: Spec) -> dict[str, Any]:
    for number in _SIGNALS:
        signal.signal(number, _stop)
    params = module.params
    outcome = _transaction.run(
        spec,
        _host(module),
        params["health"] or {},
        module.check_mode,
        params["lock_timeout"],
        observe=_observe,
        back=params["state"] == "previous",
    )
    for warning in outcome.warnings:
        module.warn(warning)
    result = {
        "changed": outcome.plan.changed,
        "actions": list(outcome.plan.actions),
        "repaired": list(outcome.plan.repaired),
        "version": outcome.version,
        "previous_version": outcome.previous_version,
    }
    # Ansible's private flag: whether anybody will look at the diff.
    return (
        {**result, "diff": _diff.diffs(outcome.plan, outcome.contents)} if module._diff else result
    )


def _remove(module: AnsibleModule, spec: Spec) -> dict[str, Any]:
    params = module.params
    removal = _absent.remove(
        spec, _host(module), params["purge"], module.check_mode, params["lock_timeout"]
    )
    actions = list(removal.actions)
    result = {"changed": bool(actions), "actions": actions, "repaired": []}
    if module._diff and actions:
        result["diff"] = {"prepared": "".join(f"- {action}\n" for action in actions)}
    return result


def _render(module: AnsibleModule, spec: Spec) -> dict[str, Any]:
    params = module.params
    changed = _rendered.render(
        spec, params["destination"], params["health"] or {}, module.check_mode
    )
    actions = [f"write {path}" for path in changed]
    return {"changed": bool(changed), "actions": actions, "repaired": []}


def _verify_daemon(module: AnsibleModule, spec: Spec) -> dict[str, Any]:
    params = module.params
    given = params["verify"] or {}
    limits = _verify.Limits(**{f.name: given[f.name] for f in fields(_verify.Limits) if given})
    verdict = _verify.verify(
        spec, _host(module), params["health"] or {}, limits, params["lock_timeout"]
    )
    findings, seen = list(verdict.findings), dict(verdict.seen)
    version = spec.release.version if spec.release else ""
    if seen["active"] == "active":
        for product in _service.PRODUCTS:
            if questions := given.get(product):
                asked = _service.verify(product, questions, spec.name, version, spec.health)
                findings += asked.findings
                seen.update(asked.seen)
    verified = {"findings": [asdict(finding) for finding in findings], "seen": seen}
    return {
        "changed": False,
        "actions": [],
        "repaired": [],
        **verified,
        "ansible_facts": {f"barehost_verified_{spec.name}": verified},
    }


def _describe(module: AnsibleModule, spec: Spec) -> dict[str, Any]:
    given = module.params["release"]
    release = None
    if given and spec.release:
        release = {key: given[key] for key in ("version", "url", "checksum", "arch")}
        release["name"] = spec.release.name
    return {
        "changed": False,
        "actions": [],
        "repaired": [],
        "ansible_facts": {f"barehost_described_{spec.name}": {"release": release}},
    }


_ACTS = {
    "present": _deploy,
    "absent": _remove,
    "previous": _deploy,
    "rendered": _render,
    "verified": _verify_daemon,
    "described": _describe,
}


class _Module(AnsibleModule):  # type: ignore[misc]  # ansible-core is not typed
    """An AnsibleModule that keeps its parameters out of the host's journal.

    Ansible masks secrets there as substrings of a printed list, in which a quote or a line end is
    escaped and no longer matches.
    """

    def _log_invocation(self) -> None:
        self.log(f"Invoked with name={self.params['name']} state={self.params['state']}")


def main() -> None:
    """Read the parameters, do what they say, answer."""
    module = _Module(
        ARGUMENT_SPEC,
        supports_check_mode=True,
        required_if=[
            ("state", "present", ["command"]),
            ("state", "rendered", ["command", "destination"]),
            ("state", "previous", ["command"]),
            ("state", "verified", ["command"]),
        ],
    )
    act = _ACTS[module.params["state"]]
    try:
        result = act(module, _parse.parse(module.params))
    except _transaction.Failure as exc:
        module.fail_json(
            f"{module.params['name']}: {exc}",
            changed=exc.phase == "remove",
            failed_phase=exc.phase,
            rolled_back=exc.rolled_back,
            journal=exc.journal,
        )
    except (DaemonError, OSError) as exc:
        module.fail_json(f"{module.params['name']}: {exc}", failed_phase="plan", rolled_back=False)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
