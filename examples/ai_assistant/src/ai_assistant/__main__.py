# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Command line: python3 -m ai_assistant serve | check | load ..."""

from __future__ import annotations

import os
import sys

USAGE = "usage: ai_assistant [serve | check | load ...]"


def main() -> int:
    """Do what the first word says."""
    command, *rest = sys.argv[1:] or ["serve"]
    if command == "load":
        from .load.__main__ import main as load

        return load(rest)
    if command not in ("serve", "check") or rest:
        print(USAGE, file=sys.stderr)
        return 2
    environment = dict(os.environ)
    if command == "check":
        # A service may be running, and what it shares with its workers is not to be touched.
        os.environ.pop("PROMETHEUS_MULTIPROC_DIR", None)
        from .check import check

        return check(environment)
    from .server import serve

    return serve(environment)


if __name__ == "__main__":
    sys.exit(main())
