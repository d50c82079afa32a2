# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Say whether the application could serve here, without serving."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from .app import build
from .settings import SettingsError, read_settings


def check(environment: Mapping[str, str]) -> int:
    """Read the settings and put the application together."""
    try:
        build(read_settings(environment))
    except SettingsError as exc:
        print(f"error: {exc}", file=sys.stderr)
        return 2
    print("the settings are good")
    return 0
