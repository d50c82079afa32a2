# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program of a stand-in for Logstash, for tests alone."""

import os
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))

from elastic.logstash.command import main  # noqa: E402

code = main(sys.argv[1:])
sys.stdout.flush()
os._exit(code)  # threads of inputs may still wait for somebody
