# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters that the roles stand on, as Jinja calls them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleTemplatePluginError
from ansible_collections.barehost.monitoring.plugins.filter import (
    alert_runbooks,
    alert_thresholds,
    facts_of_this_run,
    flags,
    local_url,
    locked_release,
    postgres_source,
    prometheus_config,
    redis_passwords,
    scraped_jobs,
    slo_rule_tests,
    template_checks,
    yaml_files,
)
from ansible_collections.barehost.monitoring.plugins.plugin_utils._this_run import marked

MODULES = (
    alert_runbooks,
    alert_thresholds,
    facts_of_this_run,
    flags,
    local_url,
    locked_release,
    postgres_source,
    prometheus_config,
    redis_passwords,
    scraped_jobs,
    slo_rule_tests,
    template_checks,
    yaml_files,
)


@pytest.mark.parametrize("module", MODULES)
def test_each_file_has_the_one_filter_of_its_name(module: Any) -> None:
    name = module.__name__.rpartition(".")[2]
    assert list(module.FilterModule().filters()) == [name]


CASES = [
    (alert_runbooks.alert_runbooks, ({"groups": []}, {}), {}, {}),
    (
        slo_rule_tests.slo_rule_tests,
        ({"groups": []}, {}),
        {"rule_files": ["r.yml"]},
        {"rule_files": ["r.yml"], "evaluation_interval": "30m", "tests": []},
    ),
    (flags.flags, ({"a": True},), {}, ["--a"]),
    (
        facts_of_this_run.facts_of_this_run,
        ([{"p_a": marked({"x": 1}), "p_b": {"x": 2, "run": "another"}, "p_c": None, "q": 1}], "p_"),
        {},
        [{"x": 1}],
    ),
    (
        alert_thresholds.alert_thresholds,
        (
            {"a": [{"labels": {"host": h}} for h in ("x", "y", "x", "gone")], "b": 5},
            {"x": {"barehost_alert_thresholds": {"A": 1}, "other": 2}, "y": {}},
        ),
        {},
        {"x": {"A": 1}},
    ),
    (template_checks.template_checks, ([],), {}, []),
    (local_url.local_url, (":1", "/x"), {}, "http://127.0.0.1:1/x"),
    (locked_release.locked_release, ({"url": "a"}, ""), {}, {"url": "a"}),
    (
        postgres_source.postgres_source,
        ("db1",),
        {"port": 1, "database": "a", "username": "b", "password": "c"},
        {"DATA_SOURCE_URI": "db1:1/a", "DATA_SOURCE_USER": "b"},
    ),
    (
        redis_passwords.redis_passwords,
        ("c",),
        {"address": "db1:1", "username": "b"},
        {"redis://b@db1:1": "c"},
    ),
    (scraped_jobs.scraped_jobs, ([{"job_name": "a"}],), {}, []),
    (
        prometheus_config.prometheus_config,
        ([],),
        {"agent": True},
        {"global": {}, "scrape_configs": []},
    ),
    (yaml_files.yaml_files, ({},), {}, []),
]


@pytest.mark.parametrize(("called", "arguments", "options", "wanted"), CASES)
def test_result(called: Any, arguments: Any, options: Any, wanted: Any) -> None:
    assert called(*arguments, **options) == wanted


@pytest.mark.parametrize(
    ("called", "argument"),
    [
        (flags.flags, []),
        (local_url.local_url, "x"),
        (scraped_jobs.scraped_jobs, {}),
        (template_checks.template_checks, {}),
        (prometheus_config.prometheus_config, {}),
        (yaml_files.yaml_files, []),
    ],
)
def test_a_fault_is_told_in_ansibles_way(called: Any, argument: Any) -> None:
    with pytest.raises(AnsibleTemplatePluginError):
        called(argument)


@pytest.mark.parametrize(
    ("called", "options"),
    [
        (postgres_source.postgres_source, {"port": 0, "database": "a", "username": "b"}),
        (redis_passwords.redis_passwords, {"address": "a@b"}),
    ],
)
def test_a_fault_of_settings_is_told_in_ansibles_way(called: Any, options: Any) -> None:
    with pytest.raises(AnsibleTemplatePluginError):
        called("x", **options)


def test_a_release_that_the_lock_does_not_have_is_told_in_ansibles_way() -> None:
    release = {"name": "a", "version": "1", "url": "https://x/a"}
    with pytest.raises(AnsibleTemplatePluginError, match="a_release_lock: the lock does not have"):
        locked_release.locked_release(release, '{"files": {}}', name="a_release_lock")
