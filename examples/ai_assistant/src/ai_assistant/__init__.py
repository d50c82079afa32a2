# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An AI assistant in miniature, to show an application that is monitored."""

from __future__ import annotations

__version__ = "1.0.0"

SERVICE = "ai-assistant"
