# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for Grafana, for tests alone.

It reads the files that Grafana reads, refuses what Grafana refuses, keeps a database, and answers
those parts of the API that the role and its tests use. It draws nothing.
"""

import json
import sys
import time
from typing import Any


class Refused(Exception):
    """What makes Grafana end with exit code 1."""


def log(level: str, message: str, logger: str = "stand-in", **fields: Any) -> None:
    """Write a line as Grafana does."""
    when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    more = "".join(f" {key}={json.dumps(str(value))}" for key, value in fields.items())
    print(f'logger={logger} t={when} level={level} msg="{message}"{more}', flush=True)


def fail(message: str) -> int:
    """Write last words and return the exit code."""
    print(f"Error: ✗ {message}", file=sys.stderr, flush=True)
    return 1
