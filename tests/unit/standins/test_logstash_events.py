# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines and the events that become of them, as the real Logstash 8.5.0 was seen to make them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from elastic.logstash.conditions import WorkerFault, compiled
from elastic.logstash.event import Event
from elastic.logstash.grammar import parse
from elastic.logstash.pipeline import Pipeline
from elastic.logstash.sources import Source
from elastic.logstash.tree import Branch

Filtered = Callable[..., dict[str, Any]]
JSON = 'json { source => "message" target => "[structlog]" }'
MISSING = object()


@pytest.fixture
def filtered(source: Callable[..., Source]) -> Filtered:
    """Send one event through filters and return its document."""

    def run(text: str, data: dict[str, Any] | str) -> dict[str, Any]:
        pipeline = Pipeline(source(f"filter {{ {text} }}"))
        body = pipeline._made("filter", pipeline._bodies["filter"], pipeline._make_filter)
        event = Event({"message": data} if isinstance(data, str) else dict(data))
        pipeline._filter(body, event)
        return event.document()

    return run


def _at(document: dict[str, Any], path: str) -> Any:
    data: Any = document
    for name in path.split("/"):
        data = data.get(name, MISSING) if isinstance(data, dict) else MISSING
    return data


@pytest.mark.parametrize(
    ("line", "structlog", "tagged"),
    [
        ('{"event": "hi", "n": 1}', {"event": "hi", "n": 1}, False),
        ("just text", MISSING, True),
        ('{"event": "hi"', MISSING, True),
        ('{"a": 1} garbage', MISSING, True),
        ("{'a': 1}", MISSING, True),
        ('{"a": NaN}', MISSING, True),
        ("[1, 2]", [1, 2], False),
        ('"text"', "text", False),
        ("42", 42, False),
        ("true", True, False),
        ("null", None, False),
        ('{"a": 1e999}', {"a": "1e999"}, False),
        ('{"a": 1} {"b": 2}\n', {"b": 2}, False),
        ('{"a": "x\\ud83dy"}', {"a": "xy"}, False),
        ("", None, False),
        (
            '{"@timestamp": "x", "tags": 1, "a[b]": 2, "c.d": 3}',
            {"@timestamp": "x", "tags": 1, "a[b]": 2, "c.d": 3},
            False,
        ),
        ('{"a": 1, "a": 2}', {"a": 2}, False),
        ('{"a": 123456789012345678901234567890}', {"a": 123456789012345678901234567890}, False),
    ],
)
def test_json_with_a_target(filtered: Filtered, line: str, structlog: Any, tagged: bool) -> None:
    document = filtered(JSON, line)
    assert document["message"] == line
    assert _at(document, "structlog") == structlog
    assert (document.get("tags") == ["_jsonparsefailure"]) == tagged


@pytest.mark.parametrize(
    ("value", "stamp"),
    [
        ("2024-01-02T03:04:05.123456Z", "2024-01-02T03:04:05.123Z"),
        ("2024-01-02T03:04:05.123456789Z", "2024-01-02T03:04:05.123Z"),
        ("2024-01-02T03:04:05+02:00", "2024-01-02T01:04:05.000Z"),
        ("2024-01-02T03:04:05", "2024-01-02T03:04:05.000Z"),
        ("2024-01-02", "2024-01-02T00:00:00.000Z"),
        ("2024-01-02 03:04:05.123", "2024-01-02T03:04:05.123Z"),
        (1704164645, "2024-01-02T03:04:05.000Z"),
        (1704164645.25, "2024-01-02T03:04:05.250Z"),
        ("2024", "2024-01-01T00:00:00.000Z"),
        ("2024-W01-2", "2024-01-02T00:00:00.000Z"),
        ("2024-002", "2024-01-02T00:00:00.000Z"),
        ("2024-1-2t3:4:5z", "2024-01-02T03:04:05.000Z"),
        ("+2024-01-02T00:00:00Z", "2024-01-02T00:00:00.000Z"),
        ("1704164645.25", "2024-01-02T03:04:05.250Z"),
        ("99999999999", None),
        ("2024-01-02T03:04:05 +02:00", None),
        ("2024-01-02T03:04:05.1234567890Z", None),
        ("2024-01-02T03:04:05.Z", None),
        (["2024-01-02"], None),
        ("2024-01-02 03:04:05", None),
        ("2024-01-02 03:04:05.123456", None),
        ("yesterday", None),
        ({"a": 1}, None),
        (True, None),
    ],
)
def test_dates(filtered: Filtered, value: Any, stamp: str | None) -> None:
    text = (
        'date { match => ["when", "ISO8601", "UNIX"] timezone => "UTC" remove_field => ["when"] }'
    )
    document = filtered(text, {"when": value, "@timestamp": "2000-01-01T00:00:00Z"})
    assert document["@timestamp"] == (stamp or "2000-01-01T00:00:00.000Z")
    assert ("when" in document) == (stamp is None)
    assert (document.get("tags") == ["_dateparsefailure"]) == (stamp is None)


