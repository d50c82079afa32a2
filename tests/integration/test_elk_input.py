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
from integration.support.elk import REQUEST, Elk
from integration.support.host import poll

STAYED, TAKEN_BACK = "Nothing was replaced", "Rolled back"
# Of which unit, what is given, what must be said.
Case = tuple[str, dict[str, Any], list[str]]
REFUSED: dict[str, Case] = {
    "pipeline syntax": (
        "logstash",
        {"elk_logstash_filters": 'mutate { add_tag => ["x" }'},
        ["logstash --config.test_and_exit", "Expected one of", STAYED],
    ),
    "unknown plugin": (
        "logstash",
        {"elk_logstash_filters": "nosuch { }"},
        ["Couldn't find any filter plugin named 'nosuch'", STAYED],
    ),
    "unknown option of a plugin": (
        "logstash",
        {"elk_logstash_filters": "mutate { no_such => 1 }"},
        ["Unknown setting 'no_such' for mutate", STAYED],
    ),
    "variable without a value": (
        "logstash",
        {"elk_logstash_filters": 'mutate { add_tag => ["${NOT_SET_HERE}"] }'},
        ["${NOT_SET_HERE}", STAYED],
    ),
    "unknown setting of Logstash": (
        "logstash",
        {"elk_logstash_config": {"no.such": 1}},
        ['Setting "no.such" doesn', STAYED],
    ),
    "queue larger than the disk": (
        "logstash",
        {"elk_logstash_queue": "900tb"},
        ["elk_logstash_queue and elk_logstash_dead_letters may take", "has room for", STAYED],
    ),
    "unknown setting of Kibana": (
        "kibana",
        {"elk_kibana_config": {"no.such": 1}},
        ['Unknown configuration key(s): "no.such"', TAKEN_BACK],
    ),
    "another key of Kibana": (
        "kibana",
        {"elk_passwords": {"kibana_objects": "another-key-of-objects-0123456789"}},
        ["secrets/keys.yml"],
    ),
    "missing password file": (
        "kibana",
        {
            "elk_security": True,
            "elk_passwords": {"kibana": "{{ lookup('ansible.builtin.file', '/nowhere/kibana') }}"},
        },
        ["/nowhere/kibana"],
    ),
    "unknown kind of input": (
        "filebeat",
        {"elk_filebeat_inputs": [{"type": "no_such", "id": "x"}]},
        ["no_such", TAKEN_BACK],
    ),
    "log of somebody else": (
        "filebeat",
        {"elk_filebeat_logs": {"private": log("private")}},
        [
            "reading the logs as filebeat",
            f"{LOGS}/private.log cannot be read (group root, mode 0600)",
            "elk_filebeat_groups",
            STAYED,
        ],
    ),
    "directory of somebody else": (
        "filebeat",
        {"elk_filebeat_logs": {"closed": "/var/log/closed/*.log"}},
        ["/var/log/closed cannot be entered (group root, mode 0700)", STAYED],
    ),
}


@pytest.fixture(scope="module")
def closed(chain: Elk) -> Elk:
    """Make logs that Filebeat's account cannot read."""
    script = f"install -m 0600 /dev/null {LOGS}/private.log; mkdir -m 0700 /var/log/closed"
    chain.host.sh(script)
    return chain


@pytest.mark.parametrize("case", REFUSED)
def test_bad_input_is_told_and_the_old_state_stays(closed: Elk, case: str) -> None:
    unit, given, words = REFUSED[case]
    process, files = closed.state(unit)
    text = " ".join(closed.refuse(elk_components=[unit], **given).split())
    assert [word for word in words if word not in text] == [], text
    now, left = closed.state(unit)
    assert left == files
    assert now and (now == process or TAKEN_BACK in words)


def test_a_taken_port_is_told_before(chain: Elk) -> None:
    server = "systemd-run --quiet --unit=taken python3 -m http.server --bind 127.0.0.1 5055"
    chain.host.sh(server)
    assert poll(lambda: "5055" in chain.host.sh("ss -Hltn"))
    before = chain.state("logstash")
    said = chain.refuse(elk_components=["logstash"], elk_logstash_beats_port=5055)
    chain.host.sh("systemctl stop taken")
    assert "port 5055 is held by" in " ".join(said.split())
    assert chain.state("logstash") == before


def test_lines_arrive_after_all_that(chain: Elk) -> None:
    before = max(chain.number("input"), 0)
    text = json.dumps({"event": f"still here {time.time_ns()}"})
    chain.host.sh(f"echo '{text}' >> {LOGS}/input.log")
    assert poll(lambda: chain.number("input") > before, 60)


def test_what_people_changed_in_kibana_stays(chain: Elk) -> None:
    url = "http://127.0.0.1:5601/api/saved_objects/search/barehost-errors"

    def title() -> str:
        status, text = chain.host.python(REQUEST, "GET", url, "")
        assert status == 200, text
        return str(json.loads(text)["attributes"]["title"])

    assert title() == "Errors"
    mine = json.dumps({"attributes": {"title": "Mine"}})
    assert chain.host.python(REQUEST, "PUT", url, mine)[0] == 200
    # Also when Kibana is deployed anew.
    assert chain.apply(elk_components=["kibana"], elk_kibana_config={"server.name": "another"})
    assert title() == "Mine"
    assert chain.apply(elk_components=["kibana"])


def test_nothing_is_left_to_do(chain: Elk) -> None:
    assert not chain.apply()
