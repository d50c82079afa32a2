# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The container engine: the running one, or one that we install, start and stop again."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from hosts.packages import install
from hosts.shell import CACHE, give_up, run, say, succeeds

STARTED = CACHE / "engine.json"
LOG = CACHE / "engine.log"


def ensure() -> None:
    """Return with an engine that answers; announce whatever is done to get there."""
    if running():
        return
    if not shutil.which("dockerd"):
        install("docker.io", "iptables", why="no container engine is installed")
    if not running():
        _start()


def running() -> bool:
    """Ask the engine for its version."""
    return succeeds("docker", "version", "--format", "{{.Server.Version}}")


def stop() -> None:
    """Stop the engine if this checkout started it, and no other."""
    if not STARTED.exists():
        return
    mine = json.loads(STARTED.read_text())
    if _birth(mine["pid"]) == mine["birth"]:
        say(f"stopping the engine that was started here (process {mine['pid']})")
        os.kill(mine["pid"], signal.SIGTERM)
        _wait(lambda: _birth(mine["pid"]) is None, 60, "the engine does not stop")
    STARTED.unlink()


def _start() -> None:
    if os.geteuid():
        give_up("no container engine answers, and only root may start one (start Docker first)")
    if Path("/run/systemd/system").is_dir():
        say("starting the engine: systemctl start docker")
        run("systemctl", "start", "docker")
    else:
        say(f"starting the engine: dockerd, log in {LOG} ('make clean' stops it)")
        CACHE.mkdir(exist_ok=True)
        with LOG.open("w") as log:
            child = subprocess.Popen(
                ["dockerd"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        STARTED.write_text(json.dumps({"pid": child.pid, "birth": _birth(child.pid)}))
    _wait(running, 60, f"the engine does not answer, see {LOG}")


def _birth(pid: int) -> str | None:
    """Return the start time of a living process, so that a reused number is not taken for ours."""
    try:
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return None
    return None if state == "Z" else fields[18]


def _wait(done: Callable[[], bool], seconds: float, complaint: str) -> None:
    limit = time.monotonic() + seconds
    while not done():
        if time.monotonic() > limit:
            give_up(complaint)
        time.sleep(0.3)
