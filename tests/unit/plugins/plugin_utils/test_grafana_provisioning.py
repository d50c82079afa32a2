# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Data sources: made of targets, written for Grafana, refused when it would not take them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.barehost.monitoring.plugins.plugin_utils import (
    _grafana_datasources,
    _grafana_probes,
    _grafana_provisioning,
    _grafana_references,
    _grafana_secrets,
)
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import InputError

sys.path.insert(0, str(Path(__file__).parents[3] / "standins" / "grafana"))
from standin import documents  # noqa: E402  (expands as a real Grafana was seen to)

SOURCE: dict[str, Any] = {"name": "P", "uid": "p", "type": "prometheus", "url": "http://a:9090"}
DOLLARS = [
    "$HOME",
    "${HOME}",
    "a$",
    "$$",
    "pa$$w$rd",
    "$__env{HOME} x",
    "x$__file{/etc/passwd}",
    "$(",
]


def targets(*hosts: str) -> list[dict[str, Any]]:
    return [{"targets": [f"{host}:9090"], "labels": {"host": host}} for host in hosts]


def test_each_host_is_a_data_source_and_the_first_never_changes() -> None:
    one = _grafana_datasources.grafana_datasources(targets("a"), kind_="prometheus")
    two = _grafana_datasources.grafana_datasources(targets("a", "db-1.x"), kind_="prometheus")
    assert two[0] == one[0]
    assert [(s["uid"], s["name"], s["isDefault"]) for s in two] == [
        ("prometheus", "Prometheus", True),
        ("prometheus_db_1_x", "Prometheus db-1.x", False),
    ]


def test_uids_fit_and_settings_join() -> None:
    name = "x" * 60
    settings = {"jsonData": {"timeInterval": "1m"}, "basicAuth": True}
    found = _grafana_datasources.grafana_datasources(
        targets("a", name, name + "y"), kind_="prometheus", scheme="https", settings=settings
    )
    assert len({s["uid"] for s in found}) == 3
    assert all(_grafana_provisioning.UID.fullmatch(s["uid"]) for s in found)
    assert found[0]["url"] == "https://a:9090"
    assert found[0]["jsonData"]["timeInterval"] == "1m"
    assert found[0]["jsonData"]["httpMethod"] == "POST"


def test_the_indices_are_named_where_each_grafana_looks_for_them() -> None:
    settings = {"jsonData": {"index": "mine-*"}}
    for given, index in ({}, "logs-*"), (settings, "mine-*"):
        (found,) = _grafana_datasources.grafana_datasources(
            targets("a"), kind_="elasticsearch", settings=given
        )
        assert found["database"] == found["jsonData"]["index"] == index
    (other,) = _grafana_datasources.grafana_datasources(targets("a"), kind_="prometheus")
    assert "database" not in other


