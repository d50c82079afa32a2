# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The few statements of Ruby that pipelines here use; anything else is refused.

event.set("[event][original]", event.to_json)
event.set("[a]", event.get("[b]")), ....to_json, ....to_s
event.remove("[a]")
event.cancel
"""

import json
import re
from collections.abc import Callable
from typing import Any

from elastic.common import Refused
from elastic.logstash.event import Event, as_text, plain

Run = Callable[[Event], None]
_QUOTED = r"""(?:"([^"]*)"|'([^']*)')"""
_SET = re.compile(rf"event\.set\(\s*{_QUOTED}\s*,\s*(.+?)\s*\)$")
_REMOVE = re.compile(rf"event\.remove\(\s*{_QUOTED}\s*\)$")
_GET = re.compile(rf"event\.get\(\s*{_QUOTED}\s*\)(\.to_json|\.to_s)?$")


def compiled(code: str) -> Run:
    """Turn code into a function of an event; raises Refused."""
    statements = [text.strip() for text in re.split(r"[;\n]", code)]
    runs = [_statement(text) for text in statements if text and not text.startswith("#")]

    def run(event: Event) -> None:
        for one in runs:
            one(event)

    return run


def _statement(text: str) -> Run:
    if text == "event.cancel":
        return lambda event: setattr(event, "cancelled", True)
    if found := _REMOVE.match(text):
        name = found[1] or found[2]
        return lambda event: event.remove(name) and None
    if found := _SET.match(text):
        target, value = found[1] or found[2], _expression(found[3])
        return lambda event: event.set(target, value(event))
    raise Refused(f"the stand-in's ruby filter does not know the statement {text}")


def _expression(text: str) -> Callable[[Event], Any]:
    if text in ("event.to_json", "event.to_hash.to_json"):
        return lambda event: _json(event.data)
    if found := _GET.match(text):
        name, then = found[1] or found[2], found[3]
        if then == ".to_json":
            return lambda event: _json(event.get(name))
        if then == ".to_s":
            return lambda event: as_text(event.get(name))
        return lambda event: event.get(name)
    if found := re.fullmatch(_QUOTED, text):
        constant = found[1] or found[2] or ""
        return lambda _event: constant
    raise Refused(f"the stand-in's ruby filter does not know the expression {text}")


def _json(value: Any) -> str:
    return json.dumps(plain(value), ensure_ascii=False, separators=(",", ":"))
