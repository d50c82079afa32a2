# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The language of the pipelines: what Logstash 8.5.0 was seen to take and to refuse."""

from __future__ import annotations

import pytest

from elastic.common import Refused
from elastic.logstash import tree
from elastic.logstash.grammar import parse
from elastic.logstash.tree import Branch, Field, Pattern, Plugin, Section

TAKEN = {
    "nothing": "",
    "several sections": "input {} filter {} filter {} output {}",
    "CRLF and tabs": "filter {\r\n\tdrop {}\r\n}\r\n",
    "a comment": "# all of it\nfilter { # here\n drop {} # there\n}\n",
    "a comment between options": 'filter { mutate { add_tag => ["a"] # why\n id => "b" } }',
    "a codec": 'input { beats { codec => json { charset => "UTF-8" } port => 1 } }',
    "no newline after a brace": "filter { drop {} }",
}
REFUSED = {
    "filter { drop {} }\n# end": 'Expected one of [^\\r\\n], "\\r", "\\n" at line 2, column 6 (byte 25)',
    "outputs {}": "at line 1, column 7 (byte 7) after output",
    "input { beats { port = 1 } }": '"=>" at line 1, column 22',
    "input { beats { port: 1 } }": '"=>"',
    "input { beats { host => 127.0.0.1 } }": "after input { beats { host => 127.0",
    "filter { if [a] { } elif [b] { } }": "at line 1",
    "filter { if [a] && [b] { } }": '"and"',
    "filter { if not [a] { } }": "Expected",
    "filter { if [a] == true { } }": "Expected",
    "filter { if [a] { drop {} }": '"}"',
    'filter { mutate { add_tag => ["a",] } }': "column 35",
    'filter { mutate { rename => { "a" => "b", "c" => "d" } } }': "column 41",
    'filter { mutate { rename => { "a" => "b" # why\n "c" => "d" } } }': "at line 2, column 2 (byte 49)",
    'filter { mutate { rename => { "a" => "b" "a" => "c" } } }': "Duplicate keys found in your "
    'configuration: ["a"]',
    "input { beats { port => {{ port }} } }": "Expected",
    'filter { mutate { add_tag => ["a] } }': "Expected",
    'filter { mutate { add_tag => ["a\\"] } }': "Expected",
    "\ufefffilter {}": "at line 1, column 1",
}


@pytest.mark.parametrize("text", TAKEN.values(), ids=TAKEN)
def test_taken(text: str) -> None:
    assert isinstance(parse(text), list)


@pytest.mark.parametrize(("text", "told"), REFUSED.items())
def test_refused_with_the_place(text: str, told: str) -> None:
    with pytest.raises(Refused) as refusal:
        parse(text)
    assert told in str(refusal.value)


@pytest.mark.parametrize(
    "text",
    ["filter {}\n# end", 'filter { mutate { rename => { "a" => "b" # why\n "c" => "d" } } }'],
)
def test_comments_are_free_since_8_15(text: str) -> None:
    assert parse(text, free_comments=True)


def test_the_tree() -> None:
    text = """filter {
      if !([a] =~ /^x/ or [b][c] > 3) and "t" not in [tags] { drop {} }
      else if [d] { mutate { add_field => { "e" => "f" 1 => [2, 3.5] } } }
      else { drop { id => last } }
    }"""
    either = tree.Test(
        "or", (tree.Test("=~", (Field("[a]"), Pattern("^x"))), tree.Test(">", (Field("[b][c]"), 3)))
    )
    first = tree.Test(
        "and", (tree.Test("not", (either,)), tree.Test("not in", ("t", Field("[tags]"))))
    )
    add = Plugin("mutate", (("add_field", {"e": "f", "1": [2, 3.5]}),), "3:21")
    arms = (
        (first, (Plugin("drop", (), "2:63"),)),
        (tree.Test("truthy", (Field("[d]"),)), (add,)),
        (None, (Plugin("drop", (("id", "last"),), "4:14"),)),
    )
    assert parse(text) == [Section("filter", (Branch(arms),))]


def test_and_binds_tighter_than_or() -> None:
    (section,) = parse("filter { if [a] or [b] and [c] { } }")
    branch = section.body[0]
    assert isinstance(branch, Branch)
    (test, _body) = branch.arms[0]
    assert test == tree.Test("or", (Field("[a]"), tree.Test("and", (Field("[b]"), Field("[c]")))))
