# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role grafana on a host: what is refused, what changes, what comes back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from integration.support.grafana import PASSWORD, Grafana, dashboard
from integration.support.host import booted, poll

GIVEN = "S3kret-given-\"$HOME'%40"


@pytest.fixture(scope="module")
def deployed(prefix: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grafana]:
    """Deploy with defaults, on a host of its own."""
    with booted(f"{prefix}-grafana", "bookworm") as host:
        grafana = Grafana(host, tmp_path_factory.mktemp("grafana"))
        grafana.apply()
        yield grafana


@pytest.fixture
def grafana(deployed: Grafana) -> Grafana:
    """Return it as the base describes it, with no wrong password counted."""
    deployed.apply()
    return deployed


PANEL = dashboard("b", "B", panels=[{"title": "CPU", "datasource": {"uid": "promteheus"}}])
SOURCE = {
    "name": "A",
    "uid": "a",
    "type": "prometheus",
    "url": "http://127.0.0.1:9",
    "isDefault": True,
}
BAD: list[tuple[str, dict[str, Any], list[str]]] = [
    (
        "broken dashboard",
        {"grafana_dashboard_directory": "{folder}/broken"},
        ["broken/cpu.json: is no JSON", "line 1 column 15"],
    ),
    (
        "no dashboards",
        {"grafana_dashboard_directory": "{folder}/nowhere"},
        ["/nowhere: there is no such directory"],
    ),
    (
        "duplicate uid",
        {"grafana_dashboards": {"F": [dashboard("b", "B"), dashboard("b", "C")]}},
        ['grafana_dashboards.F[1]: its uid "b" is that of'],
    ),
    (
        "unknown data source",
        {"grafana_dashboards": {"F": [PANEL]}},
        ['grafana_dashboards.F[0]: panel "CPU": there is no data source "promteheus"'],
    ),
    (
        "bad section",
        {"grafana_config": {"auth.anonymus": {"enabled": False}}},
        ["grafana_config.auth.anonymus: Grafana knows no such section", '"auth.anonymous"'],
    ),
    ("empty password", {"grafana_admin_password": ""}, ["grafana_admin_password: is empty"]),
    (
        "weak password",
        {"grafana_admin_password": "S3kret-weak"},
        ["grafana_admin_password: is too weak"],
    ),
    (
        "no file of a secret here",
        {"grafana_admin_password": "{{ lookup('ansible.builtin.file', '/nowhere/secret') }}"},
        ["/nowhere/secret"],
    ),
    (
        "no file of a secret there",
        {"grafana_config": {"smtp": {"password": "$__file{/etc/grafana/secrets/none}"}}},
        ["/etc/grafana/secrets/none is missing or not readable by the user grafana"],
    ),
    (
        "secret in the open",
        {"grafana_config": {"smtp": {"password": "S3kret-open"}}},
        ["grafana_config.smtp.password: a secret would be readable in every diff"],
    ),
    (
        "another key",
        {"grafana_secret_key": "S3kret-another-key"},
        ["/etc/grafana/secrets/secret_key: its content may not change"],
    ),
    (
        "override",
        {"grafana_environment": {"GF_USERS_ALLOW_SIGN_UP": "true"}},
        ["grafana_environment.GF_USERS_ALLOW_SIGN_UP: would override"],
    ),
    (
        "two defaults",
        {"grafana_datasources": [SOURCE, {**SOURCE, "name": "B", "uid": "b"}]},
        ["grafana_datasources: 2 data sources of the organisation 1 are the default"],
    ),
]


@pytest.mark.parametrize(
    ("variables", "words"), [row[1:] for row in BAD], ids=[row[0] for row in BAD]
)
def test_bad_input_is_refused_before_anything_is_replaced(
    deployed: Grafana, variables: dict[str, Any], words: list[str]
) -> None:
    """File and reason are in the message, no secret is; service and files stay."""
    folder = deployed.folder / "broken"
    folder.mkdir(exist_ok=True)
    (folder / "cpu.json").write_text('{"uid": "cpu" "title": "CPU"}')
    before = deployed.state()
    given = json.loads(json.dumps(variables).replace("{folder}", str(deployed.folder)))
    text = " ".join(deployed.refuse(**given).split())
    assert [word for word in words if word not in text] == [], text
    assert "S3kret" not in text
    assert deployed.state() == before


def test_the_first_installation_lets_in_the_administrator_alone(deployed: Grafana) -> None:
    """The host has made a password, and the one that everybody knows does not work."""
    assert len(deployed.password) >= 20
    assert deployed.lets_in(deployed.password)
    assert not deployed.lets_in("admin")
    assert deployed.ask("/api/org")[0] == 401


