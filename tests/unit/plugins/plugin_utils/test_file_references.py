# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of _file_references."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import InputError
from ansible_collections.barehost.monitoring.plugins.plugin_utils._file_references import (
    file_references,
)

CONFIG: dict[str, Any] = {
    "global": {"query_log_file": "/var/log/q.log", "smtp_auth_password_file": "secrets/smtp"},
    "rule_files": ["rules/*.yml"],
    "scrape_configs": [
        {
            "tls_config": {"ca_file": "tls/ca.pem", "cert_file": "tls/c.pem", "key_file": "tls/k"},
            "authorization": {"credentials_file": "/etc/token"},
            "basic_auth": {"username": "x", "password_file": "secrets/pw"},
            "bearer_token_file": "",
        },
        {"tls_config": {"ca_file": "tls/ca.pem"}, "file": "no", "key_file": {"a_file": "x"}},
    ],
    "receivers": [{"slack_configs": [{"api_url_file": "/run/credentials/a.service/slack"}]}],
}


def test_every_file_is_listed_once_in_order() -> None:
    assert file_references(CONFIG) == [
        *["secrets/smtp", "tls/ca.pem", "tls/c.pem", "tls/k", "/etc/token", "secrets/pw"],
    ]


def test_keys_can_be_left_out() -> None:
    assert file_references({"a_file": "x", "b_file": "y"}, ignore=["a_file"]) == ["y"]


def test_several_configurations_are_one_list() -> None:
    assert file_references([{"a_file": "x"}, {}, {"b_file": "x"}]) == ["x"]


@pytest.mark.parametrize("config", [None, "x", 5])
def test_what_is_no_configuration_is_refused(config: object) -> None:
    with pytest.raises(InputError, match="needs a configuration"):
        file_references(config)


def test_a_wrong_ignore_is_refused() -> None:
    with pytest.raises(InputError, match="ignore: 5 is no list of keys"):
        file_references({}, ignore=5)
