# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""redis_exporter beside a real Redis, as a user that may read statistics and nothing else."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

URL = "http://127.0.0.1:9121"
METRICS = f"{URL}/metrics"
VARS = yaml.safe_load((Path(__file__).parents[1] / "converge.yml").read_text())[0]["vars"]
README = Path(__file__).parents[3] / "roles/redis_exporter/README.md"


def pid(host: Any) -> str:
    """Return the number of the exporter's process."""
    return str(host.check_output("systemctl show -P MainPID redis_exporter"))


def as_exporter(host: Any, *command: str) -> str:
    """Return what Redis answers to the exporter's user."""
    words = " ".join("%s" for _word in command)
    password = VARS["redis_exporter_password"]
    login = "REDISCLI_AUTH=%s redis-cli --user watcher --no-auth-warning"
    return str(host.run(f"{login} {words}", password, *command).stdout)


def test_redis_answers_without_an_error(ask: Any) -> None:
    metrics = ask.metrics(METRICS)
    assert metrics["redis_up"] == 1
    assert metrics['redis_exporter_last_scrape_error{err=""}'] == 0
    assert metrics["redis_connected_clients"] >= 1
    assert metrics["redis_memory_used_bytes"] > 0


def test_statistics_follow_what_clients_do(host: Any, ask: Any) -> None:
    before = ask.metrics(METRICS)["redis_keyspace_hits_total"]
    host.check_output("redis-cli SET planet earth; redis-cli GET planet; redis-cli GET planet")
    assert ask.metrics(METRICS)["redis_keyspace_hits_total"] == before + 2


def test_the_rights_are_those_of_the_readme() -> None:
    assert VARS["watcher_rights"].strip() in README.read_text()


@pytest.mark.parametrize(
    "command",
    [("GET", "planet"), ("KEYS", "*"), ("SCAN", "0"), ("CONFIG", "SET", "maxmemory", "1")]
    + [("ACL", "LIST"), ("FLUSHALL",), ("MONITOR",), ("CLIENT", "LIST")],
)
def test_the_user_may_neither_read_nor_change(host: Any, command: tuple[str, ...]) -> None:
    assert "NOPERM" in as_exporter(host, *command)


def test_the_user_may_read_statistics(host: Any) -> None:
    assert "redis_version" in as_exporter(host, "INFO", "server")


def test_the_password_is_found_nowhere(readable: Any) -> None:
    assert readable("redis_exporter") == []


def test_the_search_for_the_password_finds_what_is_there(readable: Any) -> None:
    found = readable("redis_exporter", "redis.password-file|BAREHOST_STATE=")
    assert any(line.startswith("-redis.password-file=/run/credentials/") for line in found)
    assert any(line.startswith("BAREHOST_STATE=") for line in found)


def test_nobody_can_have_it_connect_elsewhere(ask: Any) -> None:
    status, _text = ask.answer(f"{URL}/scrape?target=redis://127.0.0.1:1")
    assert status == 404


def test_a_redis_that_is_down_is_told(host: Any, ask: Any, eventually: Any) -> None:
    before = pid(host)
    host.check_output("systemctl stop redis-server")
    try:
        assert ask.metrics(METRICS)["redis_up"] == 0
        assert ask.text(f"{URL}/health") == "ok"
    finally:
        host.check_output("systemctl start redis-server")
    assert eventually(lambda: ask.metrics(METRICS)["redis_up"] == 1)
    assert pid(host) == before


def test_a_wrong_password_is_told_and_not_shown(host: Any, ask: Any) -> None:
    """redis_exporter has the same words for whatever keeps it from logging in."""
    host.check_output("redis-cli ACL SETUSER watcher resetpass '>another'")
    try:
        metrics = ask.metrics(METRICS)
    finally:
        right = hashlib.sha256(VARS["redis_exporter_password"].encode()).hexdigest()
        host.check_output(f"redis-cli ACL SETUSER watcher resetpass '#{right}'")
    assert metrics["redis_up"] == 0
    reasons = [
        series for series in metrics if series.startswith("redis_exporter_last_scrape_error")
    ]
    assert reasons == ['redis_exporter_last_scrape_error{err="dial redis: unknown network redis"}']
    assert ask.metrics(METRICS)["redis_up"] == 1
    assert "planted" not in host.check_output("journalctl --unit redis_exporter --no-pager")


def test_it_runs_unprivileged(host: Any) -> None:
    status = host.file(f"/proc/{pid(host)}/status").content_string
    assert re.search(r"^CapEff:\s+0+$", status, re.MULTILINE)
    assert host.file(f"/proc/{pid(host)}").user == "redis_exporter"


def test_the_unit_is_sealed(exposure: Any) -> None:
    assert exposure("redis_exporter") <= 1.1
