#!/usr/bin/python
# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module barehost.monitoring.fire_drill."""

from __future__ import annotations

DOCUMENTATION = r"""
module: fire_drill
short_description: Send a synthetic fault through the alerting chain, and measure it
version_added: 0.1.0
author: [Barehost contributors (@barehost)]
description:
  - Carries out one drill. A synthetic fault becomes a metric of this host and travels to Prometheus, its rule, Alertmanager
    and a receiver of the drill; then it ends, and so does the message that it is over.
  - Before anything fires, Alertmanager's running configuration is asked whom it would tell (C(amtool config routes test)). Where a real receiver
    would be reached without O(page), the drill is refused. So it is with each Alertmanager that Prometheus names and O(alertmanagers)
    does not; where one of these can not be asked, the drill is refused, too. It gets no password.
  - The drill runs as a transient unit of systemd, C(fire_drill_now), as the owner of O(textfile_directory). Whatever becomes of it or of the
    connection, its metric goes away, and the message that it is over is taken.
  - Run it on the host of an Alertmanager that is a target of the job node-exporter. The role C(barehost.monitoring.fire_drill) does this on a schedule.
extends_documentation_fragment: [barehost.monitoring._attributes]
attributes:
  check_mode:
    support: full
    details: Only asks what can be asked without a fault, whether the services answer, the rule is there and where a drill would go.
  diff_mode: {support: none, details: Nothing that is deployed changes.}
  platform: {platforms: Linux with systemd 247 or later}
requirements: [Python 3.9 or later and systemd 247 or later on the host, amtool on the host]
options:
  prometheus:
    description: Addresses of the Prometheus servers, as this host reaches them; each has to see the fault.
    type: list
    elements: str
    default: ["http://127.0.0.1:9090"]
  alertmanagers:
    description: Addresses of the Alertmanagers, as this host reaches them; each has to get the alert.
    type: list
    elements: str
    default: ["http://127.0.0.1:9093"]
  textfile_directory:
    description: Directory that the host's node_exporter reads metrics from.
    type: path
    default: /var/lib/node_exporter/textfile
  listen:
    description:
      - Where the drill listens for its notifications, as C(host:port). Every Alertmanager has to reach it at the address of its receiver.
      - It is the lock as well, since one drill at a time can listen there.
    type: str
    default: 127.0.0.1:9195
  receiver:
    description: Name of the receiver in Alertmanager that leads to O(listen).
    type: str
    default: fire-drill
  page:
    description:
      - Let the alert go on to the real receivers, as the critical alert C(FireDrillPage), whose texts say that it is a drill.
      - Without it the alert is C(FireDrill), and no real receiver may be reached.
    type: bool
    default: false
  hold:
    description: With O(page), seconds for which the fault lasts after its notification; longer than the C(group_wait) of real routes.
    type: float
    default: 60
  patience:
    description: Seconds that each hop may take.
    type: float
    default: 120
  wait:
    description: Seconds to wait for another drill.
    type: float
    default: 120
  amtool:
    description: Path of amtool on the host.
    type: path
    default: /usr/local/bin/amtool
  url_username:
    description: User name for Prometheus and Alertmanager, where they ask for one.
    type: str
  url_password:
    description: Password for them.
    type: str
  ca_path:
    description: File on the host with the certificate authorities for C(https) addresses.
    type: path
  validate_certs:
    description: Whether certificates must be valid.
    type: bool
    default: true
seealso:
  - module: barehost.monitoring.daemon
"""

EXAMPLES = r"""
- name: See whether an alert arrives
  barehost.monitoring.fire_drill:
  register: drill
  failed_when: not drill.passed
  become: true

- name: Page the people on call, as a drill
  barehost.monitoring.fire_drill:
    page: true
    hold: 90
  become: true
"""

