# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`logstash -t` and the start: what they find, what they miss, and with which words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from elastic.logstash import command
from elastic.logstash.logs import SINK

Check = Callable[..., tuple[int, str]]
INPUT = "input { beats { port => 5044 } }\n"
SMALL = "queue.type: persisted\nqueue.max_bytes: 1mb"


@pytest.fixture
def check(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Check:
    """Run a test of a configuration; returns the exit code and all that was said."""
    monkeypatch.setattr(SINK, "_file", None)
    monkeypatch.setenv("GIVEN", 'p"a$s#{x}')

    def run(
        pipeline: str | bytes = INPUT,
        yml: str = "",
        pipelines: str = "",
        jvm: str = "-Xms1m\n-Xmx1g\n",
    ) -> tuple[int, str]:
        (tmp_path / "log4j2.properties").touch()
        (tmp_path / "jvm.options").write_text(jvm)
        (tmp_path / "main.conf").write_bytes(
            pipeline if isinstance(pipeline, bytes) else pipeline.encode()
        )
        (tmp_path / "logstash.yml").write_text(
            f"path.data: {tmp_path}/data\npath.logs: {tmp_path}/logs\n{yml}"
        )
        (tmp_path / "pipelines.yml").write_text(
            pipelines or f"- pipeline.id: main\n  path.config: {tmp_path}/main.conf\n"
        )
        code = command.main(["--path.settings", str(tmp_path), "-t"])
        told = capfd.readouterr()
        return code, told.out + told.err

    return run


@pytest.mark.parametrize(
    "pipeline",
    [
        INPUT,
        "",
        "# nothing\n",
        "input { beats { port => 99999 } }\n",
        'output { elasticsearch { hosts => ["not a url"] } }\n',
        "filter { if [a] =~ /(/ { drop {} } }\n",
        'filter { mutate { convert => { "a" => "thing" } } }\n',
        'filter { mutate { rename => { "[a" => "b" } } }\n',
        'output { elasticsearch { data_stream => true index => "a" } }\n',
        "# ${NOBODY}\n" + INPUT,
        'output { elasticsearch { user => "${NOBODY:me}" password => "${GIVEN}" } }\n',
        'input { beats { port => "5044" ssl => "true" } }\n',
        'filter { mutate { rename => { "a" => "b" } rename => { "c" => "d" } add_tag => "x" } }\n',
    ],
)
def test_what_it_takes(check: Check, pipeline: str) -> None:
    code, told = check(pipeline)
    assert code == 0, told
    assert "Configuration OK" in told


@pytest.mark.parametrize(
    ("pipeline", "wanted"),
    [
        (
            "filter { grokk {} }",
            "Couldn't find any filter plugin named 'grokk'. Are you sure this is correct?",
        ),
        ("input { beats { port => 1 prot => 2 } }", "Unknown setting 'prot' for beats"),
        (
            "input { beats { port => 1 ssl_enabled => true } }",
            "Unknown setting 'ssl_enabled' for beats",
        ),
        ("input { beats { port => abc } }", "This setting must be a number"),
        ("input { beats { port => 1 port => 2 } }", "This setting must be a number"),
        ("input { beats {} }", "port => # SETTING MISSING"),
        ("filter { json {} }", "Missing a required setting for the json filter plugin"),
        (
            'input { beats { port => 1 ssl_key => "/nowhere" } }',
            "File does not exist or cannot be opened /nowhere",
        ),
        ('output { elasticsearch { password => "${NOBODY}" } }', "Cannot evaluate `${NOBODY}`"),
        (
            'output { elasticsearch { data_stream_dataset => "a:b" } }',
            "Invalid characters detected",
        ),
        ("output { elasticsearch { action => create action => index } }", "Expected string"),
        (
            'filter { drop { id => "a" } drop { id => "a" } }',
            "InvalidIRException: Config has duplicate Ids",
        ),
        ('filter { date { match => ["a", "ISO8602"] } }', "Illegal pattern component: I"),
        (
            'filter { date { match => ["a", "ISO8601"] timezone => "Mars" } }',
            "The datetime zone id 'Mars' is not recognised",
        ),
        ('filter { json { source => "a" target => "[a" } }', "Expected a valid field reference"),
        ("input { beats { port => 1 }", "Expected"),
        (b"# \xff\nfilter {}\n", "not UTF-8"),
    ],
)
def test_what_it_finds_in_a_pipeline(check: Check, pipeline: str | bytes, wanted: str) -> None:
    code, told = check(pipeline)
    assert code == 1
    assert wanted in told
    assert "The given configuration is invalid. Reason: " in told


@pytest.mark.parametrize(
    ("yml", "wanted"),
    [
        (
            "pipeline: {wrokers: 2}",
            "Setting \"pipeline.wrokers\" doesn't exist. Please check if you haven't made a typo.",
        ),
        ("queue.type: disk", 'Invalid value "disk". Options are: ["persisted", "memory"]'),
        ("pipeline.workers: 0", "Number must be bigger than 0. Received: 0"),
        ("queue.max_bytes: many", "Unknown bytes value 'many'"),
        ("api.http.port: 99999", "valid options are within the range of 1-65535"),
        ("node.name: ${NOBODY}", "Cannot evaluate `${NOBODY}`"),
        ("node.name: [", "ERROR: Failed to parse YAML file"),
    ],
)
def test_what_it_finds_in_the_settings(check: Check, yml: str, wanted: str) -> None:
    code, told = check(yml=yml)
    assert code == 1
    assert f"Your settings are invalid. Reason: {wanted}" in told or wanted in told


@pytest.mark.parametrize(
    ("pipelines", "wanted"),
    [
        (
            "- pipeline.idd: main",
            'Only pipeline related settings are expected. Received "pipeline.idd"',
        ),
        (
            "- {pipeline.id: a, dead_letter_queue.retain.age: 1d}",
            'Received "dead_letter_queue.retain.age"',
        ),
        ("- pipeline.id: a\n- pipeline.id: a", 'duplicate pipeline ids: ["a"]'),
        ("pipeline.id: a", "must contain an array of pipeline configs"),
        ("# nothing", "ERROR: Failed to read pipelines yaml file."),
        ("- {pipeline.id: a, queue.type: disk}", 'Invalid value "disk"'),
    ],
)
def test_what_it_finds_in_the_pipelines(check: Check, pipelines: str, wanted: str) -> None:
    code, told = check(pipelines=pipelines)
    assert code == 1
    assert wanted in told.replace('\\"', '"')


def test_a_queue_smaller_than_a_page_is_seen_by_the_start_alone(check: Check) -> None:
    assert check(yml=SMALL)[0] == 0


def test_no_matching_file_is_fine(check: Check) -> None:
    assert check(pipelines="- {pipeline.id: a, path.config: /nowhere/*.conf}")[0] == 0


def test_a_heap_larger_than_the_memory_is_refused(check: Check) -> None:
    code, told = check(jvm="-Xms9999g\n-Xmx9999g\n")
    assert code == 1
    assert "Native memory allocation (mmap) failed" in told


@pytest.mark.parametrize(
    ("version", "option", "taken"),
    [
        ("8.5.0", "ssl", True),
        ("8.5.0", "ssl_enabled", False),
        ("8.19.0", "ssl", True),
        ("8.19.0", "ssl_enabled", True),
        ("9.0.0", "ssl", False),
        ("9.0.0", "ssl_enabled", True),
    ],
)
def test_names_of_options_by_version(
    check: Check, monkeypatch: pytest.MonkeyPatch, version: str, option: str, taken: bool
) -> None:
    monkeypatch.setattr(command, "version", lambda: version)
    code, told = check(
        f"input {{ beats {{ port => 1 {option} => false }} }}\n", yml="allow_superuser: true"
    )
    assert (code == 0) == taken, told


def test_an_unknown_flag(capfd: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--nonsense"]) == 1
    assert "ERROR: Unrecognised option '--nonsense'" in capfd.readouterr().err
