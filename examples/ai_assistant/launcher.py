# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The program of a release: run the application with the libraries beside it that fit this Python.

Workers are started as new processes, and read this file again.
"""

import os
import sys

release = os.path.dirname(os.path.realpath(__file__))
libraries = os.path.join(release, f"python{sys.version_info[0]}.{sys.version_info[1]}")
if not os.path.isdir(libraries):
    there = sorted(name for name in os.listdir(release) if name.startswith("python"))
    needed = ", ".join(name.replace("python", "Python ") for name in there)
    sys.exit(f"error: this release is for {needed}, not for Python {sys.version.split()[0]}")
sys.path[:0] = [os.path.join(release, "application"), libraries]

# Compiled code is kept where systemd gives a place for it; the release stays as it was unpacked.
sys.pycache_prefix = os.environ.get("CACHE_DIRECTORY")
sys.dont_write_bytecode = not sys.pycache_prefix

if __name__ == "__main__":
    from ai_assistant.__main__ import main

    sys.exit(main())
