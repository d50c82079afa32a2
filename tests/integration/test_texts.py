# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What notifications say, rendered by both versions of amtool on a test host."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote

import pytest
import yaml

from hosts.shell import CACHE
from integration.support.alertmanager import PROJECT
from integration.support.host import Host

FILES = PROJECT / "roles/alertmanager/files"
FOLDER = "/srv/texts"
VERSIONS = [
    yaml.safe_load((CACHE / "mirror" / f"{name}.yml").read_text())["alertmanager_version"]
    for name in ("versions", "versions_previous")
]


class Amtool:
    """Renders the shipped templates on the host."""

    def __init__(self, host: Host, version: str) -> None:
        self.host, self.program = host, f"{FOLDER}/{version}/amtool"
        release = f"/srv/mirror/prometheus/alertmanager/releases/download/v{version}"
        host.put({f"{FOLDER}/barehost.tmpl": (FILES / "templates/barehost.tmpl").read_bytes()})
        host.sh(
            f"mkdir -p {FOLDER}/{version}; tar -C {FOLDER}/{version} -xzf {release}/*.tar.gz"
            " --strip-components=1 --wildcards '*/amtool'"
        )

    def render(self, name: str, data: dict[str, Any]) -> str:
        """Render one template with a notification."""
        self.host.put({f"{FOLDER}/data.json": json.dumps(data).encode()})
        command = [self.program, "template", "render", f"--template.glob={FOLDER}/*.tmpl"]
        command += [f"--template.data={FOLDER}/data.json"]
        text = f'{{{{ template "barehost.{name}" . }}}}'
        return self.host.run(*command, f"--template.text={text}").stdout


@pytest.fixture(params=VERSIONS)
def amtool(host: Host, request: pytest.FixtureRequest) -> Amtool:
    """Return the amtool of a version."""
    return Amtool(host, request.param)


def sample(name: str) -> dict[str, Any]:
    """Read a notification that the role brings."""
    found: dict[str, Any] = json.loads((FILES / f"samples/{name}.json").read_text())
    return found


def notification(*alerts: dict[str, str]) -> dict[str, Any]:
    """Make a notification about alerts that fire, of their labels."""
    common = dict(set.intersection(*(set(labels.items()) for labels in alerts)))
    return sample("firing") | {
        "alerts": [
            {
                "status": "firing",
                "labels": labels,
                "annotations": {},
                "startsAt": "2026-01-05T03:12:00Z",
            }
            for labels in alerts
        ],
        "commonLabels": common,
        "groupLabels": common,
    }


FIRING = """\
Alert: Low disk space on app1
Description: 4.2% of /dev/vda1 is available, less than 10%
Status: firing, critical, since Mon 5 Jan 03:12 UTC
Runbook: https://runbooks.example.com/DiskSpaceLow
Labels: device=/dev/vda1, host=app1, instance=app1:9100, job=node-exporter
Source: http://monitor:9090/graph?g0.expr=x

Alert: DiskSpaceLow
Status: resolved, since Mon 5 Jan 02:00 UTC, until Mon 5 Jan 03:00 UTC (1h0m30s)
Labels: instance=app1:9100

Silence: http://monitor:9093/#/silences/new?filter=%7Balertname%3D%22DiskSpaceLow%22%2C%20instance%3D%22app1%3A9100%22%7D
All alerts: http://monitor:9093/#/alerts?receiver=operators
"""
RESOLVED = """\
Alert: High error rate of ai-assistant
Description: 12% of the requests of the last 5 minutes failed, more than 10%
Status: resolved, warning, since Mon 5 Jan 03:12 UTC, until Mon 5 Jan 03:40 UTC (28m10s)
Runbook: https://runbooks.example.com/HighErrorRate
Labels: job=ai-assistant
Source: http://monitor:9090/graph?g0.expr=x

All alerts: http://monitor:9093/#/alerts?receiver=operators
"""


@pytest.mark.parametrize(("name", "text"), [("firing", FIRING), ("resolved", RESOLVED)])
def test_a_mail_reads_as_documented(amtool: Amtool, name: str, text: str) -> None:
    assert amtool.render("text", sample(name)) == text


# Labels of the alerts in a notification, and its title.
TITLES = [
    (
        [{"alertname": "A", "severity": "critical", "host": "h", "instance": "h:1"}],
        "FIRING:1 critical A on h",
    ),
    ([{"alertname": "A", "severity": "info", "instance": "h:1"}], "FIRING:1 info A on h:1"),
    ([{"alertname": "A", "severity": "page", "job": "app"}], "FIRING:1 page A of app"),
    ([{"alertname": "A"}], "FIRING:1 A"),
    (
        [{"alertname": "A", "severity": s} for s in ("critical", "warning", "info")],
        "FIRING:3 critical A",
    ),
    ([{"alertname": "A", "severity": s} for s in ("warning", "info")], "FIRING:2 warning A"),
    (
        [{"alertname": a, "severity": "warning", "job": "app"} for a in ("A", "B")],
        "FIRING:2 warning 2 alerts of app",
    ),
    ([{"alertname": "A", "host": h, "job": "app"} for h in ("h", "i")], "FIRING:2 A of app"),
]


@pytest.mark.parametrize(("alerts", "title"), TITLES)
def test_a_title_names_the_gravest_and_the_host(
    amtool: Amtool, alerts: list[dict[str, str]], title: str
) -> None:
    assert amtool.render("subject", notification(*alerts)) == title


def test_a_title_does_not_count_what_is_over(amtool: Amtool) -> None:
    """A disk that was nearly full and is only rather full is no emergency any more."""
    found = notification(*({"alertname": "A", "severity": s} for s in ("critical", "warning")))
    found["alerts"][0] |= {"status": "resolved", "endsAt": "2026-01-05T03:40:00Z"}
    assert amtool.render("subject", found) == "FIRING:1 warning A"


def test_the_end_is_in_the_title(amtool: Amtool) -> None:
    assert amtool.render("subject", sample("resolved")) == (
        "RESOLVED:1 warning HighErrorRate of ai-assistant"
    )


@pytest.mark.parametrize(("name", "mark"), [("text", "Alert: "), ("slack.text", "*A*")])
@pytest.mark.parametrize(("count", "shown", "said"), [(10, 10, 0), (11, 10, 1)])
def test_ten_alerts_are_enough_for_a_phone(
    amtool: Amtool, name: str, mark: str, count: int, shown: int, said: int
) -> None:
    text = amtool.render(
        name, notification(*({"alertname": "A", "x": str(n)} for n in range(count)))
    )
    assert (text.count(mark), text.count(f"Ten of {count} are shown.")) == (shown, said)


def test_the_form_for_a_silence_is_given_any_label(amtool: Amtool) -> None:
    labels = {"alertname": "A", "path": 'C:\\a "b" + ü&c%20', "z": "{}"}
    address = amtool.render("silence", notification(labels))
    assert " " not in address and '"' not in address
    assert unquote(address.partition("filter=")[2]) == (
        r'{alertname="A", path="C:\\a \"b\" + ü&c%20", z="{}"}'
    )


def test_slack_takes_no_text_for_markup(amtool: Amtool) -> None:
    data = notification({"alertname": "A"})
    data["alerts"][0]["annotations"] = {"summary": "<!channel> & <b>", "description": "a > b"}
    first, second = amtool.render("slack.text", data).splitlines()[:2]
    assert (first, second) == ("*&lt;!channel&gt; &amp; &lt;b&gt;*", "a &gt; b")
