# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole log chain on one host, for all tests that disturb it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pytest

from integration.support.elk import Elk
from integration.support.host import booted

LOGS = "/var/log/delivery"
DATASETS = ("with_ids", "by_place", "changed", "input", "live", "lines")


def log(name: str) -> dict[str, object]:
    """Return what Filebeat reads for a data set: its file, and the one before the last rotation."""
    paths = [f"{LOGS}/{name}.log", f"{LOGS}/{name}.log.1"]
    return {"paths": paths, "prospector.scanner.check_interval": "1s"}


def milliseconds(stamp: str) -> datetime:
    """Read a time as Logstash does, without what is below a millisecond."""
    time = datetime.fromisoformat(stamp)
    return time.replace(microsecond=time.microsecond // 1000 * 1000)


@pytest.fixture(scope="session")
def chain(prefix: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Elk]:
    """Deploy the chain."""
    base = {
        "elk_components": ["elasticsearch", "kibana", "logstash", "filebeat"],
        "elk_elasticsearch_jvm_options": ["-XX:TieredStopAtLevel=1"],
        "elk_logstash_jvm_options": ["-XX:TieredStopAtLevel=1"],
        "elk_elasticsearch_trial": False,
        "elk_filebeat_logs": {name: log(name) for name in DATASETS},
        "elk_password_directory": str(tmp_path_factory.mktemp("passwords")),
    }
    with booted(f"{prefix}-chain", "trixie") as host:
        host.sh(f"mkdir -m 0755 {LOGS}")
        elk = Elk(host, tmp_path_factory.mktemp("chain"), base)
        elk.apply()
        yield elk