@pytest.mark.parametrize(
    ("given", "options", "message"),
    [
        ("x", {}, "targets: "),
        ([{"targets": ["a:1"]}], {}, "targets[0]: "),
        ([], {"kind_": "graphite"}, 'type: "graphite" is none of prometheus'),
        ([], {"scheme": "ftp"}, 'scheme: "ftp" is neither'),
        ([], {"settings": []}, "settings: [] is a list"),
        ([], {"settings": {"jsonData": 1}}, "settings.jsonData: 1 is no dictionary"),
    ],
)
def test_what_is_no_target_is_refused(given: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        _grafana_datasources.grafana_datasources(given, **{"kind_": "prometheus", **options})
    assert message in str(caught.value)


def sources(*given: dict[str, Any], **options: Any) -> Any:
    return _grafana_provisioning.grafana_provisioning(list(given), **options)


def test_what_has_a_secret_is_kept_apart() -> None:
    secret = SOURCE | {"name": "S", "uid": "s", "secureJsonData": {"basicAuthPassword": "x"}}
    files = sources(SOURCE, secret)
    assert [s["name"] for s in files["open"][_grafana_provisioning.OPEN]["datasources"]] == ["P"]
    assert [s["name"] for s in files["secret"][_grafana_provisioning.SECRET]["datasources"]] == [
        "S"
    ]
    assert sources(SOURCE)["secret"][_grafana_provisioning.SECRET] is None


@pytest.mark.parametrize("value", DOLLARS)
def test_a_dollar_arrives(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "expanded")
    files = sources(SOURCE | {"secureJsonData": {"password": value}, "jsonData": {"a": [value]}})
    written = files["secret"][_grafana_provisioning.SECRET]["datasources"][0]
    read = documents.interpolated(written)
    assert (read["secureJsonData"]["password"], read["jsonData"]["a"]) == (value, [value])


def test_an_expression_stays_one() -> None:
    files = sources(SOURCE | {"secureJsonData": {"password": "$__file{/etc/x}"}})
    written = files["secret"][_grafana_provisioning.SECRET]["datasources"][0]
    assert written["secureJsonData"]["password"] == "$__file{/etc/x}"


REFUSED: list[tuple[list[Any], dict[str, Any], str]] = [
    ([1], {}, "datasources[0]: 1 is a number, not a dictionary"),
    ([{}], {}, "datasources[0]: has no name"),
    ([{**SOURCE, "uid": "a b"}], {}, 'datasources[0].uid: "a b" is no uid'),
    ([{**SOURCE, "uid": "a" * 41}], {}, "datasources[0].uid"),
    ([{k: v for k, v in SOURCE.items() if k != "url"}], {}, "datasources[0]: has no url"),
    (
        [{**SOURCE, "isdefault": True}],
        {},
        'no such key and would ignore it; did you mean "isDefault"?',
    ),
    ([{**SOURCE, "isDefault": "yes"}], {}, 'isDefault: "yes" is a string, not a boolean'),
    (
        [{**SOURCE, "password": "hidden"}],
        {},
        "datasources[0].password: belongs into secureJsonData",
    ),
    ([{**SOURCE, "secureJsonData": {"password": ""}}], {}, "secureJsonData.password: is empty"),
    ([SOURCE, {**SOURCE, "name": "Q"}], {}, 'datasources: 2 data sources have the uid "p"'),
    ([SOURCE, {**SOURCE, "uid": "q"}], {}, 'datasources: 2 data sources have the name "P"'),
    (
        [SOURCE | {"isDefault": True}, SOURCE | {"isDefault": True, "uid": "q", "name": "Q"}],
        {},
        "datasources: 2 data sources of the organisation 1 are the default; one may be",
    ),
    ([SOURCE], {"absent": ["P"]}, 'absent: "P" is a data source that shall be there'),
    ([{**SOURCE, "orgId": True}], {}, "datasources[0].orgId: true is a boolean, not a number"),
    ([SOURCE], {"absent": "P"}, 'absent: "P" is no list of names'),
    (
        [SOURCE | {"secureJsonData": {"password": "$__file{/etc/grafana/secrets/x}"}}],
        {"secrets": [{"path": "secrets/x", "content": "a$b"}]},
        "datasources.p.secureJsonData.password: the secret in this file holds a $",
    ),
    ([SOURCE | {"url": "http://u:hidden@a"}], {}, "datasources[0].url: holds a password"),
    ([SOURCE | {"url": "a:9090"}], {}, 'datasources[0].url: "a:9090" is no address of a web'),
    ([SOURCE | {"url": "http://[::1"}], {}, 'datasources[0].url: "http://[::1" is no address'),
    (
        [SOURCE | {"jsonData": {"httpHeaderValue1": "hidden"}}],
        {},
        "datasources[0].jsonData.httpHeaderValue1: belongs into secureJsonData",
    ),
    (
        [SOURCE | {"jsonData": {"basicAuthPassword": "hidden"}}],
        {},
        "datasources[0].jsonData.basicAuthPassword: belongs into secureJsonData",
    ),
    ([], {"alerting": {"contactpoints": []}}, "alerting.contactpoints: Grafana knows no such key"),
]


@pytest.mark.parametrize(("given", "options", "message"), REFUSED)
def test_what_grafana_would_not_take_is_refused(
    given: list[Any], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError) as caught:
        _grafana_provisioning.grafana_provisioning(given, **options)
    assert message in str(caught.value)
    assert "hidden" not in str(caught.value)


def test_contact_points_are_escaped_and_rules_are_not() -> None:
    given = {"contactPoints": [{"name": "a$b"}], "groups": [{"annotations": {"x": "{{ $value }}"}}]}
    written = sources(alerting=given)["secret"][_grafana_provisioning.ALERTING]
    assert written["contactPoints"] == [{"name": "a$$b"}]
    assert written["groups"] == given["groups"]


def test_message_templates_and_mute_times_are_not_escaped() -> None:
    """Grafana takes them as they are, and in templates a $ begins each variable."""
    given = {
        "templates": [{"name": "t", "template": "{{ range $k, $v := .Labels }}{{ end }}"}],
        "muteTimes": [{"orgId": 1, "name": "a$b"}],
    }
    written = sources(alerting=given)["secret"][_grafana_provisioning.ALERTING]
    assert {key: written[key] for key in given} == given


def test_what_goes_is_deleted_before_anything_is_read() -> None:
    """A renamed source keeps its uid, which is free only when the old name is gone.

    Grafana reads file by file, in the order of their names.
    """
    renamed = SOURCE | {"name": "New", "secureJsonData": {"basicAuthPassword": "x"}}
    files = sources(renamed, absent=["Old $"])
    documents_ = {**files["open"], **files["secret"]}
    first = documents_[min(path for path, data in documents_.items() if "datasources/" in path)]
    assert first["deleteDatasources"] == [{"name": "Old $$", "orgId": 1}]


# -- secrets ----------------------------------------------------------------------


def test_the_host_makes_what_is_not_given() -> None:
    password, key = _grafana_secrets.grafana_secrets({"admin_password": None})
    assert password["generate"]["length"] >= 20 and password["on_change"] == "none"
    assert key["generate"]["length"] >= 20 and key["on_change"] == "refuse"


def test_what_is_given_is_taken() -> None:
    given = {
        "admin_password": "Correct-horse",
        "secret_key": "k" + "abcde" * 4,
        "database_password": "x",
    }
    assert [s["content"] for s in _grafana_secrets.grafana_secrets(given)] == list(given.values())


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("admin_password", "", "admin_password: is empty"),
        ("admin_password", "   ", "admin_password: is empty"),
        ("admin_password", "Secret-1234", "admin_password: is too weak"),
        ("admin_password", "aaaaaaaaaaaaaaaa", "admin_password: is too weak"),
        ("admin_password", "admin", "admin_password: is known to everybody"),
        ("admin_password", "administrator", "admin_password: is known to everybody"),
        ("admin_password", "Secret-1234567\n", "admin_password: holds a line break"),
        ("admin_password", 123456789012, "admin_password: is a number, not a string"),
        ("secret_key", "SW2YcwTIb9zpOOhoPsMm", "secret_key: is known to everybody"),
        ("secret_key", "Secret-%(x)s-12345", "secret_key: holds %("),
        ("database_password", "", "database_password: is empty"),
    ],
)
def test_a_weak_secret_is_refused_unseen(name: str, value: Any, message: str) -> None:
    with pytest.raises(InputError) as caught:
        _grafana_secrets.grafana_secrets({name: value}, user="administrator")
    assert message in str(caught.value)
    assert "Secret" not in str(caught.value) and "12345" not in str(caught.value)


