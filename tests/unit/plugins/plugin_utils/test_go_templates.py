# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every text that a receiver renders is found, once."""

from __future__ import annotations

from ansible_collections.barehost.monitoring.plugins.plugin_utils._go_templates import (
    go_templates,
)


def test_templates_are_found_at_any_depth_once_and_in_order() -> None:
    receivers = [
        {"name": "a", "email_configs": [{"headers": {"Subject": "{{ .B }}"}, "text": "{{ .A }}"}]},
        {"name": "b", "slack_configs": [{"title": "{{ .B }}", "send_resolved": True}]},
    ]
    assert go_templates(receivers) == ["{{ .B }}", "{{ .A }}"]


def test_plain_texts_are_none() -> None:
    assert go_templates({"a": "{x}", "b": None, "c": [1, "y"]}) == []
