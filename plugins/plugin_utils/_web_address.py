# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses of web servers (private to this collection)."""

from __future__ import annotations

from urllib.parse import urlsplit


def is_web_address(text: str) -> bool:
    """Whether a program may ask at this address: http or https, a host, a port that is one."""
    try:
        found = urlsplit(text)
        return found.scheme in ("http", "https") and bool(found.hostname) and found.port != 0
    except ValueError:  # a port that is none, a bracket without its other one
        return False


def holds_password(text: str) -> bool:
    """Whether a login stands in the address."""
    try:
        return bool(urlsplit(text).password)
    except ValueError:
        return False
