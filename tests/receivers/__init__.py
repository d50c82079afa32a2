# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test receivers: a mail server, and an address for Slack and webhooks, that keep what they get.

`control.Receivers` starts them here or on a test host and tells what has arrived. `server` is what
then runs there: Python and aiosmtpd, nothing else.
"""
