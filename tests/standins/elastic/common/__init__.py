# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the stand-ins share: settings in YAML, variables, a web server, a client of Elasticsearch."""


class Refused(Exception):
    """What makes the product refuse its input."""
