# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Prometheus will make of the templates in a text, as far as these are simple (private)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from ansible_collections.barehost.monitoring.plugins.plugin_utils import _numbers as numbers
from ansible_collections.barehost.monitoring.plugins.plugin_utils._alert_text import VALUE_FORMATS

_ACTION = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_LABEL = re.compile(r"\{\{ \$labels\.([a-zA-Z_]\w*) \}\}")
_WRITERS: Mapping[str, Callable[[float], str]] = {
    "": lambda value: format(value, ".4g"),
    "bytes": lambda value: numbers.scaled(value, 1024) + "B",
    "duration": numbers.duration,
    "integer": lambda value: format(value, ".0f"),
    "number": lambda value: numbers.scaled(value, 1000),
    "percent": numbers.percentage,
}


def rendered(text: str, labels: Mapping[str, str], value: float) -> str | None:
    """Fill in labels and value; None when another template is left."""
    for style, writer in _WRITERS.items():
        if VALUE_FORMATS[style] in text:
            text = text.replace(VALUE_FORMATS[style], writer(value))
    text = _LABEL.sub(lambda match: labels.get(match[1], ""), text)
    return None if _ACTION.search(text) else text