RETURN = r"""
passed:
  description: Whether every hop was made. A drill that did not pass is no failure of the module.
  returned: success
  type: bool
report:
  description: The drill for machines; times are in seconds. C(inspected) is true in check mode. C(failed_hop), C(fault) and C(remedy) are empty when it passed.
  returned: success
  type: dict
  sample:
    passed: true
    drill: 5a3f0c11d2b94e07
    host: monitor1
    page: false
    inspected: false
    receivers: [fire-drill]
    started: 1764144000.0
    seconds: 51.3
    hops: [{hop: armed, seconds: 9.8, what: a harmless sample of this host is in Prometheus}]
    failed_hop: ""
    fault: ""
    remedy: ""
table:
  description: The report for people, as lines.
  returned: success
  type: list
  elements: str
"""

import json
import os
import secrets
import time
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._errors import DaemonError
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._systemd import Systemd
from ansible_collections.barehost.monitoring.plugins.module_utils.fire_drill import (
    _chain,
    _drill,
    _inbox,
    _main,
    _named,
    _report,
    _settings,
    _textfile,
    _transient,
    _world,
)

_PROGRAM = (_chain, _drill, _inbox, _main, _named, _report, _settings, _textfile, _world)
_DEFAULTS = _settings.Settings()
ARGUMENT_SPEC: dict[str, Any] = {
    "prometheus": {"type": "list", "elements": "str", "default": list(_DEFAULTS.prometheus)},
    "alertmanagers": {"type": "list", "elements": "str", "default": list(_DEFAULTS.alertmanagers)},
    "textfile_directory": {"type": "path", "default": _DEFAULTS.textfile_directory},
    "listen": {"type": "str", "default": _DEFAULTS.listen},
    "receiver": {"type": "str", "default": _DEFAULTS.receiver},
    "page": {"type": "bool", "default": False},
    "hold": {"type": "float", "default": _DEFAULTS.hold},
    "patience": {"type": "float", "default": _DEFAULTS.patience},
    "wait": {"type": "float", "default": _DEFAULTS.wait},
    "amtool": {"type": "path", "default": _DEFAULTS.amtool},
    "url_username": {"type": "str"},
    "url_password": {"type": "str", "no_log": True},
    "ca_path": {"type": "path"},
    "validate_certs": {"type": "bool", "default": True},
}


def _run(module: AnsibleModule, settings: _settings.Settings) -> dict[str, Any]:
    """Let systemd carry out a drill; returns its report."""
    try:
        owner = os.stat(settings.textfile_directory)
    except OSError:
        return _inspect(settings)  # which says what is missing, and what to do
    limit = time.monotonic() + settings.wait
    while True:
        folder = f"/run/barehost_fire_drill_{secrets.token_hex(4)}"
        _transient.install(folder, _transient.sources(_PROGRAM))
        argv = _transient.command(settings, folder, owner.st_uid, owner.st_gid)
        code, out, err = module.run_command(argv, data=json.dumps(module.params))
        if "Failed to start" in err:
            _transient.uninstall(folder)  # else it goes with the unit, which may outlive who waits
        if not (code and "already" in err and time.monotonic() < limit):
            break
        time.sleep(1)
    try:
        report: dict[str, Any] = json.loads(out)
    except ValueError:
        raise DaemonError(_no_report(code, err)) from None
    return report


def _no_report(code: int, err: str) -> str:
    unit = f"{_transient.UNIT}.service"
    if "already" in err:
        return f"another drill runs ({unit}); wait for it, or end it: systemctl stop {unit}"
    words = f": {err.strip()}" if err.strip() else ""
    return (
        f"the drill was interrupted (exit {code}){words}. Its metric was removed; "
        f"look at: journalctl --unit={unit}"
    )


def _inspect(settings: _settings.Settings) -> dict[str, Any]:
    drill = secrets.token_hex(8)
    return _drill.inspect(settings, _world.real(settings), drill).as_dict()


def main() -> None:
    """Read the parameters, carry out a drill, answer."""
    module = AnsibleModule(ARGUMENT_SPEC, supports_check_mode=True)
    try:
        settings = _settings.read(module.params)
        Systemd().preflight()
        report = _inspect(settings) if module.check_mode else _run(module, settings)
    except (_settings.SettingsError, DaemonError, OSError) as exc:
        module.fail_json(f"fire drill: {exc}")
    # It leaves nothing behind but its result.
    module.exit_json(
        changed=False, passed=report["passed"], report=report, table=_report.table(report)
    )


if __name__ == "__main__":
    main()
