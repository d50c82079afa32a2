# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Alertmanager as the role deploys it: what it holds back, and texts that are refused before they are live."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from hosts.shell import CACHE
from integration.support.alertmanager import Labels, Unsafe, play, proofs, rendered
from integration.support.claims import untouched
from integration.support.products import Product

VERSIONS = {
    name: yaml.safe_load((CACHE / "mirror" / f"{name}.yml").read_text())["alertmanager_version"]
    for name in ("versions", "versions_previous")
}
POST = """
import json, sys, urllib.request
request = urllib.request.Request(sys.argv[1], sys.argv[2].encode(), {"Content-Type": "application/json"})
print(urllib.request.urlopen(request, timeout=10).status)
"""


def post(alertmanager: Product, alerts: list[Labels]) -> None:
    """Post alerts that fire for five minutes."""
    end = (datetime.now(UTC) + timedelta(minutes=5)).isoformat()
    body = json.dumps([{"labels": labels, "endsAt": end} for labels in alerts])
    url = f"http://127.0.0.1:{alertmanager.port}/api/v2/alerts"
    assert alertmanager.host.python(POST, url, body) == 200


@pytest.mark.parametrize("version", VERSIONS.values())
def test_every_inhibition_rule_holds_back_its_pair_and_nothing_else(
    alertmanager: Product, version: str, tmp_path: Path
) -> None:
    """The shipped rules in the running service: another disk, host or tool is not silenced."""
    folder = rendered(tmp_path, {"alertmanager_version": version})
    files = {
        path: (folder / path).read_text()
        for path in ("alertmanager.yml", "templates/barehost.tmpl")
    }
    alertmanager.apply(alertmanager.alertmanager(files, release={"version": version}))
    rules = yaml.safe_load(files["alertmanager.yml"])["inhibit_rules"]
    wanted: dict[str, tuple[str, list[Labels]]] = {}
    for number, proof in enumerate(proofs(rules)):
        post(alertmanager, [proof.source, proof.bare, *(case.labels for case in proof.cases)])
        wanted |= {
            f"rule {number}: {case.what}": (
                json.dumps(case.labels, sort_keys=True),
                [proof.source] if case.held_back else [],
            )
            for case in proof.cases
        }
    said = alertmanager.ask("/api/v2/alerts")
    names = {alert["fingerprint"]: alert["labels"] for alert in said}
    found = {
        json.dumps(alert["labels"], sort_keys=True): [
            names[fingerprint] for fingerprint in alert["status"]["inhibitedBy"]
        ]
        for alert in said
    }
    assert {what: found[labels] for what, (labels, _by) in wanted.items()} == {
        what: by for what, (_labels, by) in wanted.items()
    }


class Role:
    """Deploys Alertmanager on the test host by the role."""

    def __init__(self, alertmanager: Product, folder: Path) -> None:
        self.product, self.folder = alertmanager, folder

    def run(self, **variables: Any) -> Any:
        """Run the role; the variables join those of a deployment with mail, Slack and a webhook."""
        connection = {
            "ansible_connection": "community.docker.docker",
            "ansible_host": self.product.host.container,
            "ansible_python_interpreter": "/usr/bin/python3",
        }
        deployed = {
            "alertmanager_name": self.product.name,
            "alertmanager_version": self.product.version,
            "alertmanager_listen_addresses": [f"127.0.0.1:{self.product.port}"],
            "barehost_mirror": "file:///srv/mirror",
            "alertmanager_global": {"smtp_smarthost": "127.0.0.1:9", "smtp_from": "a@example.com"},
            "alertmanager_email": {"to": "b@example.com"},
            "alertmanager_slack": {"channel": "#a", "api_url": "http://127.0.0.1:9/"},
        }
        return play(self.folder, connection, deployed | variables)


@pytest.fixture
def role(alertmanager: Product, tmp_path: Path) -> Role:
    """Return the role, with Alertmanager deployed by it."""
    role = Role(alertmanager, tmp_path)
    done = role.run()
    assert done.returncode == 0, done.stdout + done.stderr
    return role


def template(content: str) -> dict[str, Any]:
    """Bring a template file of one's own."""
    file = {"path": "templates/own.tmpl", "content": Unsafe(content), "on_change": "reload"}
    return {"alertmanager_extra_files": [file]}


def mail(**texts: str) -> dict[str, Any]:
    """Be told by mail, in words of one's own."""
    own = {key: Unsafe(text) for key, text in texts.items()}
    return {"email_configs": [{"to": "b@example.com", **own}]}


def slack(**texts: str) -> dict[str, Any]:
    """Be told in Slack, in words of one's own."""
    own = {key: Unsafe(text) for key, text in texts.items()}
    return {"slack_configs": [{"channel": "#a", "api_url": "http://127.0.0.1:9/", **own}]}


