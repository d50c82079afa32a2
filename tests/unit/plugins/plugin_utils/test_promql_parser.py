# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the PromQL parser, with another implementation as the judge."""

from __future__ import annotations

import promql_parser
import pytest
from ansible_collections.barehost.monitoring.plugins.plugin_utils import _promql_lexer as lexer
from ansible_collections.barehost.monitoring.plugins.plugin_utils._promql_nodes import (
    Binary,
    PromqlError,
    Selector,
)
from ansible_collections.barehost.monitoring.plugins.plugin_utils._promql_parser import parse

GOOD = (
    "up",
    "up == 0",
    'up{job="a", instance!~"b|c",}',
    "{__name__='x'}",
    '{"my.metric", a="b"}',
    "rate(x[5m])",
    "rate(x{a='}'}[5m] offset 1h)",
    "x offset -5m @ 1609746000",
    "x @ end() offset 5m",
    "x[5m] offset 1h @ start()",
    "x[5m:1m] @ 1609746000.5 offset 1h",
    'x{a=~"[[:alpha:]]+"}',
    "sum by (job) (x)",
    "sum(x) without (a, b,)",
    "sum by () (x)",
    "sum by (a, # a remark\n b) (x)",
    "a + on() group_left d",
    "SUM BY (job) (x)",
    "topk(5, x)",
    'count_values("v", x)',
    "quantile(0.9, x) > 1",
    "max_over_time(rate(x[1m])[10m:30s])",
    "max_over_time(x[10m:])",
    "a + on (b) group_left (c) d",
    "a * ignoring (x) group_right d",
    "a > bool b",
    "1 > bool 2",
    "-x ^ 2",
    "2 ^ -x",
    "a atan2 b",
    "a and b or c unless d",
    "a and on () b",
    "(a)",
    "1e3 + .5 + 0x1f + Inf + NaN",
    "vector(1)",
    "time()",
    "hour()",
    "day_of_week(x)",
    'label_replace(x, "a", "$1", "b", "(.*)")',
    'label_join(x, "a", "-", "b", "c")',
    "histogram_quantile(0.9, sum by (le) (rate(x_bucket[5m])))",
    "absent(up{job='a'})",
    "x # a remark\n > 1",
    'x{a="with \\"quotes\\" and \\\\."}',
    "x{a=`raw`}",
    "job:x:rate5m",
    "count(x)",
    "sum(sum by (a) (x)) by (a)",
)
BAD = (
    "",
    "(",
    "x)",
    "x{",
    "x{a=b}",
    "x{a='b' c='d'}",
    'x{a="b"c="d"}',
    'x{a="b" c="d"}',
    "{}",
    '{a=""}',
    '{a=~".*"}',
    "x[5m",
    "x[]",
    "x[5 m]",
    "x[0s]",
    "x[5m][5m]",
    "(x)[5m]",
    "sum by job (x)",
    "sum by (a b) (x)",
    "sum by (,) (x)",
    "sum by (1a) (x)",
    "sum by ('x'b) (x)",
    "by (x)",
    "a by (x)",
    "sum()",
    "topk(x)",
    "rate(x[5m]",
    "rate(x[5m],)x",
    "a b",
    "a ==",
    "== a",
    "a and bool b",
    "a and on (x) group_left b",
    "a + group_left b",
    "x offset",
    "x @ foo",
    'x{a="\\."}',
    'x{a=~"(?!b)"}',
    'x{a=~"("}',
    'a{__name__="b"}',
    "5min",
    'x{a="b}',
    "x == 'a",
    "ä",
    "(x) offset 5m",
    "sum(x) offset 5m",
    "5 offset 5m",
    "x offset 5m offset 5m",
    "x @ 1 @ 2",
    "x offset 5m [5m]",
    "x @ 5 [5m]",
)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("text", GOOD)
def test_promql_is_taken(text: str) -> None:
    promql_parser.parse(text)
    parse(text)


@pytest.mark.parametrize("text", BAD)
def test_what_is_no_promql_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        promql_parser.parse(text)
    with pytest.raises(PromqlError):
        parse(text)


@pytest.mark.parametrize("text", ["x[5]", "x offset 5"])
def test_a_number_is_no_duration_since_prometheus_2_refuses_it(text: str) -> None:
    with pytest.raises(PromqlError, match="is not a Prometheus duration"):
        parse(text)


@pytest.mark.parametrize("text", ["(" * 5000, "-" * 5000 + "x", "sum(" * 5000, "[" * 50, '"' * 51])
def test_endless_nesting_is_refused_and_no_crash(text: str) -> None:
    with pytest.raises(PromqlError):
        parse(text)


@pytest.mark.parametrize(
    ("text", "outer"),
    [("a + b * c", "+"), ("a * b + c", "+"), ("a or b and c", "or"), ("a > b + c", ">")],
)
def test_precedence(text: str, outer: str) -> None:
    node = parse(text)
    assert isinstance(node, Binary)
    assert node.op == outer


def test_power_is_taken_from_the_right() -> None:
    node = parse("a ^ b ^ c")
    assert isinstance(node, Binary)
    assert isinstance(node.right, Binary)


def test_matchers_are_read() -> None:
    node = parse('x{a="1",b!="2",c=~"3",d!~"4"}[1m]')
    assert isinstance(node, Selector)
    assert [(m.label, m.op, m.value) for m in node.matchers] == [
        ("a", "=", "1"),
        ("b", "!=", "2"),
        ("c", "=~", "3"),
        ("d", "!~", "4"),
    ]
    assert node.range == 60_000


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\n  + b", "a + b"),
        ('a{b="x  y"}\n> 1', 'a{b="x  y"} > 1'),
        ("a # remark\n> 1", "a > 1"),
        ('a{b="#"} > 1', 'a{b="#"} > 1'),
    ],
)
def test_an_expression_is_put_on_one_line(text: str, line: str) -> None:
    assert lexer.one_line(text) == line


@pytest.mark.parametrize(
    ("literal", "text"),
    [('"a\\n"', "a\n"), ('"\\x41\\u00e4\\101"', "AäA"), ("`\\.`", "\\."), ("'\\''", "'")],
)
def test_strings_are_read_as_go_does(literal: str, text: str) -> None:
    assert lexer.unquoted(literal) == text


def test_where_and_when_a_selector_looks_is_read() -> None:
    node = parse("x[1m] offset 1h @ end()")
    assert isinstance(node, Selector)
    assert (node.range, node.offset, node.moment) == (60_000, 3_600_000, "end")
