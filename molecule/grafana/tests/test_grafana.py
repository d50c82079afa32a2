# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Grafana, asked over HTTP: who gets in, what it shows, what it keeps to itself."""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

CHECKOUT = Path(__file__).parents[3]
SHIPPED = sorted((CHECKOUT / "roles/grafana/files/dashboards").glob("*.json"))
OWN = {"own-dashboard": "folder-own-dashboards", "team-a": "folder-team-a"}
GIVEN = 'planted-%40"$HOME\\x'
PASSWORD = "/etc/grafana/secrets/admin_password"

Get = Callable[..., Any]


@pytest.fixture
def url(host: Any) -> str:
    """Return the address on the host; on one of them there is a path in it."""
    path = "/grafana" if "trixie" in host.check_output("hostname") else ""
    return f"http://127.0.0.1:3000{path}"


@pytest.fixture
def login(host: Any) -> str:
    """Return the administrator's name and password, as root reads it."""
    return f"admin:{host.check_output('cat %s', PASSWORD)}"


@pytest.fixture
def get(ask: Any, url: str, login: str) -> Get:
    """Ask as the administrator."""
    return lambda path: ask.json(url + path, user=login)


def uids(host: Any) -> dict[str, str]:
    """Return uid and type of what the inventory names."""
    second = host.check_output("hostname").replace("bookworm", "trixie").replace("-", "_")
    found = {"locked": "prometheus"}
    for kind in ("prometheus", "alertmanager"):
        found |= {kind: kind, f"{kind}_{second}": kind}
    return found


def test_the_password_opens_and_nothing_else_does(ask: Any, url: str, login: str) -> None:
    status, text = ask.answer(f"{url}/api/user", user=login)
    assert status == 200, text
    assert json.loads(text)["isGrafanaAdmin"] is True
    assert ask.answer(f"{url}/api/user", user="admin:admin")[0] == 401


def test_people_log_in_on_the_page(ask: Any, url: str, login: str) -> None:
    assert ask.answer(f"{url}/login")[0] == 200
    name, _colon, password = login.partition(":")
    status, text = ask.answer(f"{url}/login", body={"user": name, "password": password})
    assert (status, json.loads(text)["message"]) == (200, "Logged in")


@pytest.mark.parametrize("path", ["/api/search", "/api/org", "/api/datasources", "/api/user"])
def test_nobody_looks_in_unnamed(ask: Any, url: str, path: str) -> None:
    assert ask.answer(url + path)[0] == 401


def test_nobody_signs_up(ask: Any, url: str) -> None:
    status, _text = ask.answer(f"{url}/api/user/signup", body={"email": "a@example.com"})
    assert status in (401, 403, 404)


def test_strangers_are_not_told_the_version(ask: Any, url: str) -> None:
    assert "version" not in json.loads(ask.text(f"{url}/api/health"))


def test_the_secrets_lie_with_root_and_grafana_alone(host: Any) -> None:
    modes = {
        PASSWORD: "640 root:grafana",
        "/etc/grafana/secrets/secret_key": "640 root:grafana",
        "/etc/grafana/secrets/smtp": "640 root:grafana",
        "/etc/grafana/provisioning/datasources/barehost-secret.yaml": "640 root:grafana",
        "/var/lib/grafana": "750 grafana:grafana",
    }
    found = {path: host.check_output("stat -c '%%a %%U:%%G' %s", path) for path in modes}
    assert found == modes


def test_a_password_is_made_or_taken(host: Any) -> None:
    made = host.file(PASSWORD).content_string
    if "trixie" in host.check_output("hostname"):
        assert made == GIVEN
    else:
        assert len(made) >= 20 and made.isalnum()


def test_data_sources_follow_from_the_inventory(host: Any, get: Get) -> None:
    found = {source["uid"]: source["type"] for source in get("/api/datasources")}
    assert found == uids(host)
    assert all(source["readOnly"] for source in get("/api/datasources"))


def test_each_data_source_answers(host: Any, get: Get) -> None:
    for uid, kind in uids(host).items():
        proxied = f"/api/datasources/proxy/uid/{uid}"
        if kind == "prometheus":
            assert get(f"{proxied}/api/v1/query?query=vector(1)")["resultType"] == "vector"
        else:
            assert "versionInfo" in get(f"{proxied}/api/v2/status")


def test_the_pages_of_alertmanager_work(get: Get) -> None:
    assert "versionInfo" in get("/api/alertmanager/alertmanager/api/v2/status")


def test_nothing_else_of_the_network_is_reached(ask: Any, url: str, login: str, host: Any) -> None:
    """A data source that somebody adds by hand leads nowhere."""
    other = {"name": "x", "uid": "x", "type": "prometheus", "access": "proxy"}
    other["url"] = "http://127.0.0.1:22"
    ask.answer(f"{url}/api/datasources", body=other, user=login)
    status, text = ask.answer(f"{url}/api/datasources/proxy/uid/x/api/v1/query", user=login)
    script = (
        "import sys, base64, urllib.request as u;"
        "r = u.Request(sys.argv[1], method='DELETE');"
        "r.add_header('Authorization', 'Basic ' + base64.b64encode(sys.argv[2].encode()).decode());"
        "u.urlopen(r)"
    )
    host.check_output("python3 -c %s %s %s", script, f"{url}/api/datasources/uid/x", login)
    assert status == 403, text


