# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with Logstash, Kibana and Filebeat is told in their words, and the chain goes on."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from integration.support.chain import LOGS, log
from integration.support.elk import Elk
from integration.support.host import poll

UNITS = ("elasticsearch", "kibana", "logstash", "filebeat")
STAYED = "Nothing was replaced"
# What is given, what must be said, and which unit may have started anew: it was taken back.
Case = tuple[dict[str, Any], list[str], str]
REFUSED: dict[str, Case] = {
    "pipeline syntax": (
        {"elk_logstash_filters": 'mutate { add_tag => ["x" }'},
        ["logstash --config.test_and_exit", "Expected one of", STAYED],
        "",
    ),
    "unknown plugin": (
        {"elk_logstash_filters": "nosuch { }"},
        ["Couldn't find any filter plugin named 'nosuch'", STAYED],
        "",
    ),
    "unknown option of a plugin": (
        {"elk_logstash_filters": "mutate { no_such => 1 }"},
        ["Unknown setting 'no_such' for mutate", STAYED],
        "",
    ),
    "variable without a value": (
        {"elk_logstash_filters": 'mutate { add_tag => ["${NOT_SET_HERE}"] }'},
        ["${NOT_SET_HERE}", STAYED],
        "",
    ),
    "unknown setting of Logstash": (
        {"elk_logstash_config": {"no.such": 1}},
        ['Setting "no.such" doesn', STAYED],
        "",
    ),
    "queue larger than the disk": (
        {"elk_logstash_queue": "900tb"},
        ["elk_logstash_queue and elk_logstash_dead_letters may take", "has room for", STAYED],
        "",
    ),
    "unknown setting of Kibana": (
        {"elk_kibana_config": {"no.such": 1}},
        ["no.such", "definition for this key is missing", "Rolled back"],
        "kibana",
    ),
    "Kibana for everybody": (
        {"elk_kibana_host": "0.0.0.0"},
        ["elk_kibana_host: 0.0.0.0 is reached by others without passwords or TLS"],
        "",
    ),
    "another key of Kibana": (
        {"elk_passwords": {"kibana_objects": "another-key-of-objects-0123456789"}},
        ["secrets/keys.yml"],
        "",
    ),
    "unknown kind of input": (
        {"elk_filebeat_inputs": [{"type": "no_such", "id": "x"}]},
        ["no_such"],
        "filebeat",
    ),
    "input without an id": (
        {"elk_filebeat_inputs": [{"type": "filestream", "paths": ["/var/log/x.log"]}]},
        ["elk_filebeat_inputs[0] needs the key id"],
        "",
    ),
    "name of a data set": (
        {"elk_filebeat_logs": {"ai-assistant": ["/var/log/x.log"]}},
        ["is no name of a data set"],
        "",
    ),
    "log of somebody else": (
        {"elk_filebeat_logs": {"private": log("private")}},
        [
            "reading the logs as filebeat",
            f"{LOGS}/private.log cannot be read (group root, mode 0600)",
            "elk_filebeat_groups",
            STAYED,
        ],
        "",
    ),
    "directory of somebody else": (
        {"elk_filebeat_logs": {"closed": "/var/log/closed/*.log"}},
        ["/var/log/closed cannot be entered (group root, mode 0700)", STAYED],
        "",
    ),
    "missing password file": (
        {
            "elk_security": True,
            "elk_passwords": {"kibana": "{{ lookup('ansible.builtin.file', '/nowhere/kibana') }}"},
        },
        ["/nowhere/kibana"],
        "",
    ),
}


@pytest.fixture(scope="module")
def closed(chain: Elk) -> Elk:
    """Make logs that Filebeat's account cannot read."""
    script = f"install -m 0600 /dev/null {LOGS}/private.log; mkdir -m 0700 /var/log/closed"
    chain.host.sh(script)
    return chain


def state(elk: Elk) -> dict[str, tuple[int, str]]:
    """Return the process and the digests of all files of each unit."""
    digests = "find /etc/%s -type f -exec sha256sum {} + | sort"
    return {
        unit: (elk.host.main_pid(f"{unit}.service"), elk.host.sh(digests % unit)) for unit in UNITS
    }


def line_arrives(elk: Elk) -> bool:
    """Log a line, and tell whether it is found."""
    before = max(elk.number("input"), 0)
    text = json.dumps({"event": f"still here {time.time_ns()}"})
    elk.host.sh(f"echo '{text}' >> {LOGS}/input.log")
    return bool(poll(lambda: elk.number("input") > before, 60))


@pytest.mark.parametrize("case", REFUSED)
def test_bad_input_is_told_and_the_chain_goes_on(closed: Elk, case: str) -> None:
    given, words, restarted = REFUSED[case]
    before = state(closed)
    text = " ".join(closed.refuse(**given).split())
    assert [word for word in words if word not in text] == [], text
    after = state(closed)
    if restarted:  # the files are the old ones, the process is a new one
        before[restarted] = (after[restarted][0], before[restarted][1])
    assert after == before
    assert line_arrives(closed)


def test_a_taken_port_is_told_before(chain: Elk) -> None:
    server = "systemd-run --quiet --unit=taken python3 -m http.server --bind 127.0.0.1 5055"
    chain.host.sh(server)
    assert poll(lambda: "5055" in chain.host.sh("ss -Hltn"))
    before = state(chain)
    text = " ".join(chain.refuse(elk_logstash_beats_port=5055).split())
    chain.host.sh("systemctl stop taken")
    assert "port 5055 is held by" in text
    assert state(chain) == before


def test_data_of_another_user_is_not_taken_over(chain: Elk) -> None:
    chain.host.sh("touch /var/lib/logstash/foreign; chown nobody /var/lib/logstash/foreign")
    before = state(chain)
    text = " ".join(chain.refuse(elk_logstash_queue="512mb").split())
    chain.host.sh("rm /var/lib/logstash/foreign")
    assert "/var/lib/logstash/foreign belongs to nobody" in text
    assert state(chain) == before


def test_nothing_is_left_to_do(chain: Elk) -> None:
    assert not chain.apply()
