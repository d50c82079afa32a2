# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of a form is what is known of each expression that has it."""

from __future__ import annotations

import pytest
from ansible_collections.barehost.monitoring.plugins.plugin_utils import _promql_checks as checks
from ansible_collections.barehost.monitoring.plugins.plugin_utils import _promql_forms as forms

EXPRESSIONS = [
    'up{job="a"} == 0',
    'up{job="a",x="a"} + up{job="b"} > 1',
    'rate(x{job="a"}[1m]) + rate(x{job="b"}[2m]) + rate(x[3m]) > 1',
    'rate(x{job="a",s=~"5.."}[5m]) / rate(x{job="a"}[5m]) > 1',
    'rate(x{job="a"}[5m]) / rate(x{job="b"}[5m]) > 1',
    'rate(x{job="a"}[5m]) / rate(x{job="a"}[5m]) > 1',
    "x{a=\"1\"} / x{a='1'} > 1",
    'x{le="1"} > 1',
    'x{le="0.5",job="1"} > 1',
    '{__name__="x",job="a"} > 1',
    '{job="a"} > 1',
    '{job=""} > 1',
    'x{job="",a=""} > 1',
    'absent(x{a="1",b="2",a="3"})',
    'x{a="b\\"c",job="d"} > 1',
    'x{job="\\u0041"} > 1',
    "x{job='a=\"b\"'} > 1",
    'x{job=`a="b"`} > 1',
    'x{job="\x010",a="b"} > 1',
    "x{job='\x010',a=\"b\"} > 1",
    'x{a="1"} # job="b"\n > 1',
    'x{a="1" # job="b\n,job="c"} > 1',
    'label_replace(x{a="1"}, "b=", "$1", "c", "d=") > 1',
    'count_values("v", x{a="1"}) > 1',
    'x{a="1} > 1',
    'x{a="1"',
    'x{"k.v"="1",job="2"} > 1',
    'x{ä="1"} > 1',
    'x{a = "1", job ="2"} > 1',
    'ratee(x{a="1"}) > 1',
    'x{a="1"}{b="2"} > 1',
    'sum by (a="1") (x)',
]


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_the_way_over_forms_leads_to_the_same(text: str) -> None:
    forms.analyse('up{job="warm",x="up"} == 0')
    assert forms.analyse(text) == checks.analyse(text)


def test_expressions_of_one_form_are_analysed_once() -> None:
    checks.analyse.cache_clear()
    for number in range(50):
        forms.analyse(f'rate(x{{job="{number}",a="b"}}[5m]) > rate(y{{job="{number}"}}[5m])')
    assert checks.analyse.cache_info().misses == 1