def test_each_dashboard_is_there_and_read_only(get: Get, eventually: Any) -> None:
    known = {json.loads(path.read_text())["uid"]: "folder-barehost" for path in SHIPPED} | OWN
    found = {d["uid"]: d.get("folderUid") for d in get("/api/search?type=dash-db")}
    # One about a kind of data source that is not there is left out.
    without = {
        json.loads(path.read_text())["uid"]
        for path in SHIPPED
        if '"query": "elasticsearch"' in path.read_text()
    }
    assert found == {uid: folder for uid, folder in known.items() if uid not in without}
    for uid in found:
        assert get(f"/api/dashboards/uid/{uid}")["meta"]["provisioned"] is True


def test_a_dashboard_arrives_as_it_was_written(get: Get) -> None:
    """No dollar is taken for a variable."""
    written = json.loads((CHECKOUT / "molecule/grafana/dashboards/own.json").read_text())
    shown = get("/api/dashboards/uid/own-dashboard")["dashboard"]
    assert shown["title"] == written["title"]
    legends = [d["panels"][0]["targets"][0]["legendFormat"] for d in (shown, written)]
    assert legends[0] == legends[1]


def test_a_panel_has_data(get: Get, eventually: Any) -> None:
    panel = get("/api/dashboards/uid/own-dashboard")["dashboard"]["panels"][0]
    query = urllib.parse.quote(panel["targets"][0]["expr"])
    path = f"/api/datasources/proxy/uid/prometheus/api/v1/query?query={query}"
    assert eventually(lambda: len(get(path)["result"]) == 2)


def test_provisioned_dashboards_are_not_saved_over(ask: Any, url: str, login: str) -> None:
    changed = {"dashboard": {"uid": "team-a", "title": "Mine"}, "overwrite": True}
    changed["folderUid"] = "folder-team-a"
    status, text = ask.answer(f"{url}/api/dashboards/db", body=changed, user=login)
    assert (status, json.loads(text)["message"]) == (400, "Cannot save provisioned dashboard")


def test_contact_points_are_there_when_asked_for(get: Get) -> None:
    ours = [p for p in get("/api/v1/provisioning/contact-points") if p["name"] == "ops"]
    assert [p["type"] for p in ours] == ["webhook"]


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("users", "allow_sign_up", "false"),
        ("auth.anonymous", "enabled", "false"),
        ("analytics", "reporting_enabled", "false"),
        ("analytics", "check_for_updates", "false"),
        ("analytics", "check_for_plugin_updates", "false"),
        ("news", "news_feed_enabled", "false"),
        ("snapshots", "external_enabled", "false"),
        ("security", "disable_gravatar", "true"),
        ("plugins", "plugin_admin_enabled", "false"),
        ("plugins", "preinstall_disabled", "true"),
        ("database", "wal", "true"),
        ("smtp", "user", 'a#b;c "d"'),
        ("paths", "data", "/var/lib/grafana"),
    ],
)
def test_settings_as_grafana_read_them(get: Get, section: str, key: str, value: str) -> None:
    assert get("/api/admin/settings")[section][key] == value


def test_it_runs_the_wanted_release(host: Any) -> None:
    pid = host.check_output("systemctl show -p MainPID --value grafana")
    arguments = host.check_output("tr '\\0' ' ' </proc/%s/cmdline", pid)
    assert "/opt/grafana/current/bin/grafana server " in arguments


def test_the_unit_is_sealed(exposure: Any) -> None:
    assert exposure("grafana") <= 2.0


def test_the_journal_has_no_word_about_provisioning(host: Any) -> None:
    invocation = host.check_output("systemctl show -p InvocationID --value grafana")
    journal = host.check_output(
        "journalctl --no-pager --output=cat _SYSTEMD_INVOCATION_ID=%s", invocation
    )
    bad = [line for line in journal.splitlines() if "level=error" in line or "level=warn" in line]
    # Before 11 there was a folder for another way of alerting.
    about = [line for line in bad if line.startswith("logger=provisioning")]
    assert [line for line in about if "/notifiers" not in line] == []


def test_no_secret_is_found_anywhere_else(host: Any) -> None:
    places = {
        "arguments and environment": "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null",
        "systemctl show": "systemctl show grafana; systemctl cat grafana",
        "journal": "journalctl --no-pager",
        "readable files": "find / -xdev -type f -perm -o=r -size -9M -newer /etc/machine-id"
        " -not -path '/proc/*' -not -path '/sys/*' -exec cat {} +",
        "the store": "cat /var/lib/barehost/grafana/*.json",
        "settings": "cat /etc/grafana/grafana.ini /etc/grafana/provisioning/d*/barehost.yaml",
    }
    # Neither of the two stands in the command that looks for it.
    secrets = {"the password": f"-F -f {PASSWORD}", "planted": "'planted[-]'"}
    found = [
        (place, secret)
        for place, command in places.items()
        for secret, pattern in secrets.items()
        if host.run(f"({command}) | tr '\\0' '\\n' | grep -a {pattern}").stdout
    ]
    assert found == []
