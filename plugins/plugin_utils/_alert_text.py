# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The texts of an alert: placeholders and Go templates (private to this collection).

`{{ $labels.instance }}` cannot stand in a YAML variable, since Jinja would read it first. Texts
therefore have placeholders, `<instance>` or `<value:percent>`, which become Go templates here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import nearest

VALUE_FORMATS = {
    "": '{{ printf "%.4g" $value }}',
    "bytes": "{{ $value | humanize1024 }}B",
    "duration": "{{ $value | humanizeDuration }}",
    "integer": '{{ printf "%.0f" $value }}',
    "number": "{{ $value | humanize }}",
    "percent": "{{ $value | humanizePercentage }}",
    "time": "{{ $value | humanizeTimestamp }}",
}
_PLACEHOLDER = re.compile(r"<([a-zA-Z_][a-zA-Z0-9_]*)(?::([a-z]*))?>")
_ACTION = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_LITERAL = re.compile(r'"(?:[^"\\\n]|\\.)*"|`[^`]*`|/\*.*?\*/', re.DOTALL)
_OWN = r"(?:\$labels|\$\.Labels)"
_DOT = r"(?:(?<![\w$)\]])\.Labels)"
_LABEL = re.compile(rf'(?:{_OWN}|{_DOT})\.([a-zA-Z_]\w*)|index\s+(?:{_OWN}|{_DOT})\s+"(\w+)"')
_OWN_LABEL = re.compile(rf'{_OWN}\.([a-zA-Z_]\w*)|index\s+{_OWN}\s+"(\w+)"')
_BLOCK = re.compile(r"-?\s*(if|range|with|define|block|else|end)\b")
_NAME = re.compile(r"(?<![\w.$])[a-zA-Z_]\w*")
_VARIABLE = re.compile(r"\$([a-zA-Z_]\w*)(\s*(?:,\s*\$\w+\s*)?:=)?")
_WORD_LABEL = r"\$labels\.(?!(?:le|quantile)\b)\w+"
_HUMAN_LABEL = re.compile(rf"{_WORD_LABEL}\s*\|\s*humanize|humanize\w*\s+{_WORD_LABEL}")
_VARIABLES = frozenset(("labels", "value", "externalLabels", "externalURL"))
_WORD_LIST = """
if else end range with define template block break continue nil true false
and or not len index slice print printf println html js urlquery call eq ne lt le gt ge
query first label value sortByLabel strvalue args reReplaceAll safeHtml match title toUpper toLower
graphLink tableLink humanize humanize1024 humanizeDuration humanizePercentage humanizeTimestamp
pathPrefix externalURL parseDuration stripPort stripDomain toTime toDuration now urlQueryEscape
"""
_FROM_THE_ENTRY = frozenset(("threshold", "window"))
_WORDS = frozenset(_WORD_LIST.split())


def filled(text: str, static: Mapping[str, str]) -> tuple[str, list[str]]:
    """Turn placeholders into Go templates or, where they are known by now, into their text."""
    if "<" not in text:
        return text, []
    faults: list[str] = []

    def fill(match: re.Match[str]) -> str:
        name, style = match[1], match[2] or ""
        if match[0][1:-1] in static:
            return static[match[0][1:-1]]
        if name == "value" and style in VALUE_FORMATS:
            return VALUE_FORMATS[style]
        if name == "value":
            faults.append(
                f'unknown format in "{match[0]}"{nearest(style, VALUE_FORMATS)} '
                f"(formats: {', '.join(filter(None, VALUE_FORMATS))})"
            )
        elif style or name in _FROM_THE_ENTRY:
            faults.append(
                f'"{match[0]}" is no placeholder here (examples: <{name}>, <value:percent>)'
            )
        return f"{{{{ $labels.{name} }}}}"

    return _PLACEHOLDER.sub(fill, text), faults


@lru_cache(maxsize=1024)
def template_faults(text: str) -> tuple[str, ...]:
    """List what is wrong with the Go templates in a text."""
    if "{{" not in text and "}}" not in text:
        return ()
    faults: list[str] = []
    rest = _ACTION.sub("", text)
    if "{{" in rest:
        faults.append('"{{" is not closed')
    if "}}" in rest:
        faults.append('"}}" has no "{{" before it')
    own: set[str] = set()
    for action in _ACTION.findall(text):
        code = _LITERAL.sub('""', action)
        for match in _VARIABLE.finditer(code):
            if match[2]:
                own.update(re.findall(r"\$(\w+)", match[0]))
            elif match[1] not in own and match[1] not in _VARIABLES:
                meant = nearest(match[1], _VARIABLES)
                faults.append(f'unknown variable "${match[1]}"{meant}')
        faults += [
            f'unknown template function "{name}"{nearest(name, _WORDS)}'
            for name in _NAME.findall(code)
            if name not in _WORDS
        ]
        if _HUMAN_LABEL.search(code):
            faults.append("a label is text; humanize... formats numbers such as $value")
    return tuple(faults)


@lru_cache(maxsize=1024)
def labels_used(text: str) -> tuple[str, ...]:
    """List the labels that the Go templates in a text read from the series."""
    if "{{" not in text:
        return ()
    found: list[str] = []
    elsewhere: list[bool] = []
    for action in _ACTION.findall(text):
        label = _OWN_LABEL if any(elsewhere) else _LABEL
        found += [first or second for first, second in label.findall(action)]
        if match := _BLOCK.match(action):
            _enter(match[1], elsewhere)
    return tuple(dict.fromkeys(found))


def _enter(word: str, elsewhere: list[bool]) -> None:
    """Keep account of the open blocks, and in which of them the dot is no longer the alert."""
    if word not in ("else", "end"):
        elsewhere.append(word != "if")
    elif elsewhere:
        elsewhere.pop()
        if word == "else":
            elsewhere.append(False)


def shows_percentage(text: str) -> bool:
    """Tell whether the text shows the value as a percentage."""
    return "humanizePercentage" in text


def reads_value(text: str) -> bool:
    """Tell whether the text changes with the value."""
    return "$value" in text or ".Value" in text
