# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role grafana makes of its variables."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from unit.roles.test_exporters import run

DEFAULTS = Path(__file__).parents[3] / "roles/grafana/defaults/main/main.yml"
NAMES = ("__grafana_prepare", "__grafana_sections", "__grafana_health")


def source(uid: str, url: str) -> dict[str, Any]:
    return {"name": uid, "uid": uid, "type": "prometheus", "url": url}


HOSTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "absolute": {"grafana_database": {"type": "sqlite3", "path": "/srv/db/g.db"}},
    "data": {"grafana_config": {"paths": {"data": "/srv/grafana"}}},
    "postgres": {"grafana_database": {"type": "postgres", "host": "db1:5432"}},
    "url": {"grafana_config": {"database": {"url": "$__file{/etc/grafana/secrets/dsn}"}}},
    "no_server": {"grafana_config": {"server": None}},
    "single_sign_on": {"grafana_config": {"auth.basic": {"enabled": False}}},
    "schemeless": {"grafana_external_url": "grafana.example.com"},
    "address": {"grafana_external_url": "http://[2001:db8::7]:3000"},
    "six": {
        "grafana_datasources": [
            source("a", "http://[2001:db8::7]:9090"),
            source("b", "http://127.0.0.1:9090"),
        ]
    },
    "four": {"grafana_datasources": [source("b", "http://127.0.0.1:9090")]},
    "number_alone": {"grafana_version": "12.9.0"},
    "with_build": {"grafana_version": "12.9.0", "grafana_release_build": "7"},
    "with_both": {
        **{"grafana_version": "12.9.0", "grafana_release_build": "7"},
        "grafana_release_checksum": "sha256:" + "0" * 64,
    },
    "older_address": {
        **{"grafana_version": "12.9.0", "grafana_release_build": ""},
        "grafana_release_checksum": "{{ grafana_release_url }}.sha256",
    },
}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Render for each host: the variables of the role, or why it was refused."""
    folder = tmp_path_factory.mktemp("grafana")
    shared = {
        **{"ansible_connection": "local", "ansible_python_interpreter": sys.executable},
        **{"grafana_state": "rendered", "grafana_render_directory": str(folder)},
        "grafana_shipped_dashboards": False,
    }
    values = "{{ {" + ", ".join(f"'{name}': {name}" for name in NAMES) + "} }}"
    show = {
        "ansible.builtin.copy": {
            "content": values,
            "dest": f"{folder}/{{{{ inventory_hostname }}}}.json",
            "mode": "0600",
        }
    }
    role = "barehost.monitoring.grafana"
    play = {"hosts": "all", "gather_facts": False, "roles": [role], "tasks": [show]}
    (folder / "play.yml").write_text(json.dumps([play]))
    said = run(folder, folder / "play.yml", {"all": {"vars": shared, "hosts": HOSTS}})
    seen: dict[str, Any] = dict(re.findall(r"^fatal: \[(\w+)\]: (.*)$", said, re.MULTILINE))
    for path in folder.glob("*.json"):
        if path.stem in HOSTS:
            seen[path.stem] = json.loads(path.read_text())
    assert seen.keys() == HOSTS.keys(), said
    return seen


@pytest.mark.parametrize(
    ("host", "database"),
    [
        ("plain", "/var/lib/grafana/grafana.db"),
        ("absolute", "/srv/db/g.db"),
        ("data", "/srv/grafana/grafana.db"),
    ],
)
def test_the_database_that_is_kept_is_the_one_that_grafana_uses(
    found: dict[str, Any], host: str, database: str
) -> None:
    """With what SQLite lays beside it, whichever journal it keeps."""
    for step in found[host]["__grafana_prepare"]:
        assert step["stop"]
        assert step["touches"] == [database + end for end in ("", "-wal", "-shm", "-journal")]


@pytest.mark.parametrize("host", ["postgres", "url"])
def test_a_database_elsewhere_is_not_looked_for_here(found: dict[str, Any], host: str) -> None:
    assert [step["touches"] for step in found[host]["__grafana_prepare"]] == [[]]


def test_the_password_is_set_when_it_changes_and_in_another_database(found: dict[str, Any]) -> None:
    """Neither a new release nor another setting brings back one that was changed in Grafana."""
    named: list[str] = []
    for host in ("plain", "absolute", "data", "postgres", "url"):
        *keeping, setting = found[host]["__grafana_prepare"]
        assert (setting["stdin_file"], setting.get("depends", [])) == ("secrets/admin_password", [])
        assert all((s["depends"], "stdin_file" in s) == (["release"], False) for s in keeping)
        named.append(setting["name"])
    assert len(set(named)) == len(named)


def test_where_nobody_gets_in_by_password_only_health_is_asked(found: dict[str, Any]) -> None:
    probes = found["single_sign_on"]["__grafana_health"]["probes"]
    assert [probe["url"] for probe in probes] == ["http://127.0.0.1:3000/api/health"]


def test_an_address_that_is_none_is_refused_by_its_variable(found: dict[str, Any]) -> None:
    assert "set grafana_external_url" in found["schemeless"]
    assert "grafana.example.com" in found["schemeless"]


def test_a_section_may_be_left_out(found: dict[str, Any]) -> None:
    assert found["no_server"]["__grafana_health"]["probes"][0]["url"] == (
        "http://127.0.0.1:3000/api/health"
    )


@pytest.mark.parametrize(
    ("host", "places"),
    [("six", ",[2001:db8::7]:9090 127.0.0.1:9090"), ("four", "127.0.0.1:9090"), ("plain", None)],
)
def test_nobody_reaches_more_than_the_data_sources(
    found: dict[str, Any], host: str, places: str | None
) -> None:
    """A value that begins with a bracket is JSON to Grafana: none of it would count."""
    security = found[host]["__grafana_sections"]["security"]
    assert security["data_source_proxy_whitelist"] == places


def test_an_address_of_numbers_is_taken_apart(found: dict[str, Any]) -> None:
    assert found["address"]["__grafana_sections"]["server"]["domain"] == "2001:db8::7"


@pytest.mark.parametrize(
    ("host", "left"),
    [
        ("number_alone", "grafana_release_build, grafana_release_checksum"),
        ("with_build", "grafana_release_checksum"),
    ],
)
def test_another_version_needs_what_does_not_follow_from_it(
    found: dict[str, Any], host: str, left: str
) -> None:
    shipped = yaml.safe_load(DEFAULTS.read_text())["grafana_version"]
    assert f"grafana_version is 12.9.0; still of {shipped}: {left}. " in found[host]
    assert "/versions/12.9.0/packages/" in found[host]


@pytest.mark.parametrize("host", ["with_both", "older_address"])
def test_another_version_is_taken_with_it(found: dict[str, Any], host: str) -> None:
    assert "__grafana_sections" in found[host]


def test_what_is_known_of_the_shipped_version_is_of_one_version() -> None:
    """They stand in two files, since a default may be replaced."""
    defaults = yaml.safe_load(DEFAULTS.read_text())
    shipped = yaml.safe_load(DEFAULTS.parents[2].joinpath("vars/main.yml").read_text())
    known = shipped["__grafana_shipped"]
    assert known["version"] == defaults["grafana_version"]
    assert known["build"] == defaults["grafana_release_build"]
    assert known["digest"] in defaults["grafana_release_checksum"]["amd64"]
