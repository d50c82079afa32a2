# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A healthy stack is a silent one."""

from __future__ import annotations

import time
from collections.abc import Callable

from demo.services import Prometheus

MINUTES = 10
# True of whatever else the machine does that runs the containers. They wait for a quarter of an hour or longer.
OF_THE_MACHINE = frozenset(
    ("DiskFillsUp", "HighCpuUsage", "HighLoad", "IoPressure", "MemoryPressure")
)
# The heartbeat, and drills, of which the first runs ten minutes after the deployment.
NO_ALERTS = frozenset(("Watchdog", "FireDrill"))
# True of a host on which no drill has passed yet; it waits for an hour.
YOUNG = frozenset(("FireDrillOverdue",))
FIRED = (
    f'count by (alertname) (last_over_time(ALERTS{{alertname!~"{"|".join(sorted(NO_ALERTS))}",'
    'alertstate="%s"}[%ds]))'
)


def watch(prometheus: Prometheus, tell: Callable[[str], None], minutes: int = MINUTES) -> list[str]:
    """Wait, and name the alerts that have fired meanwhile."""
    begin = time.time()
    for minute in range(minutes):
        tell(f"{minutes - minute} min to go, pending or firing: {_now(prometheus)}")
        time.sleep(60)
    return names(prometheus, "firing", time.time() - begin)


def names(prometheus: Prometheus, state: str, seconds: float) -> list[str]:
    """Name the alerts that were in a state within the last seconds."""
    series = prometheus.query(FIRED % (state, int(seconds)))
    return sorted(found["metric"]["alertname"] for found in series)


def noise(prometheus: Prometheus) -> set[str]:
    """Name the alerts whose condition is true now, but for what is true of this machine, or of a young host."""
    found = {alert["labels"]["alertname"] for alert in prometheus.ask("alerts")["alerts"]}
    return found - OF_THE_MACHINE - NO_ALERTS - YOUNG


def _now(prometheus: Prometheus) -> str:
    found = [alert for alert in prometheus.alerts() if alert.split(" ")[0] not in NO_ALERTS]
    return ", ".join(found) or "none"