@pytest.mark.parametrize(
    ("options", "data", "wanted"),
    [
        (
            'rename => { "a" => "[log][level]" }',
            {"a": "x", "log": {"offset": 1}},
            {"log": {"offset": 1, "level": "x"}},
        ),
        ('rename => { "a" => "b" }', {"a": None}, {"b": None}),
        ('rename => { "a" => "b" }', {"c": 1}, {"c": 1}),
        (
            'rename => { "a" => "[log][level]" }',
            {"a": "x", "log": "text"},
            {"log": "text", "tags": ["_mutate_error"]},
        ),
        ('convert => { "b" => "integer" } rename => { "a" => "b" }', {"a": "7"}, {"b": 7}),
        ('copy => { "b" => "c" } rename => { "a" => "b" }', {"a": 1}, {"b": 1, "c": 1}),
        ('lowercase => ["a"] strip => ["a"]', {"a": " WARN "}, {"a": "warn"}),
        ('convert => { "a" => "string" }', {"a": {"b": 1}}, {"a": {"b": 1}}),
        ('convert => { "a" => "string" }', {"a": [1, True]}, {"a": ["1", "true"]}),
        (
            'add_field => { "b" => "%{a}-%{[c][d]}-%{nope}" }',
            {"a": 1, "c": {"d": [1, 2]}},
            {"a": 1, "c": {"d": [1, 2]}, "b": "1-1,2-%{nope}"},
        ),
        ('add_field => { "a" => "y" }', {"a": "x"}, {"a": ["x", "y"]}),
        ('add_tag => ["t", "t"]', {"tags": ["t"]}, {"tags": ["t", "t", "t"]}),
        ('add_tag => ["t"]', {"tags": {"a": 1}}, {"tags": [["a", 1], "t"]}),
        ('rename => { "a" => "[b][c]" }', {"a": 1, "b": [1]}, {"b": [1]}),
        ('strip => ["a"]', {"a": [" x ", 5]}, {"a": [" x ", 5], "tags": ["_mutate_error"]}),
        ('strip => ["a"]', {"a": "\u00a0x\t\n"}, {"a": "\u00a0x"}),
        ('convert => { "a" => "string" }', {"a": 1e20}, {"a": "1.0e+20"}),
        ('replace => { "a" => 5 }', {}, {"a": "5"}),
        ('join => { "a" => "," }', {"a": [1, None, {"c": 1}]}, {"a": '1,,{"c"=>1}'}),
        ('gsub => ["a", "(b)", "[\\1]"]', {"a": "abc"}, {"a": "a[b]c"}),
        (
            'add_field => { "z" => "%{a} %{b}" }',
            {"a": [{"b": "c"}, "d"], "b": 1e30},
            {"a": [{"b": "c"}, "d"], "b": 1e30, "z": "{b=c},d 1.0E30"},
        ),
        ('add_tag => ["t"] remove_field => ["a"]', {"a": 1, "tags": "s"}, {"tags": ["s", "t"]}),
        ('remove_tag => ["s"]', {"tags": ["s", "t"]}, {"tags": ["t"]}),
        ('replace => { "a" => "%{[b]}" }', {"b": {"c": "d"}}, {"a": '{"c":"d"}', "b": {"c": "d"}}),
        ('gsub => ["a", "[/]+", "."]', {"a": "x//y"}, {"a": "x.y"}),
        ('merge => { "a" => "b" }', {"a": 1, "b": [2]}, {"a": [1, 2], "b": [2]}),
        ('split => { "a" => "," }', {"a": "1,2"}, {"a": ["1", "2"]}),
    ],
)
def test_mutate(
    filtered: Filtered, options: str, data: dict[str, Any], wanted: dict[str, Any]
) -> None:
    document = filtered(f"mutate {{ {options} }}", data)
    assert {k: v for k, v in document.items() if not k.startswith("@")} == wanted


