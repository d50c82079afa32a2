# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the texts that Prometheus will make; promtool confirms them in tests/unit/alerts."""

from __future__ import annotations

import pytest
from ansible_collections.barehost.monitoring.plugins.plugin_utils._alert_text import filled
from ansible_collections.barehost.monitoring.plugins.plugin_utils._rule_texts import rendered


@pytest.mark.parametrize(
    ("text", "value", "told"),
    [
        ("<value:percent> on <host>", 0.0951, "9.51% on a"),
        ("<value>", 12345.6, "1.235e+04"),
        ("<value:integer>", 3.0, "3"),
        ("<value:bytes>", 4000, "3.906kiB"),
        ("<value:duration>", 4000, "1h 6m 40s"),
        ("<value:number>", 4000, "4k"),
        ("<elsewhere>", 1, ""),
        ("<value:time>", 1, None),
        ("{{ with query `up` }}{{ end }}", 1, None),
    ],
)
def test_labels_and_value_are_filled_in(text: str, value: float, told: str | None) -> None:
    assert rendered(filled(text, {})[0], {"host": "a"}, value) == told
