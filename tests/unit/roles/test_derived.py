# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What roles derive from what is configured in the end, and what they keep while they only look."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

CHECKOUT = Path(__file__).parents[3]
SECRETS = {"deploy", "logstash", "reader", "exporter", "kibana"}
KEYS = {"kibana_objects", "kibana_session", "kibana_reports"}


def values(
    folder: Path, role: str, *names: str, check: bool = False, **variables: Any
) -> dict[str, Any]:
    """Return the values that variables of a role have for a host; no task of the role runs."""
    place = CHECKOUT / "roles" / role
    files = [*(place / "defaults").rglob("*.yml"), *(place / "vars").rglob("*.yml")]
    wanted = "{{ {" + ", ".join(f"'{name}': {name}" for name in names) + "} | to_json }}"
    play = {
        "hosts": "localhost",
        "connection": "local",
        "gather_facts": False,
        "vars_files": sorted(map(str, files)),
        "tasks": [
            {
                "ansible.builtin.copy": {"content": wanted, "dest": str(folder / "found.json")},
                "check_mode": False,
            }
        ],
    }
    (folder / "play.json").write_text(json.dumps([play]))
    command = [Path(sys.executable).with_name("ansible-playbook"), folder / "play.json"]
    environment = os.environ | {"ANSIBLE_COLLECTIONS_PATH": str(CHECKOUT / ".ac")}
    given = {"ansible_python_interpreter": sys.executable, **variables}
    done = subprocess.run(
        [*command, "-i", "localhost,other,", "-e", json.dumps(given), *["--check"][:check]],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads((folder / "found.json").read_text())
    return found


@pytest.mark.parametrize(
    ("variables", "base", "transport", "nodes"),
    [
        ({}, "http://127.0.0.1:9200", "127.0.0.1:9300", 1),
        (
            {"elk_elasticsearch_config": {"http.port": 9201, "transport": {"port": 9301}}},
            "http://127.0.0.1:9201",
            "127.0.0.1:9301",
            1,
        ),
        (
            {
                "elk_elasticsearch_nodes": ["localhost", "other"],
                "elk_elasticsearch_config": {"discovery.seed_hosts": ["a:9300", "b:9300", "c"]},
            },
            "http://127.0.0.1:9200",
            "127.0.0.1:9300",
            3,
        ),
        (
            {
                "elk_elasticsearch_nodes": ["localhost", "other"],
                "elk_elasticsearch_config": {"discovery": {"type": "single-node"}},
            },
            "http://127.0.0.1:9200",
            "127.0.0.1:9300",
            1,
        ),
    ],
)
def test_elasticsearch_is_looked_for_where_its_settings_say(
    tmp_path: Path, variables: Any, base: str, transport: str, nodes: int
) -> None:
    names = ("__elk_elasticsearch_health", "__elk_elasticsearch_verify")
    found = values(tmp_path, "elk", *names, **{"elk_components": ["elasticsearch"], **variables})
    health, verify = (found[name] for name in names)
    assert health["listens"] == [transport]
    assert all(probe["url"].startswith(f"{base}/") for probe in health["probes"])
    asked = verify["elasticsearch"]
    assert (asked["url"], int(asked["nodes"])) == (base, nodes)


def test_kibana_is_looked_for_where_its_settings_say(tmp_path: Path) -> None:
    given = {"elk_kibana_config": {"server": {"port": 5602, "basePath": "/logs"}}}
    found = values(tmp_path, "elk", "__elk_kibana_base", elk_components=["kibana"], **given)
    assert found["__elk_kibana_base"] == "http://127.0.0.1:5602/logs"


@pytest.mark.parametrize(
    ("variables", "listens", "members"),
    [
        ({}, [], 1),
        ({"alertmanager_cluster_peers": ["b:9094"]}, [], 1),
        (
            {
                "alertmanager_cluster_listen_address": ":9094",
                "alertmanager_cluster_peers": ["b:9094", "c:9094"],
            },
            ["127.0.0.1:9094"],
            3,
        ),
        (
            {"alertmanager_flags": {"cluster.listen-address": ":9095", "cluster.peer": "b:9095"}},
            ["127.0.0.1:9095"],
            2,
        ),
        ({"alertmanager_flags": {"cluster.listen-address": None}}, ["127.0.0.1:9094"], 1),
        (
            {
                "alertmanager_cluster_listen_address": ":9094",
                "alertmanager_cluster_peers": ["b:9094"],
                "alertmanager_flags": {"cluster.listen-address": ""},
            },
            [],
            1,
        ),
    ],
)
def test_alertmanager_is_looked_for_where_its_flags_say(
    tmp_path: Path, variables: Any, listens: list[str], members: int
) -> None:
    names = ("__alertmanager_health", "__alertmanager_verify")
    found = values(tmp_path, "alertmanager", *names, **variables)
    assert found[names[0]]["listens"] == listens
    assert int(found[names[1]]["alertmanager"]["members"]) == members


@pytest.mark.parametrize(
    ("state", "left"),
    [
        ("present", ["grafana_release_build", "grafana_release_checksum"]),
        ("described", ["grafana_release_build", "grafana_release_checksum"]),
        ("previous", []),
        ("absent", []),
    ],
)
def test_a_version_alone_holds_up_no_way_back(tmp_path: Path, state: str, left: list[str]) -> None:
    given = {"grafana_version": "12.9.0", "grafana_state": state}
    assert values(tmp_path, "grafana", "__grafana_left", **given)["__grafana_left"] == left


MAIL = {"alertmanager_email": {"to": "a@example.com"}}


@pytest.mark.parametrize(
    ("variables", "mute"),
    [
        ({}, "operators"),
        (MAIL, ""),
        ({"alertmanager_slack": {"channel": "#alerts"}}, ""),
        # Who hears the heartbeat hears no alert.
        ({"alertmanager_dead_mans_switch": {"url": "http://example.com"}}, "operators"),
        ({**MAIL, "alertmanager_config_extra": {"route": {"receiver": "night"}}}, "night"),
        (
            {
                "alertmanager_receivers": [{"name": "night", "webhook_configs": [{"url": "x"}]}],
                "alertmanager_config_extra": {"route": {"receiver": "night"}},
            },
            "",
        ),
    ],
)
def test_whether_anybody_is_told(tmp_path: Path, variables: Any, mute: str) -> None:
    found = values(tmp_path, "alertmanager", "__alertmanager_verify", **variables)
    assert found["__alertmanager_verify"]["alertmanager"]["mute"] == mute


@pytest.mark.parametrize(
    ("state", "check"),
    [
        ("absent", False),
        ("described", False),
        ("verified", False),
        ("previous", False),
        ("absent", True),
        ("present", True),
        ("rendered", True),
    ],
)
def test_who_changes_nothing_makes_no_password(tmp_path: Path, state: str, check: bool) -> None:
    folder = tmp_path / "passwords"
    given = {"elk_state": state, "elk_password_directory": str(folder), "elk_components": []}
    given |= {"check": check}
    found = values(tmp_path, "elk", "__elk_passwords", "__elk_keys", **given)
    assert {len(one) for one in found["__elk_passwords"].values()} == {32}
    assert not folder.exists()
    folder.mkdir()
    (folder / "deploy").write_text("a" * 32 + "\n")
    found = values(tmp_path, "elk", "__elk_passwords", "__elk_keys", **given)
    assert [path.name for path in folder.iterdir()] == ["deploy"], "what is missing was made"
    known = state not in ("absent", "described")
    assert (found["__elk_passwords"]["deploy"] == "a" * 32) is known


def test_who_deploys_makes_the_passwords_that_are_missing(tmp_path: Path) -> None:
    (tmp_path / "passwords").mkdir()
    (tmp_path / "passwords/deploy").write_text("a" * 32 + "\n")
    # As a person may write it, beside the playbook.
    given = {"elk_password_directory": "passwords", "elk_components": []}
    names = ("__elk_passwords", "__elk_keys")
    first = values(tmp_path, "elk", *names, **given)
    assert {path.name for path in (tmp_path / "passwords").iterdir()} == SECRETS | KEYS
    assert first["__elk_passwords"]["deploy"] == "a" * 32
    for state in ("present", "verified", "previous", "rendered"):
        assert values(tmp_path, "elk", *names, elk_state=state, **given) == first