@pytest.mark.parametrize(
    ("text", "data", "wanted"),
    [
        (
            'fingerprint { source => ["a"] method => "SHA256" target => "[@metadata][id]" } '
            'mutate { add_field => { "id" => "%{[@metadata][id]}" } }',
            {"a": "x"},
            {"a": "x", "id": "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"},
        ),
        (
            'fingerprint { source => ["b", "a"] concatenate_sources => true method => "MD5" '
            'target => "h" }',
            {"a": 1, "b": {"c": "d"}},
            {"a": 1, "b": {"c": "d"}, "h": "2cee87d41ee3962dac9e85007f10bd1c"},
        ),
        ('truncate { fields => ["a"] length_bytes => 3 }', {"a": "xyß"}, {"a": "xy"}),
        ('prune { whitelist_names => ["^a$"] }', {"a": 1, "ab": 2}, {"a": 1}),
        (
            "ruby { code => 'event.set(\"[event][original]\", event.to_json)' } prune { "
            'whitelist_names => ["^event$"] }',
            {"a": 1, "@timestamp": "2024-01-02T03:04:05Z"},
            {
                "event": {
                    "original": '{"a":1,"@timestamp":"2024-01-02T03:04:05.000Z","@version":"1"}'
                }
            },
        ),
    ],
)
def test_other_filters(
    filtered: Filtered, text: str, data: dict[str, Any], wanted: dict[str, Any]
) -> None:
    document = filtered(text, data)
    assert {k: v for k, v in document.items() if not k.startswith("@")} == wanted


@pytest.mark.parametrize(
    ("condition", "data", "wanted"),
    [
        *[("[f]", {"f": value}, False) for value in (None, "", False)],
        *[("[f]", {"f": value}, True) for value in (0, {}, [], "x", True)],
        ("[f]", {}, False),
        ("![f]", {}, True),
        ('"x" in [tags]', {"tags": ["x", "y"]}, True),
        ('"x" in [tags]', {"tags": ["xy"]}, False),
        ('"x" in [tags]', {"tags": "xy"}, True),
        ('"x" in [tags]', {}, False),
        ('"x" not in [tags]', {}, True),
        ('[f] in ["a", "5"]', {"f": 5}, True),
        ('[f] == "5"', {"f": 5}, False),
        ("[f] == 5", {"f": 5}, True),
        ("[f] =~ /.*/", {"f": "x"}, True),
        *[("[f] =~ /.*/", {"f": value}, False) for value in (1, {}, ["x"], None)],
        ("[f] =~ /.*/", {}, False),
        (r"[f] =~ /\A\s*\{/", {"f": "\n {"}, True),
        (r"[f] =~ /^b/", {"f": "a\nb"}, True),
        ("[f] > 3", {"f": 4}, True),
        ("[f] != [g]", {"f": 1, "g": 1}, False),
        ("[f] == [g]", {"f": 1, "g": 1.0}, False),
        ("[f] in [g]", {"f": 1, "g": [1.0]}, False),
        (r"[f] =~ /\A\s*\{/", {"f": "\u00a0{"}, False),
        (r"[f] =~ /\w/", {"f": "\u00e9"}, False),
    ],
)
def test_conditions(condition: str, data: dict[str, Any], wanted: bool) -> None:
    assert _condition(condition)(Event(dict(data))) is wanted


