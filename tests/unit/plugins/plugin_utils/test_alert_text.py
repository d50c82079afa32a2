# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of placeholders and Go templates."""

from __future__ import annotations

import pytest
from ansible_collections.barehost.monitoring.plugins.plugin_utils import _alert_text as texts


@pytest.mark.parametrize(
    ("text", "done"),
    [
        ("<instance> is down", "{{ $labels.instance }} is down"),
        ("<value>", '{{ printf "%.4g" $value }}'),
        ("<value:percent>", "{{ $value | humanizePercentage }}"),
        ("<value:duration>", "{{ $value | humanizeDuration }}"),
        ("<value:bytes>", "{{ $value | humanize1024 }}B"),
        ("above <threshold>", "above 0.9"),
        ("a < b and c > d", "a < b and c > d"),
        ("a <b c>", "a <b c>"),
        ("<= 5 >", "<= 5 >"),
        ("{{ $labels.x }} stays", "{{ $labels.x }} stays"),
    ],
)
def test_placeholders_become_templates(text: str, done: str) -> None:
    assert texts.filled(text, {"threshold": "0.9"}) == (done, [])


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("<value:procent>", 'did you mean "percent"?'),
        ("<instance:percent>", "is no placeholder here"),
        ("<threshold>", "is no placeholder here"),
    ],
)
def test_a_wrong_placeholder_is_named(text: str, fault: str) -> None:
    assert fault in texts.filled(text, {})[1][0]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("{{ $value", '"{{" is not closed'),
        ("$value }}", '"}}" has no "{{" before it'),
        ("{{ $value }} }}", '"}}" has no "{{" before it'),
        ("{{ $valu }}", 'unknown variable "$valu"; did you mean "value"?'),
        ("{{ $value | humanise }}", 'did you mean "humanize"?'),
        ("{{ $labels.x | humanizePercentage }}", "a label is text"),
        ("{{ humanize $labels.x }}", "a label is text"),
    ],
)
def test_a_wrong_template_is_named(text: str, fault: str) -> None:
    assert any(fault in found for found in texts.template_faults(text))


@pytest.mark.parametrize(
    "text",
    [
        "no template",
        '{{ printf "%.2f" $value }} on {{ $labels.instance }}',
        "{{ with query \"up{job='x'}\" }}{{ . | first | value | humanize }}{{ end }}",
        '{{ range $i, $x := query "up" }}{{ $x.Labels.job }}{{ end }}',
        "{{ if gt $value 1.0 }}high{{ else }}low{{ end }}",
        "{{ $externalURL }}/{{ .ExternalLabels.cluster }}",
        "{{/* a remark with words */}}",
        "{{ $labels.instance | stripPort | toUpper }}",
        "{{ $labels.quantile | humanizePercentage }} and {{ humanize $labels.le }}",
    ],
)
def test_a_sound_template_is_left_in_peace(text: str) -> None:
    assert texts.template_faults(text) == ()


RANGE = '{{ range query "up == 0" }}'


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        (
            '{{ $labels.a }} {{ .Labels.b }} {{ index $labels "c" }} $labels.d {{ $labels.a }}',
            "abc",
        ),
        (RANGE + "{{ .Labels.a }}{{ $labels.b }}{{ end }}{{ .Labels.c }}", "bc"),
        (RANGE + '{{ $.Labels.a }}{{ index $.Labels "b" }}{{ end }}', "ab"),
        (RANGE + '{{ index .Labels "a" }}{{ else }}{{ .Labels.b }}{{ end }}', "b"),
        (RANGE + "{{ if true }}{{ .Labels.a }}{{ else }}{{ .Labels.b }}{{ end }}{{ end }}", ""),
        ('{{ with query "up" }}{{ (first .).Labels.a }}{{ end }}', ""),
        ('{{ range $i, $x := query "up" }}{{ $x.Labels.a }}{{ end }}', ""),
        ("{{ if gt $value 1.0 }}{{ .Labels.a }}{{ end }}{{- .Labels.b -}}", "ab"),
        ("{{ with .Labels.a }}{{ .Labels.b }}{{ end }}", "a"),
        ("{{ end }}{{ .Labels.a }}", "a"),
    ],
)
def test_the_labels_that_a_text_reads_from_the_alert_are_found(text: str, labels: str) -> None:
    assert texts.labels_used(text) == tuple(labels)
