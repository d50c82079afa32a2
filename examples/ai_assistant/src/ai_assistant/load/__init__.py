# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Load for the application, bounded and repeatable, and the faults that the alerts are about."""


class TooMuch(Exception):
    """More than the host can give away; the text says how much it has."""