@pytest.mark.parametrize("password", ["Secret 1", "Secret\\1", "'Secret"])
def test_what_grafana_would_pass_on_in_pieces_is_refused_for_postgresql(password: str) -> None:
    given = {"database_password": password}
    assert _grafana_secrets.grafana_secrets(given)[-1]["content"] == password
    with pytest.raises(InputError, match="database_password: holds a blank, a backsl") as caught:
        _grafana_secrets.grafana_secrets(given, database="postgres")
    assert "Secret" not in str(caught.value)


def test_all_else_reaches_postgresql() -> None:
    given = {"database_password": "a'\"$HOME${x}%40#;:=&@/?"}
    found = _grafana_secrets.grafana_secrets(given, database="postgres")
    assert found[-1] == {"path": "secrets/database_password", "content": given["database_password"]}


def test_a_name_with_a_colon_could_not_log_in() -> None:
    with pytest.raises(InputError, match="admin_user"):
        _grafana_secrets.grafana_secrets({}, user="a:b")


# -- files, probes -----------------------------------------------------------------


def test_every_file_that_grafana_reads_is_named() -> None:
    config = {
        "smtp": {"password": "$__file{/a}", "user": "x"},
        "server": {"cert_file": "/c", "cert_key": "/k", "protocol": "https"},
        "auth.ldap": {"config_file": "/etc/grafana/ldap.toml"},
        "database": {"ca_cert_path": "relative"},
    }
    source = {"secureJsonData": {"a": "$__file{/b}", "b": "x $__file{/a}"}}
    found = _grafana_references.grafana_references([config, [source]])
    assert found == ["/a", "/c", "/k", "/etc/grafana/ldap.toml", "/b"]


def test_each_data_source_and_dashboard_is_asked_for() -> None:
    found = _grafana_probes.grafana_probes(
        [SOURCE, {"uid": "x", "type": "other"}],
        url="http://h:1/sub/",
        dashboards=["d"],
        host="g.org",
    )
    assert [p["url"].removeprefix("http://h:1/sub/api/") for p in found] == [
        "health",
        "user",
        "datasources/proxy/uid/p/api/v1/query?query=vector(1)",
        "datasources/uid/x",
        "dashboards/uid/d",
    ]
    assert all((p["final"], p["headers"]) == ([401], {"Host": "g.org"}) for p in found)
    quiet = _grafana_probes.grafana_probes([SOURCE], url="http://h:1", answering=False)
    assert quiet[-1]["url"] == "http://h:1/api/datasources/uid/p"


def test_who_does_not_get_in_is_told_with_name_and_file() -> None:
    """The name counts only when the database is made: a new one lets nobody in."""
    probes = _grafana_probes.grafana_probes([], url="http://h:1", password="/p", user="ops")
    assert "another password than /p" in probes[1]["hint"]
    assert "another name than ops" in probes[1]["hint"]
