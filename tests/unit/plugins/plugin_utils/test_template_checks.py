# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every text that a receiver renders is found once, and rendered with every sample."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import InputError
from ansible_collections.barehost.monitoring.plugins.plugin_utils._template_checks import (
    template_checks,
)

SAMPLES = ["samples/a.json"]


def texts(receivers: list[dict[str, Any]]) -> list[str]:
    """Return what is rendered."""
    words = [check["argv"][-1] for check in template_checks(receivers, samples=SAMPLES)]
    return [word.removeprefix("--template.text=") for word in words]


def test_templates_are_found_at_any_depth_once_and_in_order() -> None:
    receivers = [
        {"name": "a", "email_configs": [{"headers": {"Subject": "{{ .B }}"}, "text": "{{ .A }}"}]},
        {"name": "b", "slack_configs": [{"title": "{{ .B }}", "fields": [{"value": "{{ .C }}"}]}]},
    ]
    assert texts(receivers) == [
        "{{/* a.email_configs[0].headers.Subject, b.slack_configs[0].title */}}{{ .B }}",
        "{{/* a.email_configs[0].text */}}{{ .A }}",
        "{{/* b.slack_configs[0].fields[0].value */}}{{ .C }}",
    ]


def test_a_page_is_judged_as_one_even_where_a_text_is_the_same() -> None:
    found = template_checks([{"name": "a", "text": "{{ . }}", "html": "{{ . }}"}], samples=SAMPLES)
    assert ["--template.type=html" in check["argv"] for check in found] == [False, True]


def test_plain_texts_are_none() -> None:
    assert texts([{"name": "a", "x_configs": [{"url": "{x}", "n": None, "max_alerts": 1}]}]) == []


def test_a_name_cannot_end_the_remark() -> None:
    assert texts([{"name": "*/}}", "text": "{{ . }}"}]) == ["{{/* * /}}.text */}}{{ . }}"]


def test_the_command_renders_with_each_sample_and_all_templates() -> None:
    found = template_checks(
        [{"name": "a", "html": "{{ . }}"}],
        templates=["templates/*.tmpl", "/srv/x.tmpl"],
        samples=["samples/firing.json", "/srv/resolved.json"],
    )
    head = ["{release}/amtool", "template", "render"]
    head += ["--template.glob={config}/templates/*.tmpl", "--template.glob=/srv/x.tmpl"]
    tail = ["--template.type=html", "--template.text={{/* a.html */}}{{ . }}"]
    assert [check["argv"] for check in found] == [
        [*head, "--template.data={config}/samples/firing.json", *tail],
        [*head, "--template.data=/srv/resolved.json", *tail],
    ]


def test_amtool_gets_a_pattern_even_where_there_are_no_templates() -> None:
    [check] = template_checks([{"name": "a", "text": "{{ . }}"}], samples=SAMPLES)
    assert "--template.glob={config}/templates/*.tmpl" in check["argv"]


def test_every_wrong_input_is_named() -> None:
    with pytest.raises(InputError) as caught:
        template_checks({"name": "a"}, templates="x", samples=[1])
    assert [fault.partition(":")[0] for fault in caught.value.faults] == [
        "receivers",
        "templates",
        "samples",
    ]
