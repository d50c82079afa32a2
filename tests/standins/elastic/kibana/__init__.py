# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for Kibana, for tests alone: its settings, status, data views and saved objects."""

from pathlib import Path

HOME = Path(__file__).resolve().parents[3]  # of the unpacked release: lib/elastic/kibana


def version() -> str:
    """Tell the version that it stands in for."""
    file = HOME / "VERSION"
    return file.read_text(encoding="utf-8").strip() if file.exists() else "8.5.0"