@pytest.mark.parametrize("data", [{}, {"f": "4"}, {"f": None}, {"f": {}}])
def test_an_order_of_what_has_none_stops_the_pipeline(data: dict[str, Any]) -> None:
    with pytest.raises(WorkerFault):
        _condition("[f] > 3")(Event(data))


def test_a_search_for_nothing_in_a_list_stops_the_pipeline() -> None:
    with pytest.raises(WorkerFault):
        _condition("[f] in [g]")(Event({"g": ["a"]}))


def _condition(text: str) -> Callable[[Event], bool]:
    branch = parse(f"filter {{ if {text} {{ }} }}")[0].body[0]
    assert isinstance(branch, Branch)
    test = branch.arms[0][0]
    assert test
    return compiled(test)


# The form that the fact sheet of the shipped pipeline gives, on lines of every kind.
STRUCTLOG = r"""
if [message] =~ /\A\s*\{/ {
  json { source => "message" target => "[@metadata][log]" tag_on_failure => ["_jsonparsefailure", "_not_json"] }
} else { mutate { add_tag => ["_not_json"] } }
if [@metadata][log] {
  if [@metadata][log][timestamp] {
    date {
      match => ["[@metadata][log][timestamp]", "ISO8601", "UNIX"]
      timezone => "UTC" tag_on_failure => ["_timestamp_unparsed"]
    }
    if "_timestamp_unparsed" not in [tags] { mutate { remove_field => ["[@metadata][log][timestamp]"] } }
  }
  if [@metadata][log][event] =~ /.*/ {
    mutate { rename => { "[@metadata][log][event]" => "message" } }
  } else { mutate { add_tag => ["_no_text"] } }
  if [@metadata][log][exception][0][exc_type] {
    mutate { copy => { "[@metadata][log][exception][0][exc_type]" => "[error][type]" } }
  }
  mutate { rename => { "[@metadata][log]" => "structlog" } }
}
"""
T = "2024-01-02T03:04:05.123456Z"


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        (
            {"event": "hi", "timestamp": T, "user": {"id": 1}},
            {
                "message": "hi",
                "structlog": {"user": {"id": 1}},
                "@timestamp": "2024-01-02T03:04:05.123Z",
            },
        ),
        (
            {"event": {"a": 1}},
            {
                "message": '{"event": {"a": 1}}',
                "structlog": {"event": {"a": 1}},
                "tags": ["_no_text"],
            },
        ),
        (
            {"event": "e", "timestamp": "soon"},
            {"message": "e", "structlog": {"timestamp": "soon"}, "tags": ["_timestamp_unparsed"]},
        ),
        (
            {"event": "e", "exception": [{"exc_type": "E"}]},
            {
                "message": "e",
                "structlog": {"exception": [{"exc_type": "E"}]},
                "error": {"type": "E"},
            },
        ),
        ("text", {"message": "text", "tags": ["_not_json"]}),
        ('{"broken', {"message": '{"broken', "tags": ["_jsonparsefailure", "_not_json"]}),
        ("[1]", {"message": "[1]", "tags": ["_not_json"]}),
        ("\ufeff{}", {"message": "\ufeff{}", "tags": ["_not_json"]}),
    ],
)
def test_lines_of_structlog(filtered: Filtered, line: Any, wanted: dict[str, Any]) -> None:
    document = filtered(STRUCTLOG, line if isinstance(line, str) else json.dumps(line))
    assert wanted.items() <= document.items()
