# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Dashboards: laid out for Grafana, and refused when it would skip them or freeze a folder."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.barehost.monitoring.plugins.plugin_utils import _grafana_dashboards
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import InputError

SOURCES = [{"name": "Prometheus", "uid": "prometheus", "type": "prometheus"}]
VARIABLE = {"name": "datasource", "type": "datasource", "query": "prometheus"}


def dashboard(uid: str = "a", title: str = "A", **more: Any) -> dict[str, Any]:
    return {"uid": uid, "title": title, "templating": {"list": [VARIABLE]}, "panels": [], **more}


def panel(source: Any) -> dict[str, Any]:
    """A dashboard whose only panel asks a data source."""
    one = {"id": 1, "title": "P", "gridPos": {}, "targets": [{"refId": "A", "datasource": source}]}
    return dashboard(panels=[{"type": "row", "title": "R", "gridPos": {}, "panels": [one]}])


def group(*contents: Any, folder: str = "Team", **more: Any) -> dict[str, Any]:
    files = [f"/d/{number}.json" for number in range(len(contents))]
    return {"folder": folder, "contents": list(contents), "files": files, **more}


def laid_out(*groups: Any, **options: Any) -> dict[str, Any]:
    return _grafana_dashboards.grafana_dashboards(
        list(groups), **{"datasources": SOURCES, **options}
    )


def refused(*groups: Any, **options: Any) -> str:
    with pytest.raises(InputError) as caught:
        laid_out(*groups, **options)
    return str(caught.value)


def test_a_file_goes_out_as_it_is_under_its_uid() -> None:
    text = json.dumps(dashboard(title="$5 {{x}}"), indent=3) + "\n\n"
    found = laid_out(group(text, folder="Team A!"))
    assert found["files"] == [
        {"path": "dashboards/team-a/a.json", "content": text, "on_change": "none"}
    ]
    provider = found["providers"]["providers"][0]
    assert provider["options"]["path"] == "/etc/grafana/dashboards/team-a"
    assert (provider["folder"], provider["folderUid"]) == ("Team A!", "folder-team-a")
    assert (provider["disableDeletion"], provider["allowUiUpdates"]) == (False, False)


def test_data_is_written_as_json() -> None:
    found = laid_out(extra={"F": [dashboard()]}, config="/etc/g")
    assert json.loads(found["files"][0]["content"]) == dashboard()
    assert (
        laid_out(extra={"F": [dashboard()]}, home="a", config="/etc/g")["home"]
        == "/etc/g/dashboards/f/a.json"
    )


def test_a_users_dashboard_takes_the_place_of_a_shipped_one() -> None:
    shipped = group(dashboard("x", "Shipped"), dashboard("y", "Y"), shipped=True, folder="S")
    found = laid_out(shipped, group(dashboard("x", "Mine")))
    assert {file["path"] for file in found["files"]} == {
        "dashboards/s/y.json",
        "dashboards/team/x.json",
    }


@pytest.mark.parametrize(
    ("url", "links"),
    [
        ("", ["${runbooks}/A.md", "${runbooks}/${__data.fields.Alert}.md", "${runbooks}/x"]),
        (
            "https://wiki/<alertname>?a=1",
            ["https://wiki/A?a=1", "https://wiki/${__data.fields.Alert}?a=1", "${runbooks}/x"],
        ),
    ],
)
def test_links_to_runbooks_lead_to_those_in_use(url: str, links: list[str]) -> None:
    """Those of other people's dashboards stay."""
    given = ["${runbooks}/A.md", "${runbooks}/${__data.fields.Alert}.md", "${runbooks}/x"]
    linked = dashboard(links=[{"url": link} for link in given])
    found = laid_out(
        group(linked, shipped=True), group(linked | {"uid": "b", "title": "B"}), runbook_url=url
    )
    shown = [[link["url"] for link in json.loads(f["content"])["links"]] for f in found["files"]]
    assert shown == [links, given]


def test_an_address_of_runbooks_names_the_alert() -> None:
    assert 'runbook_url: "https://wiki" has no <alertname>' in refused(runbook_url="https://wiki")


def test_a_shipped_one_without_its_kind_of_data_source_is_left_out() -> None:
    logs = dashboard("logs", "Logs", templating={"list": [{**VARIABLE, "query": "elasticsearch"}]})
    assert laid_out(group(logs, dashboard(), shipped=True))["uids"] == ["a"]
    assert laid_out(group(logs, shipped=True), elsewhere=["es"])["uids"] == ["logs"]
    assert "offers data sources of the type" in refused(group(logs))


@pytest.mark.parametrize(
    "broken", [{"title": ""}, {"uid": "a b"}, {"panels": [{"datasource": "no"}]}]
)
def test_a_broken_shipped_one_is_refused_all_the_same(broken: dict[str, Any]) -> None:
    assert "/d/0.json" in refused(group(dashboard() | broken, shipped=True))