def test_the_password_changes_with_the_variable_and_only_then(grafana: Grafana) -> None:
    """The output of the run shows neither."""
    old = grafana.password
    done = grafana.run("-vvv", "--diff", grafana_admin_password=GIVEN)
    assert done.returncode == 0, done.stdout
    assert "S3kret" not in done.stdout + done.stderr and old not in done.stdout + done.stderr
    assert grafana.lets_in(GIVEN)
    assert not grafana.lets_in(old)
    pid = grafana.host.main_pid("grafana.service")
    assert not grafana.apply(grafana_admin_password=GIVEN)
    assert grafana.host.main_pid("grafana.service") == pid
    # Without the variable the password stays what it is.
    grafana.apply()
    assert grafana.host.main_pid("grafana.service") == pid
    assert grafana.lets_in(GIVEN)


def test_a_failed_deployment_brings_back_database_and_password(grafana: Grafana) -> None:
    """What people made in Grafana is still there, too."""
    old = grafana.password
    by_hand = {"name": "by hand", "uid": "by_hand", "type": "prometheus", "access": "proxy"}
    by_hand["url"] = "http://127.0.0.1:9"
    assert grafana.ask("/api/datasources", grafana.login, "POST", by_hand)[0] == 200
    text = grafana.refuse(
        grafana_admin_password="S3kret-of-a-failure",
        grafana_datasources=[SOURCE],
        grafana_health={"timeout": 15},
    )
    assert "/api/datasources/proxy/uid/a/" in text and "502" in text
    assert "the previous state" in text and "is back and healthy" in " ".join(text.split())
    assert grafana.password == old
    assert grafana.lets_in(old)
    names = [s["name"] for s in json.loads(grafana.ask("/api/datasources", grafana.login)[1])]
    assert names == ["by hand"]
    assert not grafana.apply()
    # The name in this list makes it go.
    assert grafana.apply(grafana_datasources_absent=["by hand"])
    assert json.loads(grafana.ask("/api/datasources", grafana.login)[1]) == []


def test_dashboards_come_change_and_go_without_a_restart(grafana: Grafana) -> None:
    """A folder of them needs one, its content does not."""

    def title(uid: str) -> str:
        status, text = grafana.ask(f"/api/dashboards/uid/{uid}", grafana.login)
        return str(json.loads(text)["dashboard"]["title"]) if status == 200 else ""

    grafana.apply(grafana_dashboards={"F": [dashboard("x", "X"), dashboard("y", "Y")]})
    pid = grafana.host.main_pid("grafana.service")
    assert grafana.dashboards() == {"x", "y"}
    grafana.apply(grafana_dashboards={"F": [dashboard("x", "Costs $5"), dashboard("z", "Z")]})
    poll(lambda: title("x") == "Costs $5", 30, "the new title is shown")
    poll(lambda: grafana.dashboards() == {"x", "z"}, 30, "the removed dashboard is gone")
    assert grafana.host.main_pid("grafana.service") == pid
    grafana.apply()
    poll(lambda: grafana.dashboards() == set(), 30, "all are gone")


def test_a_password_of_somebody_else_is_told_and_locks_nobody_out(grafana: Grafana) -> None:
    """The run names the file that is wrong, after one attempt; mended, it converges."""
    old = grafana.password
    change = {"oldPassword": old, "newPassword": "By-hand-1234567", "confirmNew": "By-hand-1234567"}
    assert grafana.ask("/api/user/password", grafana.login, "PUT", change)[0] == 200
    text = " ".join(grafana.refuse().split())
    assert f"the administrator has another password than {PASSWORD}" in text
    assert grafana.lets_in("By-hand-1234567")
    grafana.host.sh(f"printf %s By-hand-1234567 > {PASSWORD}")
    assert grafana.apply()
    assert grafana.lets_in("By-hand-1234567")


def test_a_database_that_is_lost_brings_no_usual_password_back(grafana: Grafana) -> None:
    """Nor is a run needed for that."""
    grafana.host.sh("systemctl stop grafana; rm /var/lib/grafana/grafana.db*")
    grafana.host.sh("systemctl start grafana")
    poll(lambda: grafana.ask("/api/health")[0] == 200, 60, "it is up again")
    assert grafana.lets_in(grafana.password)
    assert not grafana.lets_in("admin")


def test_it_goes_and_comes_again_with_its_data(grafana: Grafana) -> None:
    """Password and key are part of the data; purged, all is gone."""
    password, key = grafana.password, grafana.host.read("/etc/grafana/secrets/secret_key")
    grafana.apply(grafana_state="absent")
    assert not grafana.host.exists("/etc/systemd/system/grafana.service")
    grafana.apply()
    assert (grafana.password, grafana.host.read("/etc/grafana/secrets/secret_key")) == (
        password,
        key,
    )
    assert grafana.lets_in(password)
    grafana.apply(grafana_state="absent", grafana_purge=True)
    assert not grafana.host.exists("/var/lib/grafana") and not grafana.host.exists("/etc/grafana")
