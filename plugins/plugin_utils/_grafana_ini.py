# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write grafana.ini as Grafana reads it (private to this collection).

Grafana takes a value apart in silence: at # and ;, at quotes, at a backslash in the end, and it
ignores an empty one. What it would not read as it was meant is quoted here, or refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import (
    Faults,
    kind,
    nearest,
    shown,
)
from ansible_collections.barehost.monitoring.plugins.plugin_utils._grafana_sections import (
    SECTIONS,
    TOP,
)
from ansible_collections.barehost.monitoring.plugins.plugin_utils._web_address import is_web_address

HEADER = "# Written by barehost.monitoring; the next run undoes changes made here.\n"

_SECTION = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./-]*")
_KEY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_PLAIN = re.compile(r"[A-Za-z0-9._/:@,+-]+")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")
_SECRET = re.compile(r"(.*_)?(password|secret|secret_key|token|api_key|account_key|private_key)")
_SWITCHES = ("true", "false")  # such as use_refresh_token
_LOGIN = re.compile(r"//[^/@]*:[^/@]+@|(^|[\s,;])password=", re.IGNORECASE)
_ELSEWHERE = re.compile(r"\$__(file|env|vault)\{[^{}]+\}")
_BARE_ELSEWHERE = re.compile(r"\$__(file|env|vault)\{[A-Za-z0-9._/:@,+-]+\}")
# What the role gives by other ways, and what happens when it stands here.
_OWN = {
    ("security", "admin_password"): "counts at the very first start alone; set admin_password",
    ("security", "secret_key"): "would be readable in every diff; set secret_key",
    ("database", "password"): "would be readable in every diff; set database_password",
}


def grafana_ini(sections: Any, *, environment: Any = None) -> str:
    """Return the text of grafana.ini; null leaves a key, or a whole section, out.

    environment: the variables of the service, which may not speak against the file.
    """
    faults = Faults()
    for name in environment if isinstance(environment, Mapping) else ():
        if str(name).startswith("GF_"):
            text = "would override the file, and everybody on the host could read it; use config "
            faults.add(f"environment.{name}", f"{text}instead")
    if not isinstance(sections, Mapping):
        faults.add("config", f"{shown(sections)} is {kind(sections)}, not a dictionary of sections")
        sections = {}
    parts = [_section(name, keys, faults) for name, keys in _ordered(sections)]
    faults.refuse()
    return HEADER + "\n".join(part for part in parts if part)


def _ordered(sections: Mapping[Any, Any]) -> list[tuple[Any, Any]]:
    return sorted(sections.items(), key=lambda item: item[0] != TOP)


def _section(name: Any, keys: Any, faults: Faults) -> str:
    where = f"config.{name}"
    if not isinstance(name, str) or not _SECTION.fullmatch(name):
        faults.add("config", f"{shown(name)} is no section name (example: auth.proxy)")
        return ""
    if name not in SECTIONS and (hint := nearest(name, SECTIONS, cutoff=0.85)):
        faults.add(where, f"Grafana knows no such section and would ignore it{hint}")
    if keys is None:
        return ""
    if not isinstance(keys, Mapping):
        faults.add(where, f"{shown(keys)} is {kind(keys)}, not a dictionary of keys")
        return ""
    lines = list(_lines(name, where, keys, faults))
    return "".join(lines if name == TOP else [f"[{name}]\n", *lines])


def _lines(section: str, where: str, keys: Mapping[Any, Any], faults: Faults) -> Iterator[str]:
    for key, value in keys.items():
        if not isinstance(key, str) or not _KEY.fullmatch(key):
            faults.add(where, f"{shown(key)} is no key (example: http_port)")
        elif value is not None:
            fault = _fault(section, key, value)
            if fault:
                faults.add(f"{where}.{key}", fault)
            yield f"{key} = {_written(value)}\n"


def _fault(section: str, key: str, value: Any) -> str:
    if not isinstance(value, str | int | float):
        return f"{shown(value)} is {kind(value)}; lists are written as one text, as Grafana wants"
    text = str(value)
    if text == "":
        return "is empty, which Grafana ignores: its default would stay (null leaves the key out)"
    if isinstance(value, float) and not math.isfinite(value):
        return f"{shown(value)} is no number that Grafana reads"
    if _CONTROL.search(text):
        return "holds a control character"
    if "\n" in text and '"""' in text:
        return "holds a line break and three double quotes, which Grafana cannot read together"
    if "%(" in text:
        return "holds %(, in whose place Grafana puts another key's value; write that value out"
    if (section, key) == ("server", "root_url") and not is_web_address(text):
        example = "(example: https://example.com/grafana)"
        return f"{shown(text)} is no address of a web server; set external_url {example}"
    own = _OWN.get((section, key))
    switch = text.lower() in _SWITCHES
    if not own and _SECRET.fullmatch(key) and not switch or not own and _LOGIN.search(text):
        own = "would be readable in every diff; put it into secrets, and its path here"
    if own and not _ELSEWHERE.fullmatch(text):
        return f"a secret {own} (example: $__file{{/etc/grafana/secrets/{key}}})"
    return ""


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    bare = _PLAIN.fullmatch(text) or _BARE_ELSEWHERE.fullmatch(text)
    return text if bare else f'"""{text}"""'