NONE = '{{ template "nosuch" . }}'
SUBJECT = {"to": "b@example.com", "headers": {"Subject": Unsafe(NONE)}}
PAGER = {"routing_key": "x", "description": Unsafe(NONE)}
NOT_DEFINED = 'template "nosuch" not defined'
NO_FIELD = "can't evaluate field Titel"
# Receivers with a wrong text: where the error says it stands, by which sample, in which words.
TEXTS = {
    "mail": (mail(text=NONE), "mail.email_configs[0].text", "firing", NOT_DEFINED),
    "subject": (
        {"email_configs": [SUBJECT]},
        "subject.email_configs[0].headers.Subject",
        "firing",
        NOT_DEFINED,
    ),
    "page": (mail(html=NONE), "page.email_configs[0].html", "firing", 'no such template "nosuch"'),
    "slack": (slack(title="{{ .Titel }}"), "slack.slack_configs[0].title", "firing", NO_FIELD),
    "end": (
        slack(text='{{ if eq .Status "resolved" }}{{ .Titel }}{{ end }}'),
        "end.slack_configs[0].text",
        "resolved",
        NO_FIELD,
    ),
    "alert": (
        mail(text="{{ range .Alerts.Firing }}{{ .Titel }}{{ end }}"),
        "alert.email_configs[0].text",
        "firing",
        NO_FIELD,
    ),
    "function": (
        mail(text="{{ nosuch . }}"),
        "function.email_configs[0].text",
        "firing",
        'function "nosuch" not defined',
    ),
    "pager": (
        {"pagerduty_configs": [PAGER]},
        "pager.pagerduty_configs[0].description",
        "firing",
        NOT_DEFINED,
    ),
}
RECEIVERS = [{"name": name, **ways} for name, (ways, *_words) in TEXTS.items()]
MAIL = {"smtp_smarthost": "127.0.0.1:9", "smtp_from": "a@example.com", "smtp_auth_username": "a"}
# What else can be wrong, and what the error must say.
WRONG: dict[str, tuple[dict[str, Any], list[str]]] = {
    "every text": (
        {"alertmanager_receivers": RECEIVERS},
        [place for _ways, place, _sample, _words in TEXTS.values()],
    ),
    "a file": (
        template('{{ define "own" }}{{ nosuch . }}{{ end }}'),
        ["own.tmpl:1", 'function "nosuch" not defined'],
    ),
    "a brace in a file": (template('{{ define "own" }}{{ .Status }'), ["own.tmpl:1", "unexpected"]),
    "a field in a file, found where it is used": (
        template('{{ define "own" }}{{ .Titel }}{{ end }}')
        | {"alertmanager_receivers": [{"name": "own", **mail(text='{{ template "own" . }}')}]},
        ["own.email_configs[0].text", "own.tmpl:1", NO_FIELD],
    ),
    "files that are not there": (
        {
            "alertmanager_config_extra": {"templates": ["templates/*.tmpl", "none.tmpl"]},
            "alertmanager_global": MAIL | {"smtp_auth_password_file": "secrets/smtp"},
            "alertmanager_slack": {"channel": "#a", "api_url_file": "secrets/slack"},
            "alertmanager_dead_mans_switch": {"url_file": "secrets/hook"},
        },
        [
            f"{path} is missing"
            for path in ("none.tmpl", "secrets/smtp", "secrets/slack", "secrets/hook")
        ],
    ),
    "a pattern of templates that matches nothing": (
        {"alertmanager_config_extra": {"templates": ["other/*.tmpl"]}},
        ["operators.email_configs[0].text", 'template "barehost.text" not defined'],
    ),
    "a key": (
        {"alertmanager_dead_mans_switch": {"url": "http://127.0.0.1:9/", "titel": "x"}},
        ["field titel not found"],
    ),
}


def told(output: str) -> str:
    """Return the message of a failed run."""
    [message] = re.findall(r" msg: (.*) rolled_back:", output)
    return str(message)


def test_what_is_wrong_is_refused_before_anything_is_replaced(role: Role) -> None:
    """Live files and process stay; the error has the checker's words."""
    with untouched(role.product):
        runs = {what: role.run(**variables) for what, (variables, _words) in WRONG.items()}
    said = {what: re.sub(r"\s+", " ", done.stdout) for what, done in runs.items()}
    for what, (_variables, words) in WRONG.items():
        wanted = ["failed_phase: check", "Nothing was replaced", *words]
        assert [text for text in wanted if text not in said[what]] == [], f"{what}: {said[what]}"
    faults = re.split(r" \d+\. ", told(said["every text"]))
    for name, (_ways, place, sample, words) in TEXTS.items():
        [fault] = [fault for fault in faults if place in fault]
        assert f"samples/{sample}.json" in fault, name
        assert words in fault, name
    # A broken file breaks every rendering: one fault, not one for each text. check-config says it too.
    assert told(said["a file"]).count("template render") == 1
    assert told(said["a file"]).count('function "nosuch" not defined') == 2


def test_good_texts_of_ones_own_are_loaded_without_a_restart(role: Role) -> None:
    pid = role.product.pid
    own = {"to": "b@example.com", "text": Unsafe('{{ template "own" . }}')}
    changed = template('{{ define "own" }}{{ .Status }}{{ end }}') | {"alertmanager_email": own}
    done = role.run(**changed)
    assert "changed=1 " in done.stdout, done.stdout + done.stderr
    config = yaml.safe_load(role.product.ask("/api/v2/status")["config"]["original"])
    assert config["receivers"][0]["email_configs"][0]["text"] == '{{ template "own" . }}'
    assert role.product.pid == pid
    assert "changed=0 " in role.run(**changed).stdout
