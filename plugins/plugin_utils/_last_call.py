# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Remember the last call of a function of plain data (private to this collection).

A role reads its rules in several variables: the files, their number, the probes. Ansible evaluates
each anew, with the same data, within one worker. One call is remembered, no more, so that a long run
over many hosts does not grow.
"""

from __future__ import annotations

import marshal
from collections.abc import Callable
from functools import wraps
from typing import Any

# From version 3 on, the bytes tell whether equal values are one object, which is of no interest.
_VERSION = 2


def remembering(function: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Answer a call that repeats the last one from memory; the answer is a copy each time.

    Bytes are compared, not values: 1, 1.0 and True are equal, and so are dictionaries in another
    order, but the answers differ. A call with anything but plain data is passed on.
    """
    last = asked = b""

    @wraps(function)
    def call(*given: Any, **options: Any) -> dict[str, Any]:
        nonlocal last, asked
        try:
            asking = marshal.dumps((given, options), _VERSION)
        except ValueError:
            return function(*given, **options)
        if asking != asked:
            answer = function(*given, **options)
            last, asked = marshal.dumps(answer, _VERSION), asking
        found: dict[str, Any] = marshal.loads(last)
        return found

    return call
