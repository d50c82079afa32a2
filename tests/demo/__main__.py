# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Command line: python3 -m demo deploy | summary | faults | quiet."""

from __future__ import annotations

import subprocess
import sys
import urllib.error

from demo import faults
from demo.passage import HOPS, follow
from demo.quiet import watch
from demo.stack import DEMO, LOAD
from demo.summary import report
from hosts.container import ensure_network
from hosts.shell import CHECKOUT, give_up, say
from receivers.control import Receivers
from receivers.places import UNIT, OnHost

NETWORK = "barehost-demo"
SUITES = {DEMO.monitor: "trixie", DEMO.app: "bookworm"}
PLAYBOOKS = (
    "examples/ai_assistant/databases.yml",
    "examples/ai_assistant/deploy.yml",
    "site.yml",
)
HOUR = "3600"


def deploy() -> None:
    """Boot the hosts that do not run yet, deploy on them what the inventory says, and send some load."""
    ensure_network(NETWORK)
    for host, suite in SUITES.items():
        if not host.runs():
            say(f"{host.name}: booting Debian ({suite})")
            host.boot(suite, f"--network={NETWORK}")
    if not DEMO.monitor.serves(UNIT):
        say(f"{DEMO.monitor.name}: test receivers, in place of a mail server and of Slack")
        Receivers.start(OnHost(DEMO.monitor))
    play = DEMO.play(PLAYBOOKS)
    say(" ".join(play))
    if code := subprocess.run(play, cwd=CHECKOUT, check=False).returncode:
        sys.exit(code)
    if not DEMO.app.serves("barehost-load"):
        say(f"{DEMO.app.name}: two requests a second for an hour")
        traffic = ("traffic", "--rate=2", f"--duration={HOUR}")
        options = ("--unit=barehost-load", "--collect", "--quiet")
        DEMO.app.output("systemd-run", *options, *LOAD, *traffic)


def summary() -> None:
    """Show what the running services report; fail when something is missing."""
    if wrong := report(DEMO):
        give_up("; ".join(wrong))


def cause_faults() -> None:
    """Cause each documented fault, and show how its alert travels, there and back."""
    say(
        "deploying short windows, and for the host app a memory threshold just above what is in use"
    )
    deployed = faults.prepare(DEMO)
    if deployed.returncode:
        give_up(deployed.stdout + deployed.stderr)
    say("causing errors, slowness, tool failures, and filling memory and a disk")
    passages = follow(DEMO, faults.documented(DEMO), tell=say)
    lost = [f"{p.alert}: no {', no '.join(p.lacks(HOPS))}" for p in passages if p.lacks(HOPS)]
    if lost:
        give_up("; ".join(lost))
    say(
        "every alert has arrived by mail and in Slack, and was called over; 'make demo' deploys the"
    )
    say("usual windows again")


def quiet() -> None:
    """Watch the healthy stack for ten minutes: no alert may fire."""
    if noise := watch(DEMO.prometheus, tell=say):
        give_up(f"fired on a healthy stack: {', '.join(noise)}")
    say("no alert but Watchdog has fired")


COMMANDS = {"deploy": deploy, "summary": summary, "faults": cause_faults, "quiet": quiet}

if __name__ == "__main__":
    command = sys.argv[1]
    if command != "deploy" and not DEMO.monitor.runs():
        give_up("the demo does not run ('make demo' starts it)")
    try:
        COMMANDS[command]()
    except urllib.error.URLError as exc:
        give_up(f"a service on {DEMO.monitor.name} does not answer: {exc.reason}")