KNOWN: list[Any] = [
    *["${datasource}", "$datasource", "${datasource:raw}", "prometheus", "Prometheus", None, ""],
    *["-- Mixed --", "-- Grafana --", {"type": "prometheus", "uid": "${datasource}"}],
    *[{"type": "prometheus"}, {"type": "datasource", "uid": "grafana"}, {"type": "grafana"}],
    *["default", "[[datasource]]", "$any", {"type": "__expr__", "uid": "-100"}],
    *[{"uid": "-- Dashboard --"}, {"type": "__expr__", "uid": "__expr__"}, {"uid": "by-hand"}],
]


@pytest.mark.parametrize("source", KNOWN)
def test_a_known_data_source_is_taken(source: Any) -> None:
    board = panel(source)
    board["templating"]["list"] = [VARIABLE, {"name": "any", "type": "custom", "query": "a,b"}]
    assert laid_out(group(board), elsewhere=["by-hand"])["uids"] == ["a"]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("promteheus", 'there is no data source "promteheus"; did you mean "prometheus"?'),
        ({"uid": "PBFA97CFB590B2093"}, "belongs into grafana_datasources_elsewhere"),
        ("${DS_PROM}", '"${DS_PROM}" is no variable of the dashboard'),
        ({"type": "loki"}, 'no data source is of the type "loki"'),
    ],
)
def test_an_unknown_data_source_is_refused_with_file_and_panel(source: Any, message: str) -> None:
    text = refused(group(panel(source)))
    assert text.startswith('/d/0.json: panel "P": ')
    assert message in text


REFUSED: list[tuple[list[Any], str]] = [
    (['{"uid": "a",}'], "/d/0.json: is no JSON: "),
    ([""], "/d/0.json: is no JSON: "),
    (['{"uid": "a", "title": "A", "x": NaN}'], "/d/0.json: is no JSON: NaN is no number"),
    (["[" * 100000], "/d/0.json: is no JSON: it is nested too deep"),
    (
        [{"apiVersion": "dashboard.grafana.app/v2beta1", "kind": "Dashboard", "spec": {}}],
        "/d/0.json: is in the new form (V2); export it as Classic",
    ),
    ([{"title": "A", "elements": {}, "layout": {}}], "/d/0.json: is in the new form (V2)"),
    ([dashboard(), dashboard("b", " A ")], '/d/1.json: its title " A " is that of /d/0.json too'),
    (["[]"], "/d/0.json: holds a list, not a dashboard"),
    ([{"dashboard": dashboard()}], "/d/0.json: is wrapped as the API answers"),
    ([dashboard(title=" ")], "/d/0.json: has no title"),
    ([{"title": "A"}], "/d/0.json: its uid is null; give it one"),
    ([dashboard(uid="x" * 41)], "/d/0.json: its uid is"),
    ([dashboard(__inputs=[{"name": "DS_X"}])], "/d/0.json: was exported for sharing"),
    ([dashboard(), dashboard(title="B")], '/d/1.json: its uid "a" is that of /d/0.json too'),
    ([dashboard(), dashboard("b", "a")], '/d/1.json: its title "a" is that of /d/0.json too'),
    (
        [dashboard(title="team")],
        '/d/0.json: its title "team" is its folder\'s, which Grafana refuses',
    ),
    ([dashboard(uid="folder-team")], '/d/0.json: its uid "folder-team" is that of a folder, too'),
]


@pytest.mark.parametrize(("contents", "message"), REFUSED)
def test_what_grafana_would_skip_is_refused(contents: list[Any], message: str) -> None:
    assert message in refused(group(*contents))


def test_folders_and_directories_must_make_sense() -> None:
    assert "has no letter or digit" in refused(group(dashboard(), folder="!"))
    assert 'its folder "TEAM" would lie in the directory of "Team"' in refused(
        group(dashboard()), group(dashboard("b"), folder="TEAM")
    )
    assert "Grafana keeps the name General for itself" in refused(
        group(dashboard(), folder="general")
    )
    assert "no such directory, or no *.json" in refused(group(directory="/nowhere"))
    assert 'did you mean "a"' not in refused(group(dashboard()), home="zzz")
    assert "home: no dashboard has the uid" in refused(group(dashboard()), home="zzz")
    assert "extra.F: " in refused(extra={"F": 1})


@pytest.mark.parametrize(
    "folders",
    [("Größe", "Gräße"), ("監視", "運用"), ("x" * 40 + "a", "x" * 40 + "b"), ("Zähler", "Z hler")],
)
def test_folders_of_any_script_and_length_are_told_apart(folders: tuple[str, str]) -> None:
    one, other = folders
    found = laid_out(group(dashboard(), folder=one), group(dashboard("b"), folder=other))
    providers = found["providers"]["providers"]
    for key in ("name", "folderUid"):
        assert len({each[key] for each in providers}) == 2
    for each in providers:
        assert _grafana_dashboards.UID.fullmatch(each["folderUid"])
        assert each["options"]["path"].isascii()


def test_one_title_may_stand_in_two_folders() -> None:
    assert laid_out(group(dashboard()), group(dashboard("b"), folder="Other"))["uids"] == ["a", "b"]
